"""Separate ink from paper: polarity, uneven light, colour and faint strokes.

Images are uint8; ``Ink`` maps are (H, W) uint8, 0 on paper and brighter the stronger the ink.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from batch_eval.imaging.steps import Image, border, grey

CONTOUR = 128
"""The value at which an ink map crosses the edge of a stroke, once the paper is cleared."""
SURE_SIGMAS, POSSIBLE_SIGMAS = 6.0, 4.0
"""How far above the paper, in standard deviations of its noise, ink must reach somewhere and everywhere."""
PLAIN_TONE = 32
"""Grey levels of absorbed light, an eighth of it, above which ink is plain to see, however blurred."""
MIN_RISE = 15
"""Grey levels by which fainter ink rises within three pixels at its steepest; a fold, a stain or a shadow does not."""
MAX_GRAIN = 6.0
"""Standard deviation, in grey levels, that the coarsest paper's grain reaches; what varies more is ink."""
MIN_FILLED_TONE = 30
"""Grey levels of absorbed light above which ink can cover most of an image."""
MIN_LIGHT_INK = 24
"""Grey levels by which light ink stands out; less, and it is the light's own falling off."""
TWO_TONES = 0.7
"""Share of an image's variance that lies between dark and bright pixels above which it may have two tones only."""
BORDER_WEIGHT, CUT_OUT_WEIGHT = 10.0, 40.0
"""How much more an image's border says for each further share, and in one that somebody has cut to its digit."""
CUT_OUT = 64
"""Longest side, in pixels, below which an image is one that somebody has cut to its digit."""
MIN_PAPER = 0.35
"""Share of an image below which what its border shows is no paper but the frame of a box or of a form's cell."""
MEDIAN_WINDOW = 0.25
"""Width of the surroundings whose median tells on which side ink lies, as a share of the longest side: wider than two
strokes, narrower than the reflection of a lamp; a median of fewer pixels takes OpenCV longer."""
WINDOW = 0.3
"""Width of the surroundings that tell a pixel's paper, as a share of the longest side: wider than any stroke."""
SAMPLED_ROWS = 96
"""Rows of an image that tell its paper's noise as well as all do."""
NEIGHBOURS = np.ones((3, 3), np.uint8)
"""A pixel and the eight around it."""
_DARKEST: Any = (1, 1, 1, 1)  # in each channel, so that light can be divided by light
COARSE_SIDE = 64
"""Longest side, in pixels, at which light and polarity are judged: they vary slowly."""


def shrink(image: Image, side: int) -> Image:
    """Reduce an image so that its longest side is at most ``side`` px; never enlarge it.

    Averages over area; up to a factor of 2 bilinear interpolation does the same and is five times faster.
    """
    height, width = image.shape[:2]
    scale = side / max(height, width)
    if scale >= 1:
        return image
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA if scale < 0.5 else cv2.INTER_LINEAR)


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
    size = _width(image, window)
    pad = size // 2
    padded = cv2.copyMakeBorder(image, pad, pad, pad, pad, cv2.BORDER_REPLICATE)
    return cv2.medianBlur(padded, size)[pad:-pad, pad:-pad].astype(np.float32) - image


def _width(image: Image, window: float) -> int:
    """Return a share of an image's longest side in pixels: an odd number, so that it has a middle, of at least 3."""
    return max(3, int(max(image.shape[:2]) * window) | 1)


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


def paper_tone(image: Image, window: float) -> Image:
    """Estimate what each pixel would be without ink: same shape as ``image``, whose ink is dark.

    A morphological closing wider than any stroke (``window``, a share of the longest side) fills the strokes in and
    follows shadows, vignettes and gradients (J. Serra, Image Analysis and Mathematical Morphology, 1982, the black
    top-hat). The border is replicated so that a darkening towards it is light and not ink. Three small discs one
    after the other fill what a large one does, in a third of the time. Paper that somebody has cleaned has one tone.
    """
    cleaned = _cleaned_tone(image)
    if cleaned is not None:
        return np.full_like(image, cleaned)
    coarse = shrink(image, COARSE_SIDE)
    half = _width(coarse, window) // 2
    discs = 3 if half >= 6 else 1  # a disc of a few pixels has no smaller ones
    radius = round(half / discs)
    reach = discs * radius
    rim = min(5, 2 * reach + 1)  # as far as the blur reaches
    pad = reach + rim
    padded = cv2.copyMakeBorder(coarse, pad, pad, pad, pad, cv2.BORDER_REPLICATE)
    disc, edge = _disc(radius), cv2.BORDER_REPLICATE
    closed = cv2.morphologyEx(padded, cv2.MORPH_CLOSE, disc, iterations=discs, borderType=edge)
    smooth = blur(np.ascontiguousarray(closed[reach:-reach, reach:-reach]), rim, 1.5)[rim:-rim, rim:-rim]
    return cv2.resize(smooth, (image.shape[1], image.shape[0]), interpolation=cv2.INTER_LINEAR)


