"""Take the pictures of the pages, `python docs/screens.py`: `inspect`, `stress`, a diagnosis, and errors explained.

Two runs give the same bytes. Needs the extra `browser`, and chromium.
"""

import argparse
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from parts.screenshots import PICTURES, chromium, save, screenshot
from playwright.sync_api import Browser

from batch_eval import ModelOptions, evaluate, open_model, stress
from batch_eval.api import open_reader
from batch_eval.engines.model_view import view_model
from batch_eval.imaging.files import encode
from batch_eval.reports.registry import Kind
from batch_eval.reports.writing import write_reports
from batch_eval.studies.explain import digits_for, explained
from batch_eval.training.scenes import SceneOptions, draw_scene

ROOT = Path(__file__).resolve().parents[1]
SAMPLES = ROOT / "sample_images"


def main() -> None:
    """Write the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="which pictures; all unless given")
    parser.add_argument("--out", type=Path, default=PICTURES)
    given = parser.parse_args()
    with chromium() as browser:
        take(browser, given.names or list(PAGES), given.out)


def take(browser: Browser, names: list[str], out: Path) -> None:
    """Write some of the pictures into a folder."""
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            write, page, height = PAGES[name]
            write(Path(folder))
            file, _, section = page.partition("#")
            save(screenshot(browser, Path(folder, file), 1200, height, section), out / f"{name}.png")


def inspected(folder: Path) -> None:
    """Write the page that shows the default model from inside."""
    options, reader = ModelOptions(), open_reader()
    view = view_model(options, reader.classifier, reader.recipe, SAMPLES / "7-4-squared-marker.png")
    write_reports(view, folder, ["html"], kind=Kind.INSPECTION)


def diagnosed(folder: Path) -> None:
    """Write the report of a model that is given the wrong ink."""
    write_reports(evaluate(SAMPLES, ModelOptions(ink="dark")), folder, ["html"])


def stressed(folder: Path) -> None:
    """Write the page of a stress test."""
    write_reports(stress(SAMPLES), folder, ["html"], kind=Kind.STRESS)


def explained_errors(folder: Path) -> None:
    """Write the report of 200 drawn photos, so much out of focus that some are misread."""
    photos = folder / "photos"
    photos.mkdir()
    options = SceneOptions(size=96, share=(0.3, 0.6), blur=(1.5, 2.5))
    for i in range(200):
        scene = draw_scene(np.random.default_rng([7, i]), i % 10, options)
        (photos / f"{scene.label}_{i}.png").write_bytes(encode(scene.image))
    model = open_model()
    write_reports(explained(evaluate(photos), model, digits=digits_for(model, None)), folder, ["html"])


PAGES: Mapping[str, tuple[Callable[[Path], None], str, int]] = {
    "inspection": (inspected, "inspection.html", 1050),
    "diagnosis": (diagnosed, "report.html", 700),
    "stress": (stressed, "stress.html", 1000),
    "explained": (explained_errors, "report.html#explained", 825),
}
"""What writes each picture's page, the page's file with a section, and the height in pixels."""

if __name__ == "__main__":
    main()
