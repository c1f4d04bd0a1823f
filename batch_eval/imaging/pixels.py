"""Convert pixels to 8 bit without transparency."""

import math
from collections.abc import Iterator
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from batch_eval.imaging.limits import bands

Pixel = TypeVar("Pixel", bound=np.generic)

WHITE, BLACK = 255, 0
_DEPTHS = (8, 10, 12, 14, 16, 24, 32, 64)


def to_uint8(values: NDArray[np.generic], depth: int | None = None) -> NDArray[np.uint8]:
    """Convert pixels of any real type and shape to 8 bit. Return 8-bit pixels unchanged.

    >>> to_uint8(np.array([0, 1023], np.uint16)).tolist()  # 10 bits in a 16-bit file, as cameras store them
    [0, 255]

    Args:
        values: Pixels.
        depth: Bits of an unsigned integer. By default the smallest usual depth that holds the maximum.

    Returns:
        uint8 of the same shape:

        - Unsigned integers are scaled by their depth.
        - Floats within 0 to 1 are scaled by 255; floats within 0 to 255 keep their values.
        - Any other range, such as negative integers, is stretched from its minimum to its maximum.
        - NaN and infinity become 0.

    """
    if values.dtype == np.uint8:
        return values.astype(np.uint8, copy=False)
    low, high = _range(values)
    if low < 0:
        white = high - low
    elif np.issubdtype(values.dtype, np.integer):
        white = 2.0 ** (depth or next(bits for bits in _DEPTHS if high < 2**bits)) - 1
    else:
        white = 1.0 if high <= 1 else 255.0 if high <= WHITE else high
    found = np.empty(values.shape, np.uint8)
    for rows in _bands(values):
        numbers = _finite(values[rows])
        if low < 0:
            numbers -= low
        numbers *= np.float32(WHITE / white)
        found[rows] = np.rint(numbers)
    return found


def _bands(pixels: NDArray[np.generic]) -> Iterator[slice]:
    return bands(pixels.shape[0], pixels.shape[1])


def _range(values: NDArray[np.generic]) -> tuple[float, float]:
    """Return minimum and maximum."""
    extremes = [(float(numbers.min()), float(numbers.max())) for numbers in map(_finite, _split(values))]
    return min(low for low, _ in extremes), max(high for _, high in extremes)


def _split(values: NDArray[Pixel]) -> Iterator[NDArray[Pixel]]:
    return (values[rows] for rows in _bands(values))


def _finite(values: NDArray[np.generic]) -> NDArray[np.float32]:
    return np.asarray(np.nan_to_num(values.astype(np.float32), posinf=0, neginf=0))


def split_alpha(pixels: NDArray[np.uint8], *, grey: bool) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Split (H, W, 4) BGRA into colour, (H, W, 3) BGR or with ``grey`` (H, W), and alpha, (H, W).

    The colour takes the place of the pixels, which are no longer valid: memory holds no second image.
    """
    height, width = pixels.shape[:2]
    alpha = np.asarray(cv2.extractChannel(pixels, 3), np.uint8)
    shape = (height, width) if grey else (height, width, 3)
    colour = pixels.reshape(-1)[: math.prod(shape)].reshape(shape)
    # a row of the colour never lies behind the same row of the pixels, so that nothing is overwritten before it is read
    for rows in _bands(pixels):
        colour[rows] = cv2.extractChannel(pixels[rows], 0) if grey else cv2.cvtColor(pixels[rows], cv2.COLOR_BGRA2BGR)
    return colour, alpha


def composite(colour: NDArray[np.uint8], alpha: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Composite an image over the paper that it was drawn for. Overwrite it, and return it.

    Args:
        colour: (H, W) grey or (H, W, 3) BGR.
        alpha: (H, W), 0 transparent to 255 opaque.

    Returns:
        uint8 of ``colour``'s shape.

    """
    if alpha.min() == WHITE:
        return colour
    paper = _background(colour, alpha)
    for rows in _bands(colour):
        weight = alpha[rows].astype(np.uint16)
        if colour.ndim == 3:
            weight = weight[..., np.newaxis]
        blend = colour[rows] * weight + np.uint16(paper) * (WHITE - weight)
        colour[rows] = (blend + WHITE // 2) // WHITE
    return colour


def _background(colour: NDArray[np.uint8], alpha: NDArray[np.uint8]) -> int:
    """Return the grey level to show behind transparent pixels."""
    opaque = np.zeros(WHITE + 1, np.int64)  # pixels that are mostly opaque, by grey level
    weight = weighted = 0
    for rows in _bands(colour):
        grey = colour[rows] if colour.ndim == 2 else np.asarray(cv2.cvtColor(colour[rows], cv2.COLOR_BGR2GRAY))
        opaque += np.bincount(grey[alpha[rows] >= 128], minlength=WHITE + 1)
        weight += int(alpha[rows].sum(dtype=np.int64))
        weighted += int((grey * alpha[rows].astype(np.uint16)).sum(dtype=np.int64))
    if weight == 0:
        return WHITE
    # a mostly opaque image with its own light and dark is a photo with rounded corners or cut-out parts: continue it in
    # its median tone, since a contrasting paper would look like ink
    levels = np.flatnonzero(opaque)
    if opaque.sum() * 2 > alpha.size and levels[-1] - levels[0] > 64:
        return _median(opaque)
    # otherwise these are strokes on nothing: choose the paper that contrasts with them
    return WHITE if weighted / weight < 128 else BLACK


def _median(counts: NDArray[np.int64]) -> int:
    """Return the median level, rounded down, of pixels that are counted by level."""
    below, total = counts.cumsum(), counts.sum()
    middle = np.searchsorted(below, [(total - 1) // 2, total // 2], side="right")
    return int(middle.sum()) // 2


def drop_equal_channels(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return one channel of an image whose three channels are equal. Return others unchanged.

    Many programs save grey images as RGB.
    """
    # cheap check first: most colour images show colour in their middle row
    middle = len(image) // 2
    if image.ndim == 2 or not (_is_grey(image[middle : middle + 1]) and all(map(_is_grey, _split(image)))):
        return image
    return np.asarray(cv2.extractChannel(image, 0), np.uint8)


def _is_grey(colour: NDArray[np.uint8]) -> bool:
    blue, green, red = cv2.split(colour)
    return cv2.norm(blue, green, cv2.NORM_INF) == 0 == cv2.norm(blue, red, cv2.NORM_INF)
