"""Thinner and thicker strokes."""

from __future__ import annotations

import math

import cv2
import numpy as np

from batch_eval.imaging.polarity import dark_on_light
from batch_eval.imaging.steps import Image

FINE_SIDE = 320
"""Longer side, in pixels, to which small images are enlarged: a stroke can then grow by less than a pixel."""


def thinner(image: Image, level: float, _rng: np.random.Generator) -> Image:
    """Take ``level`` percent of the longer side off the width of each stroke."""
    return _grown(image, level, ink=False)


def thicker(image: Image, level: float, _rng: np.random.Generator) -> Image:
    """Add ``level`` percent of the longer side to the width of each stroke."""
    return _grown(image, level, ink=True)


def _grown(image: Image, level: float, *, ink: bool) -> Image:
    """Grow the ink, or the paper. Grey morphology: each pixel takes the extreme grey of a disc around it."""
    side = max(image.shape[:2])
    scale = math.ceil(FINE_SIDE / side)
    width = round(level / 100 * side * scale)
    if not width:
        return image.copy()
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width + 1, width + 1))
    fine = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC) if scale > 1 else image
    grow = cv2.erode if ink == dark_on_light(image) else cv2.dilate  # erosion makes dark areas grow
    return cv2.resize(grow(fine, disc), (image.shape[1], image.shape[0]), interpolation=cv2.INTER_AREA)
