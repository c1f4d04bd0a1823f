"""Estimate the paper: what each pixel would show without ink."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

from batch_eval.imaging.filters import COARSE_SIDE, TIGHT_CROP, blur, odd_width, shrink
from batch_eval.imaging.pixels import WHITE
from batch_eval.imaging.shadows import find_shadows
from batch_eval.imaging.steps import Image

# Chosen by experiment; docs/preprocessing.md, rows "photo, in a narrow shadow" and "photo without `ink`".
MAX_UNEVEN = 1.15
"""Maximum absorption anywhere in a shadow. Unit: its median absorption. More is ink."""
MAX_BRIGHTENED = 1.01
"""Maximum factor by which smoothing may brighten paper.

On the dark side of a shadow's edge, more would turn paper into ink.
"""
MIN_LIT = 0.25
"""Minimum tone of paper. Unit: the brightest paper's tone. Darker parts are strokes wider than the closing."""
BORDER_STROKE = 0.1
"""Depth of the strokes along the border that the closing leaves dark. Unit: the longest side."""


def paper_tone(image: Image, window: float) -> Image:
    """Estimate what each pixel would show without ink.

    A morphological closing, wider than any stroke, fills the strokes in. It follows wide shadows, vignettes and
    gradients. It would also fill in narrow shadows, so these are found and kept.
    Source: J. Serra, Image Analysis and Mathematical Morphology (1982), the black top-hat.

    Args:
        image: (H, W) or (H, W, 3) BGR uint8 with dark ink.
        window: Width of the closing, 0 to 1. Unit: the longest side.

    Returns:
        uint8 of the same shape.

    """
    uniform = _uniform_tone(image)
    if uniform is not None:
        return np.full_like(image, uniform)
    # A closing is a maximum over a disc, then a minimum: with radius 1, the row 9 9 4 9 9 becomes 9 9 9 9 9.
    # Three small discs in turn do what one large disc does, in a third of the time.
    coarse = shrink(image, COARSE_SIDE)
    half = odd_width(coarse, window) // 2
    discs = 3 if half >= 6 else 1  # smaller windows cannot be split
    radius = round(half / discs)
    reach, edge = discs * radius, cv2.BORDER_REPLICATE  # replicated, so that a darker border is light and not ink
    rim = min(5, 2 * reach + 1)  # radius of the blur
    pad = reach + rim
    disc = _disc(radius)
    padded = cv2.copyMakeBorder(coarse, pad, pad, pad, pad, edge)
    spread = cv2.dilate(padded, disc, borderType=edge)
    closed = cv2.dilate(spread, disc, iterations=discs - 1, borderType=edge)
    closed = cv2.erode(closed, disc, iterations=discs, borderType=edge)
    has_shadows = max(image.shape[:2]) >= TIGHT_CROP  # in a tight crop, what is dark is ink
    if has_shadows:
        # A closing by one small disc leaves narrow shadows dark, and wide strokes, too. It is used only in shadows, and
        # no darker there than the shadow makes paper.
        narrow = cv2.erode(spread, disc, borderType=edge)
        for shadow, tone in find_shadows(image, padded, closed, narrow, pad):
            least = cv2.convertScaleAbs(closed, alpha=1 - MAX_UNEVEN * tone / 255)
            in_shadow = cv2.min(closed, cv2.max(narrow, least))
            closed = cv2.copyTo(in_shadow, cv2.dilate(shadow, disc), closed)
    smooth = blur(np.ascontiguousarray(closed[reach:-reach, reach:-reach]), rim, 1.5)[rim:-rim, rim:-rim]
    if has_shadows:
        smooth = cv2.min(smooth, _max_brightness(closed[pad:-pad, pad:-pad]))
    return cv2.resize(smooth, (image.shape[1], image.shape[0]), interpolation=cv2.INTER_LINEAR)


def _max_brightness(closed: Image) -> Image:
    """Return how bright smoothing may make each pixel of a closing."""
    # Paper may get 1 % brighter. There is no limit where the closing is not paper: along the border, where it leaves
    # strokes dark, and where it is too dark for paper.
    depth = round(BORDER_STROKE * COARSE_SIDE)
    if min(closed.shape[:2]) <= 2 * depth:
        return np.full_like(closed, WHITE)
    inner = closed[depth:-depth, depth:-depth]
    ink = cv2.threshold(inner, MIN_LIT * cv2.norm(inner, cv2.NORM_INF), WHITE, cv2.THRESH_BINARY_INV)[1]
    inner = cv2.max(cv2.convertScaleAbs(inner, alpha=MAX_BRIGHTENED), ink)
    return cv2.copyMakeBorder(inner, depth, depth, depth, depth, cv2.BORDER_CONSTANT, value=(WHITE,) * 3)


def _uniform_tone(image: Image) -> float | None:
    """Return the paper's tone in a tight crop whose paper was set to one value.

    Most pixels have that value, and none is brighter. In other images, return None.
    """
    if max(image.shape[:2]) >= TIGHT_CROP or image.ndim == 3:
        return None
    brightest = cv2.minMaxLoc(image)[1]
    paper = cv2.threshold(image, brightest - 1, 1, cv2.THRESH_BINARY)[1]
    return brightest if 2 * cv2.countNonZero(paper) > paper.size else None


@lru_cache(maxsize=64)
def _disc(radius: int) -> Image:
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
