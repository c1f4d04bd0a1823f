"""Screenshots of pages, as pictures of the documentation. They need the extra `browser`, and chromium."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

PICTURES = Path(__file__).resolve().parents[1] / "pictures"
SAME_LETTERS = ("--font-render-hinting=none", "--disable-lcd-text")
"""Chromium draws letters without the screen's settings. Which fonts there are is left to the machine."""


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start a browser; ends it afterwards."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", *SAME_LETTERS]
        )
        yield browser
        browser.close()


def screenshot(browser: Browser, page: Path, width: int, height: int, section: str = "") -> Image.Image:
    """Return the top of a page in light colours, or of a ``section`` by its id; width and height in pixels."""
    tab = browser.new_page(viewport={"width": width, "height": height}, color_scheme="light", reduced_motion="reduce")
    tab.goto(f"{page.resolve().as_uri()}{'#' if section else ''}{section}")
    taken = tab.screenshot(animations="disabled")
    tab.close()
    return Image.open(BytesIO(taken)).convert("RGB")


def save(picture: Image.Image, file: Path, colours: int = 128) -> None:
    """Write a picture as PNG, with a palette so that it stays small."""
    picture.quantize(colours).save(file, optimize=True)