def _cleaned_tone(image: Image) -> float | None:
    """Return the tone of paper that somebody has cleaned, in an image cut to its digit; None where it was not.

    Most of such an image has exactly one value, and none is brighter.
    """
    if max(image.shape[:2]) >= CUT_OUT or image.ndim == 3:
        return None
    brightest = cv2.minMaxLoc(image)[1]
    paper = cv2.threshold(image, brightest - 1, 1, cv2.THRESH_BINARY)[1]
    return brightest if 2 * cv2.countNonZero(paper) > paper.size else None


@lru_cache(maxsize=64)
def _disc(radius: int) -> Image:
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))


def separate_ink(image: Image, *, window: float = WINDOW) -> Image:
    """Return the ink map of an image with dark ink: how much of the paper's light each pixel absorbs.

    255 · (1 - pixel / paper), in the colour channel that absorbs most, so that red, green and cyan ink are as dark as
    black, and a shadow, which dims pixel and paper alike, is no ink. ``window`` as in `paper_tone`.
    """
    lit = cv2.max(image, _DARKEST) if image.size > 3 else np.maximum(image, 1)  # OpenCV takes a pixel for a number
    absorbed = cv2.bitwise_not(cv2.divide(lit, paper_tone(lit, window), scale=255))
    if absorbed.ndim == 2:
        return absorbed
    blue, green, red = cv2.split(absorbed)
    return cv2.max(cv2.max(blue, green), red)


def clear_paper(ink: Image, *, tone: float = 0.45) -> Image:
    """Set paper and its noise to exactly 0, keep strokes whole also where they get faint, and fix their contour.

    Hysteresis (J. Canny, IEEE PAMI 8, 1986): ink stands out from the paper's noise, surely in one place and possibly in
    all that touches it. Each such piece is then cut at the share ``tone`` of its own tone, so that a fold, a shadow or
    the blur beside a dark stroke is no ink while a faint pencil stroke is. The result rises through 128 where a stroke
    ends, so that the contour can be found between pixels. All 0 where nothing is ink.
    """
    smooth = blur(ink, 2, max(ink.shape) / 400) if max(ink.shape) > 200 else ink
    middle = _middle_tone(smooth)
    # on paper that is mostly clean, ink as dark as this stands out from the coarsest grain
    plain = 0.6 * middle >= POSSIBLE_SIGMAS * MAX_GRAIN and 2 * cv2.countNonZero(smooth) < smooth.size
    paper, noise = (0.0, MAX_GRAIN) if plain else paper_noise(smooth)
    # a thick digit that fills its frame: most of it is ink, dark enough to need no look at the noise
    filled = paper > middle > MIN_FILLED_TONE
    surely = middle if filled else max(middle, paper + SURE_SIGMAS * noise)
    possibly = 0.6 * surely if filled else max(0.6 * surely, paper + POSSIBLE_SIGMAS * noise)
    cleared: Image = np.zeros_like(ink)
    inside = around_ink(cv2.threshold(smooth, possibly, 1, cv2.THRESH_BINARY)[1])
    cleared[inside] = _cut_pieces(smooth[inside], surely, possibly, tone)
    return cleared


def blur(image: Image, reach: int, sigma: float) -> Image:
    """Average a uint8 image with Gaussian weights over ``reach`` pixels on each side.

    `cv2.GaussianBlur` computes the same in integers, and takes up to three times as long.
    """
    weights = _gaussian(2 * reach + 1, sigma)
    return cv2.sepFilter2D(image, -1, weights, weights)


@lru_cache(maxsize=64)
def _gaussian(size: int, sigma: float) -> Image:
    return cv2.getGaussianKernel(size, sigma, cv2.CV_32F)


def around_ink(image: Image) -> tuple[slice, slice]:
    """Return the (rows, columns) of an (H, W) image that hold every pixel above 0, and one pixel around them."""
    x, y, width, height = cv2.boundingRect(image)
    return slice(max(0, y - 1), y + height + 1), slice(max(0, x - 1), x + width + 1)


