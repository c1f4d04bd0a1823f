"""Separate ink from paper: colour, the grain of paper and faint strokes.

Images are uint8; ``Ink`` maps are (H, W) uint8, 0 on paper and brighter the stronger the ink.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from batch_eval.imaging.filters import NEIGHBOURS, blur
from batch_eval.imaging.light import absorbed, paper_tone
from batch_eval.imaging.steps import Image

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
WINDOW = 0.3
"""Width of the surroundings that tell a pixel's paper, as a share of the longest side: wider than any stroke."""
SAMPLED_ROWS = 96
"""Rows of an image that tell its paper's noise as well as all do."""
_DARKEST: Any = (1, 1, 1, 1)  # in each channel, so that light can be divided by light


def separate_ink(image: Image, *, window: float = WINDOW) -> Image:
    """Return the ink map of an image with dark ink: how much of the paper's light each pixel absorbs.

    255 · (1 - pixel / paper), in the colour channel that absorbs most, so that red, green and cyan ink are as dark as
    black, and a shadow, which dims pixel and paper alike, is no ink. ``window`` as in `paper_tone`.
    """
    lit = cv2.max(image, _DARKEST) if image.size > 3 else np.maximum(image, 1)  # OpenCV takes a pixel for a number
    return absorbed(lit, paper_tone(lit, window))


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
    sure, plain = np.zeros((2, count), bool)
    sure[piece[value > surely]] = plain[piece[value > PLAIN_TONE]] = True
    if (sure & ~plain).any():
        rise = cv2.morphologyEx(ink, cv2.MORPH_GRADIENT, NEIGHBOURS)[inked]
        plain[piece[rise >= MIN_RISE]] = True
    sure &= plain
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
