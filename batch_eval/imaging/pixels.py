"""From what a file holds to 8-bit pixels: bit depth, transparency and grey that is stored as colour."""

import cv2
import numpy as np
from numpy.typing import NDArray

WHITE, BLACK = 255, 0
_DEPTHS = (8, 10, 12, 14, 16, 24, 32, 64)


def to_uint8(values: NDArray[np.generic], depth: int | None = None) -> NDArray[np.uint8]:
    """Return values of any real type and shape as 8 bit; 8-bit values stay as they are.

    Other unsigned integers have ``depth`` bits, or else the smallest usual depth (8, 10, 12, 14, 16 bit, ...) that
    holds their maximum, since cameras and scanners store 10 and 12 bits in 16-bit files. Floats within 0..1 or 0..255
    are taken as such; every other range, negative integers included, is stretched from its minimum to its maximum.
    What is not finite becomes 0.
    """
    if values.dtype == np.uint8:
        return values.astype(np.uint8, copy=False)
    numbers = np.nan_to_num(values.astype(np.float32), posinf=0, neginf=0)
    low, high = float(numbers.min()), float(numbers.max())
    if low < 0:
        numbers -= low
        white = high - low
    elif np.issubdtype(values.dtype, np.integer):
        white = 2.0 ** (depth or next(bits for bits in _DEPTHS if high < 2**bits)) - 1
    else:
        white = 1.0 if high <= 1 else 255.0 if high <= WHITE else high
    numbers *= np.float32(WHITE / white)
    return np.asarray(np.rint(numbers), dtype=np.uint8)


def over_paper(colour: NDArray[np.uint8], alpha: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return ``colour``, (H, W) or (H, W, 3) BGR, laid by ``alpha`` (H, W) over the paper that it was drawn for."""
    if alpha.min() == WHITE:
        return colour
    paper = _paper(colour, alpha)
    weight = alpha.astype(np.uint16)
    if colour.ndim == 3:
        weight = weight[..., np.newaxis]
    blend = colour * weight + np.uint16(paper) * (WHITE - weight)
    return ((blend + WHITE // 2) // WHITE).astype(np.uint8)


def _paper(colour: NDArray[np.uint8], alpha: NDArray[np.uint8]) -> int:
    """Return the grey level that belongs behind the transparent parts.

    Strokes on nothing get the paper that contrasts with them. An image that is mostly opaque and has light and dark
    of its own (a cut-out photo, rounded corners) is continued in its median tone: a contrasting paper would be ink.
    """
    grey = colour if colour.ndim == 2 else np.asarray(cv2.cvtColor(colour, cv2.COLOR_BGR2GRAY))
    visible = alpha > 0
    if not visible.any():
        return WHITE
    opaque = grey[alpha >= 128]
    if opaque.size * 2 > alpha.size and np.ptp(opaque) > 64:
        return int(np.median(opaque))
    return WHITE if np.average(grey[visible], weights=alpha[visible]) < 128 else BLACK


def without_colour(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return (H, W) of a (H, W, 3) uint8 image with three equal channels, as many programs store grey; else ``image``.

    Most images with colour show it in their middle row, so that the rest need not be looked at.
    """
    middle = len(image) // 2
    if image.ndim == 2 or not (_is_grey(image[middle : middle + 1]) and _is_grey(image)):
        return image
    return np.asarray(cv2.extractChannel(image, 0), np.uint8)


def _is_grey(colour: NDArray[np.uint8]) -> bool:
    blue, green, red = cv2.split(colour)
    return cv2.norm(blue, green, cv2.NORM_INF) == 0 == cv2.norm(blue, red, cv2.NORM_INF)
