"""Draw the README's picture, `python docs/overview.py`: photos, what the model sees, what it reads, and the report.

The report's screenshot needs Playwright's Python package and chromium.
"""

from io import BytesIO
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from parts import screenshots
from PIL import Image

from batch_eval import open_model, preprocess
from batch_eval.training.scenes import SceneOptions, draw_scene

ROOT = Path(__file__).resolve().parents[1]
REPORT = ROOT / "reports" / "example" / "report.html"
SCENES = (
    (7, "ruled", "ballpoint", "gradient", 3),
    (4, "squared", "fountain", "shadow", 2),
    (9, "recycled", "felt-tip", "vignette", 4),
)
"""Digit, paper, pen, light and seed of each photo."""
BLUE, GREY = "#0a58a8", "#8a929b"


def main() -> None:
    """Write ``overview.png`` beside this file, with a palette so that it stays small."""
    figure = Figure(figsize=(10, 4.2), dpi=110, layout="constrained")
    left, right = figure.subfigures(1, 2, width_ratios=(1, 1.15), wspace=0.03)
    rows = left.subplots(len(SCENES), 3, width_ratios=(1, 1, 1.1))
    for axes, scene in zip(rows, SCENES, strict=True):
        draw_row(axes, *scene)
    for axes, title in zip(rows[0], ("a photo", "what the model sees", "what it reads"), strict=True):
        axes.set_title(title, size=10)
    page = right.subplots()
    page.imshow(screenshot())
    page.set_title("the report", size=10)
    page.set_axis_off()
    drawn = BytesIO()
    figure.savefig(drawn, format="png")
    screenshots.save(Image.open(drawn).convert("RGB"), Path(__file__).with_name("overview.png"))


def draw_row(axes: NDArray[np.object_], label: int, paper: str, pen: str, light: str, seed: int) -> None:
    """Draw a photo, its 28 × 28 and the model's three likeliest classes into three axes."""
    image = draw_scene(
        np.random.default_rng(seed), label, SceneOptions(paper=paper, pen=pen, light=light, size=384)
    ).image
    seen = preprocess(image)
    photo, small, bars = axes
    photo.imshow(image[..., ::-1])  # drawn as OpenCV orders colours, BGR
    small.imshow(seen, cmap="gray", vmin=0, vmax=255)
    draw_bars(bars, open_model(None).predict(seen[None])[0])
    for picture in (photo, small):
        picture.set_axis_off()


def draw_bars(axes: Axes, probabilities: NDArray[np.float32]) -> None:
    """Draw the three likeliest classes, the likeliest on top."""
    best = probabilities.argsort()[::-1][:3]
    axes.barh([str(i) for i in best], probabilities[best], color=[BLUE, GREY, GREY])
    axes.set(xlim=(0, 1), xticks=[])
    axes.invert_yaxis()
    axes.spines[["top", "right", "bottom"]].set_visible(False)


def screenshot() -> Image.Image:
    """Return the top of the committed example report."""
    with screenshots.chromium() as browser:
        return screenshots.screenshot(browser, REPORT, 1000, 760)


if __name__ == "__main__":
    main()
