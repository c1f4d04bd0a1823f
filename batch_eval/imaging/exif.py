"""Read the EXIF orientation, and turn pixels upright."""

import struct
from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

UPRIGHT = 1
"""The orientation that needs no turn."""
ORIENTATION_TAG = 274
"""The tag of EXIF and TIFF."""
_INTEGERS = {1: "B", 3: "H", 4: "I"}  # EXIF asks for type 3 (16 bits); some writers use 8 or 32 bits

_TURNS: dict[int, Callable[[NDArray[np.uint8]], object]] = {
    2: lambda image: cv2.flip(image, 1),
    3: lambda image: cv2.rotate(image, cv2.ROTATE_180),
    4: lambda image: cv2.flip(image, 0),
    5: cv2.transpose,
    6: lambda image: cv2.rotate(image, cv2.ROTATE_90_CLOCKWISE),
    7: lambda image: cv2.rotate(cv2.transpose(image), cv2.ROTATE_180),
    8: lambda image: cv2.rotate(image, cv2.ROTATE_90_COUNTERCLOCKWISE),
}


def orientation(exif: bytes) -> int:
    """Return the orientation in an EXIF block, 1 to 8.

    A missing, invalid or damaged orientation counts as upright, as in photo viewers. Some phones write 90.
    Source: Exif 2.32, section 4.6.4, tag 274.

    Args:
        exif: The block, starting at the TIFF byte order (``II`` or ``MM``).

    """
    order = {b"II": "<", b"MM": ">"}.get(exif[:2])
    if order is None:
        return UPRIGHT
    try:
        value = _tag_value(exif, order, ORIENTATION_TAG)
    except struct.error:
        return UPRIGHT
    return value if value in _TURNS else UPRIGHT


def _tag_value(exif: bytes, order: str, tag: int) -> int:
    """Return the value of a tag in the first directory. If it is missing or no integer, return 0."""
    # a directory: a 16-bit count, then entries of 12 bytes: tag, type, number of values, value
    (start,) = struct.unpack_from(f"{order}I", exif, 4)
    (count,) = struct.unpack_from(f"{order}H", exif, start)
    for entry in range(start + 2, start + 2 + 12 * count, 12):
        found, kind = struct.unpack_from(f"{order}HH", exif, entry)
        if found == tag and kind in _INTEGERS:
            return int(struct.unpack_from(order + _INTEGERS[kind], exif, entry + 8)[0])
    return 0


def apply_orientation(image: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """Rotate and flip an image by its EXIF orientation, 1 to 8."""
    turn = _TURNS.get(orientation)
    return image if turn is None else np.asarray(turn(image), dtype=np.uint8)
