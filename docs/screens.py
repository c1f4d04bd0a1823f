"""Take the pictures of the pages, `python docs/screens.py`: `inspect`, `stress`, and a report with a diagnosis.

Needs the extra `browser`, and chromium.
"""

import shutil
import tempfile
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

from batch_eval import ModelOptions, evaluate, stress
from batch_eval.api import open_reader
from batch_eval.engines.model_view import view_model
from batch_eval.reports.registry import Kind
from batch_eval.reports.writing import write_reports

ROOT = Path(__file__).resolve().parents[1]
SAMPLES = ROOT / "sample_images"
SIZES = {"inspection": (1200, 1050), "report": (1200, 620), "stress": (1200, 1000)}


def main() -> None:
    """Write the pictures, with a palette so that they stay small."""
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        options, reader = ModelOptions(), open_reader()
        view = view_model(options, reader.classifier, reader.recipe, SAMPLES / "7-4-squared-marker.png")
        write_reports(view, folder, ["html"], kind=Kind.INSPECTION)
        write_reports(evaluate(SAMPLES, ModelOptions(ink="dark")), folder, ["html"])
        write_reports(stress(SAMPLES), folder, ["html"], kind=Kind.STRESS)
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for page, picture in (("inspection", "inspection"), ("report", "diagnosis"), ("stress", "stress")):
            width, height = SIZES[page]
            tab = browser.new_page(viewport={"width": width, "height": height}, color_scheme="light")
            tab.goto((folder / f"{page}.html").as_uri())
            taken = Image.open(BytesIO(tab.screenshot())).convert("RGB")
            taken.quantize(64).save(Path(__file__).with_name("pictures") / f"{picture}.png", optimize=True)


if __name__ == "__main__":
    main()
