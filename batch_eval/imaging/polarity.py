"""Decide whether ink is darker than its paper, and make it so."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from batch_eval.imaging.filters import COARSE_SIDE, TIGHT_CROP, odd_width, shrink
from batch_eval.imaging.steps import Image, border, grey

# Chosen by experiment; docs/preprocessing.md, row "photo without `polarity`" and the rows of tight crops.
MIN_LIGHT_INK = 24
"""Minimum grey levels by which light ink stands out. Less is uneven light."""
MIN_SEPARABILITY = 0.7
"""Minimum separability, 0 to 1, of an image that may have two tones only."""
BORDER_WEIGHT = 10.0
"""Weight of the border's vote for each unit of separability above the minimum."""
CROP_BORDER_WEIGHT = 40.0
"""The same weight in a tight crop."""
MIN_PAPER = 0.35
"""Minimum fraction of an image that is paper. A border unlike the rest is a printed frame."""
MEDIAN_WINDOW = 0.25
"""Width of the local median. Unit: the longest side.

Wider than two strokes, narrower than the reflection of a lamp.
"""


def dark_on_light(image: Image, window: float = MEDIAN_WINDOW) -> bool:
    """Say whether the ink is darker than the paper.

    In a tight crop whose border has one tone, that tone is the paper. Elsewhere strokes and border vote. The border
    counts more in an image of two tones. A border unlike most of the image is a printed frame, as dark as ink.

    Args:
        image: (H, W) or (H, W, 3) BGR uint8.
        window: Width of the local median, 0 to 1. Unit: the longest side.

    """
    coarse = shrink(grey(image), COARSE_SIDE)
    ring = border(coarse)
    ring.sort()
    darkest, middle, brightest = (float(ring[int(share * (len(ring) - 1))]) for share in (0.1, 0.5, 0.9))
    threshold, bright = cv2.threshold(coarse, 0, 1, cv2.THRESH_OTSU)
    share = cv2.countNonZero(bright) / bright.size
    tight_crop = max(image.shape[:2]) < TIGHT_CROP
    lowest, highest, _, _ = cv2.minMaxLoc(coarse)
    one_tone = brightest - darkest <= 0.06 * (highest - lowest)
    if one_tone and tight_crop:
        light = middle > threshold
        return light != _is_frame(light, share)
    # Strokes vote by the third moment of the difference from a local median. Ink is sparse and strong, so it dominates
    # the cubes: of 100 pixels, 10 lie 100 levels below the median (ink) and 90 lie 10 above it (light that falls off).
    # The sum is 10 · 100³ - 90 · 10³ > 0, so ink is dark.
    below = _below_median(coarse, window)
    two_tones = max(0, separability(coarse, bright, share) - MIN_SEPARABILITY)
    on_border = 2 * np.count_nonzero(ring > threshold) / len(ring) - 1  # -1 all dark, 1 all light
    if _is_frame(bool(on_border > 0), share):
        on_border = -on_border
    weight = CROP_BORDER_WEIGHT if tight_crop else BORDER_WEIGHT
    # no pixel stands out as light ink would: what is bright is light on paper
    uneven_light = not one_tone and below.min() > -MIN_LIGHT_INK
    return bool(_signed_moment(below) + weight * two_tones * on_border > 0 or uneven_light)


def _is_frame(light: bool, share: float) -> bool:
    """Say whether a border is too small a part of the image to be its paper.

    ``light`` says whether the border is light, ``share`` which fraction of the image is.
    """
    return (share if light else 1 - share) < MIN_PAPER


def _below_median(image: Image, window: float) -> Image:
    """Return how far each pixel is below the median around it, (H, W) float32."""
    size = odd_width(image, window)
    pad = size // 2
    padded = cv2.copyMakeBorder(image, pad, pad, pad, pad, cv2.BORDER_REPLICATE)
    return cv2.medianBlur(padded, size)[pad:-pad, pad:-pad].astype(np.float32) - image


def _signed_moment(values: Image) -> float:
    """Return Σ w·v³ / Σ w·|v|³ of an image, -1 to 1. The weights w are largest in its middle."""
    moment = values * values * values * _central_weights(values.shape)
    return cv2.sumElems(moment)[0] / max(1e-9, cv2.norm(moment, cv2.NORM_L1))


@lru_cache(maxsize=64)
def _central_weights(shape: tuple[int, int]) -> NDArray[np.float64]:
    """Return Gaussian weights around the middle, (H, W)."""
    rows, columns = (cv2.getGaussianKernel(side, side * 0.3) for side in shape)
    return np.asarray(rows @ columns.T)


def separability(image: Image, mask: Image, share: float) -> float:
    """Return the fraction of an image's variance that is between two classes, 0 to 1.

    Otsu's threshold maximises this measure (IEEE Trans. SMC 9, 1979, η). It is 0 if there is one class only.

    Args:
        image: (H, W) uint8.
        mask: (H, W) uint8, 0 or 1: the classes.
        share: Fraction of the mask that is 1.

    """
    deviation = float(cv2.meanStdDev(image)[1][0, 0])
    if share in (0, 1) or deviation == 0:
        return 0.0
    inside, everywhere = cv2.mean(image, mask)[0], cv2.mean(image)[0]
    return share / (1 - share) * ((inside - everywhere) / deviation) ** 2


def dark_ink(image: Image, *, window: float = MEDIAN_WINDOW) -> Image:
    """Invert an image, grey or BGR, whose ink is brighter than its paper; ``window`` as in `dark_on_light`."""
    return image if dark_on_light(image, window) else cv2.bitwise_not(image)
