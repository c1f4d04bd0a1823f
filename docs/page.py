"""Draw the picture of the local page, `python docs/page.py`: a photo on a desktop, and a drawing on a phone.

Needs the extras `web` and `browser`, and chromium.
"""

import tempfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from threading import Thread

import uvicorn
from parts.screenshots import PICTURES, chromium, save
from PIL import Image
from playwright.sync_api import Browser, Page

from batch_eval.web.app import Site, create_app
from batch_eval.web.collecting import Collection
from batch_eval.web.examples import Examples
from batch_eval.web.readers import open_readers
from batch_eval.web.server import address, listen

ROOT = Path(__file__).resolve().parents[1]
PHOTO = ROOT / "sample_images" / "5-6-ruled-fountain.png"
SEVEN = [(0.3, 0.25), (0.5, 0.24), (0.7, 0.25), (0.6, 0.5), (0.5, 0.65), (0.45, 0.82)]
DESKTOP = {"viewport": {"width": 1280, "height": 1400}, "color_scheme": "light"}
PHONE = {"viewport": {"width": 390, "height": 1400}, "color_scheme": "dark", "has_touch": True, "is_mobile": True}


def main() -> None:
    """Write ``pictures/page.png``, with a palette so that it stays small."""
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        readers = open_readers([])
        collection = Collection(Path(folder, "my-digits"), readers.labels, Path(folder, "reports"))
        collection.folder = Path("my-digits")  # only the name is shown: nothing is saved
        listening = listen("127.0.0.1", 0)
        app = create_app(Site(readers, examples=Examples(PHOTO.parent), collection=collection), "127.0.0.1")
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off", ws="none"))
        Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True).start()
        url = address(listening)
        pictures = [taken(browser, url, DESKTOP, upload), taken(browser, url, PHONE, draw)]
        server.should_exit = True
    width, height = sum(picture.width for picture in pictures) + 40, pictures[0].height
    both = Image.new("RGB", (width, height), "white")
    both.paste(pictures[0], (0, 0))
    both.paste(pictures[1], (width - pictures[1].width, 0))
    save(both, PICTURES / "page.png")


def taken(browser: Browser, url: str, device: dict[str, object], act: Callable[[Page], None]) -> Image.Image:
    """Return a screenshot of the page after something was done in it."""
    page = browser.new_page(**device, reduced_motion="reduce")
    page.goto(url)
    act(page)
    page.wait_for_selector("body[data-state=read]")
    return Image.open(BytesIO(page.screenshot())).convert("RGB")


def upload(page: Page) -> None:
    """Choose a photo."""
    page.set_input_files("#upload", PHOTO)
    page.wait_for_selector("#photo:not([hidden])")


def draw(page: Page) -> None:
    """Draw a seven."""
    box = page.locator("#canvas").bounding_box()
    points = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in SEVEN]
    page.mouse.move(*points[0])
    page.mouse.down()
    for point in points[1:]:
        page.mouse.move(*point, steps=5)
    page.mouse.up()


if __name__ == "__main__":
    main()
