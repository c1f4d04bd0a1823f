"""Convert pixels to 8 bit without transparency."""

import cv2
import numpy as np
from numpy.typing import NDArray

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


def composite(colour: NDArray[np.uint8], alpha: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Composite an image over the paper that it was drawn for.

    Args:
        colour: (H, W) grey or (H, W, 3) BGR.
        alpha: (H, W), 0 transparent to 255 opaque.

    Returns:
        uint8 of ``colour``'s shape.

    """
    if alpha.min() == WHITE:
        return colour
    paper = _background(colour, alpha)
    weight = alpha.astype(np.uint16)
    if colour.ndim == 3:
        weight = weight[..., np.newaxis]
    blend = colour * weight + np.uint16(paper) * (WHITE - weight)
    return ((blend + WHITE // 2) // WHITE).astype(np.uint8)


def _background(colour: NDArray[np.uint8], alpha: NDArray[np.uint8]) -> int:
    """Return the grey level to show behind transparent pixels."""
    grey = colour if colour.ndim == 2 else np.asarray(cv2.cvtColor(colour, cv2.COLOR_BGR2GRAY))
    visible = alpha > 0
    if not visible.any():
        return WHITE
    # a mostly opaque image with its own light and dark is a photo with rounded corners or cut-out parts: continue it in
    # its median tone, since a contrasting paper would look like ink
    opaque = grey[alpha >= 128]
    if opaque.size * 2 > alpha.size and np.ptp(opaque) > 64:
        return int(np.median(opaque))
    # otherwise these are strokes on nothing: choose the paper that contrasts with them
    return WHITE if np.average(grey[visible], weights=alpha[visible]) < 128 else BLACK


def drop_equal_channels(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return one channel of an image whose three channels are equal. Return others unchanged.

    Many programs save grey images as RGB.
    """
    # cheap check first: most colour images show colour in their middle row
    middle = len(image) // 2
    if image.ndim == 2 or not (_is_grey(image[middle : middle + 1]) and _is_grey(image)):
        return image
    return np.asarray(cv2.extractChannel(image, 0), np.uint8)


def _is_grey(colour: NDArray[np.uint8]) -> bool:
    blue, green, red = cv2.split(colour)
    return cv2.norm(blue, green, cv2.NORM_INF) == 0 == cv2.norm(blue, red, cv2.NORM_INF)
