"""Take the pictures of the pages, `python docs/screens.py`: `inspect`, `stress`, and a report with a diagnosis.

Two runs give the same bytes. Needs the extra `browser`, and chromium.
"""

import argparse
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from parts.screenshots import PICTURES, chromium, save, screenshot

from batch_eval import ModelOptions, evaluate, stress
from batch_eval.api import open_reader
from batch_eval.engines.model_view import view_model
from batch_eval.reports.registry import Kind
from batch_eval.reports.writing import write_reports

ROOT = Path(__file__).resolve().parents[1]
SAMPLES = ROOT / "sample_images"


def main() -> None:
    """Write the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="which pictures; all unless given")
    parser.add_argument("--out", type=Path, default=PICTURES)
    given = parser.parse_args()
    take(given.names or list(PAGES), given.out)


def take(names: list[str], out: Path) -> None:
    """Write some of the pictures into a folder."""
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        for name in names:
            write, page, height = PAGES[name]
            write(Path(folder))
            save(screenshot(browser, Path(folder, page), 1200, height), out / f"{name}.png")


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


PAGES: Mapping[str, tuple[Callable[[Path], None], str, int]] = {
    "inspection": (inspected, "inspection.html", 1050),
    "diagnosis": (diagnosed, "report.html", 700),
    "stress": (stressed, "stress.html", 1000),
}
"""What writes each picture's page, the page's file, and its height in pixels."""

if __name__ == "__main__":
    main()
