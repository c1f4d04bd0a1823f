"""Separate ink from paper: colour, the grain of paper, and faint strokes.

An ink map is (H, W) uint8: 0 on paper, brighter for stronger ink.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from batch_eval.imaging.filters import NEIGHBOURS, absorption, blur
from batch_eval.imaging.light import paper_tone
from batch_eval.imaging.steps import Image
from batch_eval.imaging.stroke import CONTOUR

# Chosen by experiment, as was the default `tone` of `clear_paper`; docs/preprocessing.md, rows "photo without `ink`",
# "photo without `paper`" and the squares of blank paper.
HIGH_SIGMAS = 6.0
"""Minimum strength of ink somewhere in a stroke. Unit: standard deviation of the paper's noise."""
LOW_SIGMAS = 4.0
"""Minimum strength of ink everywhere in a stroke, in the same unit."""
OBVIOUS_TONE = 32
"""Minimum tone of ink that is obvious even if blurred, 0 to 255."""
MIN_RISE = 15
"""Minimum rise of fainter ink within three pixels, in grey levels. Folds and shadows rise more slowly."""
MAX_GRAIN = 6.0
"""Maximum standard deviation of the coarsest paper's grain, in grey levels. More is ink."""
MIN_FILLED_TONE = 30
"""Minimum tone of ink that covers most of an image, 0 to 255."""
WINDOW = 0.3
"""Width of the closing that finds the paper. Unit: the longest side. It is wider than any stroke."""
SAMPLED_ROWS = 96
"""Number of rows to estimate the paper's noise from. All rows tell no more."""
_DARKEST: Any = (1, 1, 1, 1)  # one for each channel: light is divided by light, so no pixel may be 0


def separate_ink(image: Image, *, window: float = WINDOW) -> Image:
    """Return how much of the paper's light each pixel absorbs.

    That is 255 · (1 - pixel / paper), in the channel that absorbs most. Red, green and cyan ink are as dark as black. A
    shadow dims pixel and paper alike, so it vanishes.

    Args:
        image: (H, W) or (H, W, 3) BGR uint8 with dark ink.
        window: Width of the closing that finds the paper, 0 to 1. Unit: the longest side.

    Returns:
        The ink map, (H, W) uint8.

    """
    # In a shadow that takes half of the light, paper falls from 200 to 100 and ink from 50 to 25: 1 - 50/200 and
    # 1 - 25/100 are both 0.75, where a difference would fall from 150 to 75.
    lit = cv2.max(image, _DARKEST) if image.size > 3 else np.maximum(image, 1)  # OpenCV takes one pixel for a scalar
    return absorption(lit, paper_tone(lit, window))


def clear_paper(ink: Image, *, tone: float = 0.45) -> Image:
    """Set paper and its noise to exactly 0, keep strokes whole, and set their edges.

    Hysteresis: a stroke exceeds a high threshold somewhere and a low one everywhere. Each component is then cut at a
    fraction of its own tone. The blur beside a dark stroke goes, a faint pencil stroke stays.
    Source: J. Canny, A computational approach to edge detection, IEEE PAMI 8 (1986).

    Args:
        ink: The ink map, (H, W) uint8.
        tone: Where a stroke ends, 0 to 1. Unit: its own tone.

    Returns:
        (H, W) uint8 that rises through 128 at the edge of a stroke, so that the contour can be found between pixels.
        All 0 if nothing is ink.

    """
    smooth = blur(ink, 2, max(ink.shape) / 400) if max(ink.shape) > 200 else ink
    middle = _otsu_midpoint(smooth)
    # on mostly clean paper, ink this dark exceeds the coarsest grain: the noise need not be measured
    obvious = 0.6 * middle >= LOW_SIGMAS * MAX_GRAIN and 2 * cv2.countNonZero(smooth) < smooth.size
    paper, noise = (0.0, MAX_GRAIN) if obvious else paper_noise(smooth)
    # a thick digit fills its frame: the median is ink, not paper, and dark enough to ignore the noise
    filled = paper > middle > MIN_FILLED_TONE
    high = middle if filled else max(middle, paper + HIGH_SIGMAS * noise)
    low = 0.6 * high if filled else max(0.6 * high, paper + LOW_SIGMAS * noise)
    cleared: Image = np.zeros_like(ink)
    inside = ink_bounds(cv2.threshold(smooth, low, 1, cv2.THRESH_BINARY)[1])
    cleared[inside] = _cut_components(smooth[inside], high, low, tone)
    return cleared


def ink_bounds(image: Image) -> tuple[slice, slice]:
    """Return the (rows, columns) that hold every pixel above 0, and one pixel around them."""
    x, y, width, height = cv2.boundingRect(image)
    return slice(max(0, y - 1), y + height + 1), slice(max(0, x - 1), x + width + 1)