def label_type(mask: Image) -> int:
    """Return OpenCV's type for the labels of a mask's pieces: 16 bits where that is enough for any, else 32."""
    pieces = ((mask.shape[0] + 1) // 2) * ((mask.shape[1] + 1) // 2)  # every second pixel of every second row
    return cv2.CV_16U if pieces < 2**16 - 2 else cv2.CV_32S


def _cut_pieces(ink: Image, surely: float, possibly: float, share: float) -> Image:
    """Scale each connected piece of ink above ``possibly`` so that it ends, at 128, at a share of its own tone.

    A piece becomes 0 that nowhere exceeds ``surely``, or is faint and nowhere rises as steeply as a stroke does.
    """
    mask = cv2.threshold(ink, possibly, 1, cv2.THRESH_BINARY)[1]
    count, labels = cv2.connectedComponents(mask, connectivity=8, ltype=label_type(mask))
    if count == 2:
        return _cut_piece(ink, mask, surely, possibly, share)
    inked = mask.view(bool)
    piece, value = labels[inked], ink[inked]
    sure = np.zeros(count, bool)
    sure[piece[value > surely]] = True
    rise = cv2.morphologyEx(ink, cv2.MORPH_GRADIENT, NEIGHBOURS)[inked]
    sure &= np.bincount(piece, (rise >= MIN_RISE) | (value > PLAIN_TONE), count) > 0
    cut = np.where(sure, np.maximum(share * _tones(piece, value, count), possibly), 0).astype(np.float32)
    # beside a piece, its cut is that of the piece, so that the contour can be found between the pixels
    level = cv2.dilate(cut.take(np.asarray(labels, labels.dtype)), NEIGHBOURS)
    scale = np.divide(CONTOUR, level, out=np.zeros_like(level), where=level > 0)
    return cv2.multiply(ink, scale, dtype=cv2.CV_8U)


def _cut_piece(ink: Image, mask: Image, surely: float, possibly: float, share: float) -> Image:
    """Do the same where a 0/1 mask of the ink above ``possibly`` is one piece, which takes a tenth of the time."""
    peak = cv2.minMaxLoc(ink)[1]
    rise = cv2.morphologyEx(ink, cv2.MORPH_GRADIENT, NEIGHBOURS) if peak <= PLAIN_TONE else ink
    if peak <= surely or (peak <= PLAIN_TONE and cv2.minMaxLoc(rise, mask)[1] < MIN_RISE):
        return np.zeros_like(ink)
    tone = cv2.norm(ink, cv2.NORM_L2SQR, mask) / cv2.norm(ink, cv2.NORM_L1, mask)
    scaled = cv2.convertScaleAbs(ink, alpha=CONTOUR / max(share * tone, possibly))
    return cv2.copyTo(scaled, cv2.dilate(mask, NEIGHBOURS))


def _middle_tone(ink: Image) -> float:
    """Return the middle between the means below and above Otsu's threshold (IEEE Trans. SMC 9, 1979).

    The outermost twelfth is left out: there, dark strips are the table or the next page.
    """
    rows, columns = (side // 12 for side in ink.shape)
    inner = np.ascontiguousarray(_sampled(ink[rows : ink.shape[0] - rows, columns : ink.shape[1] - columns]))
    _, mask = cv2.threshold(inner, 0, 255, cv2.THRESH_OTSU)
    return (cv2.mean(inner, mask)[0] + cv2.mean(inner, cv2.bitwise_not(mask))[0]) / 2


def _tones(piece: Image, value: Image, count: int) -> NDArray[np.float64]:
    """(count,) the tone of each piece: the mean of its ink weighted by itself, so that faint fringes count little."""
    ink = value.astype(np.float64)
    amount = np.bincount(piece, ink, count)
    return np.asarray(np.bincount(piece, ink * ink, count) / np.maximum(amount, 1))


def paper_noise(ink: Image) -> tuple[float, float]:
    """Return the level of an ink map's paper and its standard deviation, at least 1, in grey levels.

    Ink is the minority, so the paper is the median. Its spread is read on both sides, as far as it can be the grain of
    the paper: the rest is ink.
    """
    sample = _sampled(ink)
    cumulated = cv2.calcHist([sample], [0], None, [256], [0, 256]).cumsum()
    shares = 0.159 * sample.size, 0.5 * sample.size, 0.841 * sample.size
    low, middle, high = cumulated.searchsorted(shares).tolist()
    return float(middle), min(max(1.0, middle - low, high - middle), MAX_GRAIN)


def _sampled(ink: Image) -> Image:
    return ink[:: max(1, len(ink) // SAMPLED_ROWS)]


def keep(ink: Image, mask: Image) -> Image:
    """Set an ink map to 0 outside a 0/255 mask and the one pixel around it that carries the contour."""
    return cv2.bitwise_and(ink, cv2.dilate(mask, NEIGHBOURS))
