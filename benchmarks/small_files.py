"""Many small files: digits of 28 × 28 px as MNIST has them, no two alike, in class folders."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from batch_eval.imaging.files import encode
from batch_eval.imaging.second_look import finished
from batch_eval.imaging.steps import centre, crop_to_ink, fit_to_box
from batch_eval.training.drawing import draw_ink

DRAWN = 2000
"""Digits that are drawn. Each file holds one of them, turned and sheared by chance: drawing takes 20 times as long."""
SIDE = 112
"""Pixels of a drawn digit when it is turned, with room around it."""


def write_small_files(root: Path, count: int) -> None:
    """Write ``count`` PNG files, those of the digit 7 into ``root/7``."""
    rng = np.random.default_rng(0)
    drawn = [cv2.resize(finished(draw_ink(rng, i % 10)), (SIDE, SIDE)) for i in range(min(DRAWN, count))]
    for label in range(10):
        (root / str(label)).mkdir(parents=True, exist_ok=True)
    for i in range(count):
        image = _varied(rng, drawn[i % DRAWN])
        (root / str(i % 10) / f"image-{i:07}.png").write_bytes(encode(image))


def _varied(rng: np.random.Generator, digit: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return (28, 28) of a (``SIDE``, ``SIDE``) digit under a random affine map."""
    change = np.eye(2) + rng.normal(0, 0.08, (2, 2))
    middle = np.full(2, SIDE / 2)
    turned = cv2.warpAffine(digit, np.column_stack([change, middle - change @ middle]), (SIDE, SIDE))
    image = centre(fit_to_box(crop_to_ink(turned)))
    return np.asarray(cv2.normalize(image, image, 0, 255, cv2.NORM_MINMAX), np.uint8)  # MNIST's ink reaches 255