def label_type(mask: Image) -> int:
    """Return OpenCV's type for labels of a mask's components: 16 bits if enough for any, else 32."""
    # components do not touch: at most one in every 2 × 2 pixels
    components = ((mask.shape[0] + 1) // 2) * ((mask.shape[1] + 1) // 2)
    return cv2.CV_16U if components < 2**16 - 2 else cv2.CV_32S


def _cut_components(ink: Image, high: float, low: float, share: float) -> Image:
    """Scale each component above ``low`` so that 128 is at ``share`` of its own tone.

    A component becomes 0 if it nowhere exceeds ``high``. So does a faint one that nowhere rises as a stroke does.
    """
    # Example, share 0.45: a pencil stroke of tone 60 is cut at 27, a felt-tip stroke of tone 220 at 99. Its blur, of
    # tone 60 too, goes.
    mask = cv2.threshold(ink, low, 1, cv2.THRESH_BINARY)[1]
    count, labels = cv2.connectedComponents(mask, connectivity=8, ltype=label_type(mask))
    if count == 2:
        return _cut_component(ink, mask, high, low, share)
    inked = mask.view(bool)
    component, value = labels[inked], ink[inked]
    sure, obvious = np.zeros((2, count), bool)
    sure[component[value > high]] = obvious[component[value > OBVIOUS_TONE]] = True
    if (sure & ~obvious).any():
        rise = cv2.morphologyEx(ink, cv2.MORPH_GRADIENT, NEIGHBOURS)[inked]
        obvious[component[rise >= MIN_RISE]] = True
    sure &= obvious
    cut = np.where(sure, np.maximum(share * _tones(component, value, count), low), 0).astype(np.float32)
    # pixels beside a component get its cut, too, so that the contour can be found between pixels
    level = cv2.dilate(cut.take(np.asarray(labels, labels.dtype)), NEIGHBOURS)
    scale = np.divide(CONTOUR, level, out=np.zeros_like(level), where=level > 0)
    return cv2.multiply(ink, scale, dtype=cv2.CV_8U)


def _cut_component(ink: Image, mask: Image, high: float, low: float, share: float) -> Image:
    """Do what `_cut_components` does for the 0/1 mask of a single one, in a tenth of the time."""
    peak = cv2.minMaxLoc(ink)[1]
    rise = cv2.morphologyEx(ink, cv2.MORPH_GRADIENT, NEIGHBOURS) if peak <= OBVIOUS_TONE else ink
    if peak <= high or (peak <= OBVIOUS_TONE and cv2.minMaxLoc(rise, mask)[1] < MIN_RISE):
        return np.zeros_like(ink)
    tone = cv2.norm(ink, cv2.NORM_L2SQR, mask) / cv2.norm(ink, cv2.NORM_L1, mask)
    scaled = cv2.convertScaleAbs(ink, alpha=CONTOUR / max(share * tone, low))
    return cv2.copyTo(scaled, cv2.dilate(mask, NEIGHBOURS))


def _otsu_midpoint(ink: Image) -> float:
    """Return the midpoint of the means below and above Otsu's threshold (IEEE Trans. SMC 9, 1979)."""
    # the outermost twelfth is left out: dark strips there are the table or the next page
    rows, columns = (side // 12 for side in ink.shape)
    inner = np.ascontiguousarray(_sampled(ink[rows : ink.shape[0] - rows, columns : ink.shape[1] - columns]))
    _, mask = cv2.threshold(inner, 0, 255, cv2.THRESH_OTSU)
    return (cv2.mean(inner, mask)[0] + cv2.mean(inner, cv2.bitwise_not(mask))[0]) / 2


def _tones(component: Image, value: Image, count: int) -> NDArray[np.float64]:
    """Return the tone of each component, Σ ink² / Σ ink. Faint fringes count little."""
    ink = value.astype(np.float64)
    amount = np.bincount(component, ink, count)
    return np.asarray(np.bincount(component, ink * ink, count) / np.maximum(amount, 1))


def paper_noise(ink: Image) -> tuple[float, float]:
    """Return the level of an ink map's paper and the standard deviation of its noise, in grey levels.

    The median is paper, since ink is the minority. The deviation is the distance to percentile 15.9 or 84.1, whichever
    is larger. It is limited to 1 to ``MAX_GRAIN``.
    """
    sample = _sampled(ink)
    cumulated = cv2.calcHist([sample], [0], None, [256], [0, 256]).cumsum()
    # of normal noise, 15.9 % lies more than one standard deviation below the median, and 15.9 % above
    shares = 0.159 * sample.size, 0.5 * sample.size, 0.841 * sample.size
    low, middle, high = cumulated.searchsorted(shares).tolist()
    return float(middle), min(max(1.0, middle - low, high - middle), MAX_GRAIN)


def _sampled(ink: Image) -> Image:
    return ink[:: max(1, len(ink) // SAMPLED_ROWS)]


def mask_ink(ink: Image, mask: Image) -> Image:
    """Set an ink map to 0 outside a 0/255 mask and one pixel around it, where the contour is."""
    return cv2.bitwise_and(ink, cv2.dilate(mask, NEIGHBOURS))
