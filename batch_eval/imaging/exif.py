"""EXIF orientation: read it from a block of metadata, and turn pixels upright."""

import struct
from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

UPRIGHT = 1
_ORIENTATION_TAG = 274
_INTEGERS = {1: "B", 3: "H", 4: "I"}  # the standard says 3, a 16-bit number; not every writer knows

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
    """Return the orientation, 1 to 8, that an EXIF block states; ``exif`` begins with the TIFF byte order.

    A block without orientation, with a value outside 1 to 8 (some phones write 90) or too damaged to be followed
    means upright: photo viewers do the same. Source: Exif 2.32, section 4.6.4, tag 274.
    """
    order = {b"II": "<", b"MM": ">"}.get(exif[:2])
    if order is None:
        return UPRIGHT
    try:
        value = _number(exif, order, _ORIENTATION_TAG)
    except struct.error:
        return UPRIGHT
    return value if value in _TURNS else UPRIGHT


def _number(exif: bytes, order: str, tag: int) -> int:
    """Return the value of a tag of the first directory, or 0 where the tag is absent or no integer."""
    (start,) = struct.unpack_from(f"{order}I", exif, 4)
    (count,) = struct.unpack_from(f"{order}H", exif, start)
    for entry in range(start + 2, start + 2 + 12 * count, 12):
        found, kind = struct.unpack_from(f"{order}HH", exif, entry)
        if found == tag and kind in _INTEGERS:
            return int(struct.unpack_from(order + _INTEGERS[kind], exif, entry + 8)[0])
    return 0


def upright(image: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """Return the image, (H, W) or (H, W, 3), turned and mirrored as its EXIF orientation, 1 to 8, asks."""
    turn = _TURNS.get(orientation)
    return image if turn is None else np.asarray(turn(image), dtype=np.uint8)
