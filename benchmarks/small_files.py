"""Many small files: digits of 28 × 28 px as MNIST has them, no two alike, in class folders."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from batch_eval.imaging.files import encode
from batch_eval.imaging.second_look import finished
from batch_eval.training.drawing import draw_ink

DRAWN = 2000
"""Digits that are drawn. Each file holds one of them, turned and sheared by chance: drawing takes 100 times as long."""
SIDE = 96
"""Pixels of a drawn digit."""


def write_small_files(root: Path, count: int) -> None:
    """Write ``count`` PNG files, those of the digit 7 into ``root/7``."""
    rng = np.random.default_rng(0)
    drawn = [draw_ink(rng, i % 10, SIDE) for i in range(min(DRAWN, count))]
    for label in range(10):
        (root / str(label)).mkdir(parents=True, exist_ok=True)
    for i in range(count):
        digit = finished(_varied(rng, drawn[i % DRAWN]))
        image = np.asarray(cv2.normalize(digit, digit, 0, 255, cv2.NORM_MINMAX), np.uint8)  # MNIST's ink reaches 255
        (root / str(i % 10) / f"image-{i:07}.png").write_bytes(encode(image))


def _varied(rng: np.random.Generator, digit: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a digit under a random affine map, (2 ``SIDE``, 2 ``SIDE``) uint8."""
    change = np.eye(2) + rng.normal(0, 0.08, (2, 2))
    middle = np.full(2, SIDE / 2)
    offset = np.full(2, float(SIDE)) - change @ middle
    return np.asarray(cv2.warpAffine(digit, np.column_stack([change, offset]), (2 * SIDE, 2 * SIDE)), np.uint8)
