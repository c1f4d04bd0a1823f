"""Tell whether ink is darker than its paper, and make it so."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from batch_eval.imaging.filters import COARSE_SIDE, CUT_OUT, odd_width, shrink
from batch_eval.imaging.steps import Image, border, grey

MIN_LIGHT_INK = 24
"""Grey levels by which light ink stands out; less, and it is the light's own falling off."""
TWO_TONES = 0.7
"""Share of an image's variance that lies between dark and bright pixels above which it may have two tones only."""
BORDER_WEIGHT, CUT_OUT_WEIGHT = 10.0, 40.0
"""How much more an image's border says for each further share, and in one that somebody has cut to its digit."""
MIN_PAPER = 0.35
"""Share of an image below which what its border shows is no paper but the frame of a box or of a form's cell."""
MEDIAN_WINDOW = 0.25
"""Width of the surroundings whose median tells on which side ink lies, as a share of the longest side: wider than two
strokes, narrower than the reflection of a lamp; a median of fewer pixels takes OpenCV longer."""


def dark_on_light(image: Image, window: float = MEDIAN_WINDOW) -> bool:
    """Say whether the ink is darker than the paper.

    Where somebody has cut an image to its digit and its border has one tone, that is the paper. Elsewhere shadows,
    vignettes and the reflections of lamps are in the way, but ink is sparse and strong against its surroundings: the
    third moment of the difference from a local median says on which side it lies, and the middle of the image counts
    most. The clearer an image has two tones and no more, the more counts what most of its border shows. A border
    unlike most of the image is a printed frame. ``window`` is the median's width, a share of the image's longest side.
    """
    coarse = shrink(grey(image), COARSE_SIDE)
    ring = border(coarse)
    ring.sort()
    darkest, middle, brightest = (float(ring[int(share * (len(ring) - 1))]) for share in (0.1, 0.5, 0.9))
    threshold, bright = cv2.threshold(coarse, 0, 1, cv2.THRESH_OTSU)
    share = cv2.countNonZero(bright) / bright.size
    cut_out = max(image.shape[:2]) < CUT_OUT
    lowest, highest, _, _ = cv2.minMaxLoc(coarse)
    one_tone = brightest - darkest <= 0.06 * (highest - lowest)
    if one_tone and cut_out:
        light = middle > threshold
        return light != _is_frame(light, share)
    below = _below_median(coarse, window)
    two_tones = max(0, separability(coarse, bright, share) - TWO_TONES)
    on_border = 2 * np.count_nonzero(ring > threshold) / len(ring) - 1
    if _is_frame(bool(on_border > 0), share):
        on_border = -on_border
    weight = CUT_OUT_WEIGHT if cut_out else BORDER_WEIGHT
    uneven_light = not one_tone and below.min() > -MIN_LIGHT_INK
    return bool(_skew(below) + weight * two_tones * on_border > 0 or uneven_light)


def _is_frame(light: bool, share: float) -> bool:
    """Say whether a border, light or not, has too small a share of the image to be its paper; it is as dark as ink."""
    return (share if light else 1 - share) < MIN_PAPER


def _below_median(image: Image, window: float) -> Image:
    """(H, W) float32, how far each pixel lies below the median around it."""
    size = odd_width(image, window)
    pad = size // 2
    padded = cv2.copyMakeBorder(image, pad, pad, pad, pad, cv2.BORDER_REPLICATE)
    return cv2.medianBlur(padded, size)[pad:-pad, pad:-pad].astype(np.float32) - image


def _skew(values: Image) -> float:
    """Return the third moment of a (H, W) image as a share, -1 to 1, of that of its amounts; its middle counts most."""
    moment = values * values * values * _central(values.shape)
    return cv2.sumElems(moment)[0] / max(1e-9, cv2.norm(moment, cv2.NORM_L1))


@lru_cache(maxsize=64)
def _central(shape: tuple[int, int]) -> NDArray[np.float64]:
    """(H, W) how much each pixel of an image counts, its middle most."""
    rows, columns = (cv2.getGaussianKernel(side, side * 0.3) for side in shape)
    return np.asarray(rows @ columns.T)


def separability(image: Image, mask: Image, share: float) -> float:
    """Return how much of a (H, W) image's variance lies between the two classes of a 0/1 mask, 0 to 1.

    ``share`` is the mask's share of 1. The measure that Otsu's threshold maximises (IEEE Trans. SMC 9, 1979, η); 0
    where there is one class.
    """
    deviation = float(cv2.meanStdDev(image)[1][0, 0])
    if share in (0, 1) or deviation == 0:
        return 0.0
    inside, everywhere = cv2.mean(image, mask)[0], cv2.mean(image)[0]
    return share / (1 - share) * ((inside - everywhere) / deviation) ** 2


def dark_ink(image: Image, *, window: float = MEDIAN_WINDOW) -> Image:
    """Invert an image, grey or BGR, whose ink is brighter than its paper; ``window`` as in `dark_on_light`."""
    return image if dark_on_light(image, window) else cv2.bitwise_not(image)
