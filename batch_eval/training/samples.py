"""The sample images that ship with the program.

``python -m batch_eval.training.samples FOLDER`` draws them again.
"""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from batch_eval.publishing import publish
from batch_eval.training.scenes import SceneOptions, draw_scene

SEED = 2024
GREYS = 6
"""Levels of a channel that become one level. PNG compresses noise badly, and the images are in the repository."""
SCENES = (
    ("plain", "ballpoint", "even"),
    ("plain", "felt-tip", "gradient"),
    ("recycled", "pencil", "vignette"),
    ("ruled", "fountain", "even"),
    ("squared", "ballpoint", "gradient"),
    ("plain", "marker", "shadow"),
    ("plain", "pencil", "even"),
    ("dotted", "felt-tip", "even"),
    ("recycled", "fountain", "shadow"),
    ("yellow-pad", "ballpoint", "vignette"),
    ("plain", "crayon", "gradient"),
    ("squared", "marker", "even"),
    ("screen", "felt-tip", "even"),
)
"""Paper, pen and light, taken in turn. Ruled and squared paper are hard on purpose."""


@dataclass(frozen=True)
class SampleImage:
    """One drawn photo, (H, W, 3) BGR uint8, and its row of the label file."""

    filename: str
    image: NDArray[np.uint8]
    label: int
    paper: str
    pen: str
    light: str


def sample_images(count: int = 60) -> Iterator[SampleImage]:
    """Draw the sample images, the digits in turn. They are the same every time."""
    for i in range(count):
        paper, pen, light = SCENES[i % len(SCENES)]
        # A stream for each image: a change to one leaves the others as they are.
        rng = np.random.default_rng([SEED, i])
        size = int(rng.integers(100, 141))
        options = SceneOptions(paper, pen, light, size, blur=(0.3, 0.7), grain=(0.0, 0.004))
        scene = draw_scene(rng, i % 10, options)
        image = np.asarray(scene.image // GREYS * GREYS + GREYS // 2, dtype=np.uint8)
        yield SampleImage(f"{scene.label}-{i // 10 + 1}-{paper}-{pen}.png", image, scene.label, paper, pen, light)


def label_file(samples: list[SampleImage]) -> bytes:
    """Return labels.csv."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(("filename", "label", "paper", "pen", "light"))
    table.writerows((s.filename, s.label, s.paper, s.pen, s.light) for s in samples)
    return text.getvalue().encode()


def write_samples(folder: Path) -> list[Path]:
    """Draw the sample images and their label file into ``folder``. Raises ReportError if that fails."""
    samples = sorted(sample_images(), key=lambda sample: sample.filename)
    pictures = [(s.filename, cv2.imencode(".png", s.image, [cv2.IMWRITE_PNG_COMPRESSION, 9])[1]) for s in samples]
    contents = [("an image", name, png.tobytes()) for name, png in pictures]
    return publish(folder, [*contents, ("the labels", "labels.csv", label_file(samples))], None)


if __name__ == "__main__":
    write_samples(Path(sys.argv[1]))
