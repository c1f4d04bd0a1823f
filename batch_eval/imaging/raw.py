"""Pixels that lie in a file as they are: uncompressed BMP, TIFF, PGM and PPM."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import ImageFile

from batch_eval.errors import UnreadableImageError
from batch_eval.imaging.limits import bands, check_memory

_BYTES = {"L": 1, "RGB": 3, "BGR": 3, "BGRX": 4}  # a pixel in the file
_FORMATS = ("BMP", "PPM", "TIFF")
_MODES = ("L", "RGB")


def pixels(image: ImageFile.ImageFile, data: bytes) -> NDArray[np.uint8] | None:
    """Return the pixels of an opened image without Pillow's copy of them, which is larger than the file.

    Args:
        image: An image whose pixels are not loaded.
        data: Its file's bytes.

    Returns:
        uint8, (H, W) or (H, W, 3) BGR; None for an image that a decoder must unpack.

    Raises:
        UnreadableImageError: The file ends early, or is too large.

    """
    if image.format not in _FORMATS or image.mode not in _MODES or "transparency" in image.info:
        return None
    parts = [_part(image, *tile) for tile in image.tile]
    if not parts or None in parts:
        return None
    channels = 1 if image.mode == "L" else 3
    check_memory(*image.size, channels, data)
    shape = image.height, image.width
    found = np.zeros(shape if channels == 1 else (*shape, channels), np.uint8)
    for (left, top, right, bottom), offset, mode, stride, step in filter(None, parts):
        if offset + stride * (bottom - top - 1) + (right - left) * _BYTES[mode] > len(data):
            raise UnreadableImageError(f"{image.format} data ends early")
        _copy(found[top:bottom, left:right], data, offset, mode, stride, step)
    return found


_Part = tuple[tuple[int, int, int, int], int, str, int, int]


def _part(image: ImageFile.ImageFile, codec: str, box: Any, offset: int, arguments: Any) -> _Part | None:
    """Return box, offset, order of the channels, bytes a row and direction of a part of the image."""
    mode, stride, step = arguments if isinstance(arguments, tuple) else (arguments, 0, 1)
    if codec != "raw" or mode not in _BYTES or step not in (1, -1):
        return None
    box = tuple(box or (0, 0, *image.size))
    inside = 0 <= box[0] < box[2] <= image.width and 0 <= box[1] < box[3] <= image.height
    row = (box[2] - box[0]) * _BYTES[mode]
    return (box, offset, mode, stride or row, step) if inside and (stride or row) >= row else None


def _copy(target: NDArray[np.uint8], data: bytes, offset: int, mode: str, stride: int, step: int) -> None:
    height, width = target.shape[:2]
    size = _BYTES[mode]
    # rows may be padded; with step -1 the last comes first
    stored = np.ndarray((height, width, size), np.uint8, data, offset, (stride, size, 1))[::step]
    for rows in bands(height, width):
        if mode == "RGB":
            target[rows] = cv2.cvtColor(np.ascontiguousarray(stored[rows]), cv2.COLOR_RGB2BGR)
        else:
            target[rows] = stored[rows, :, 0] if mode == "L" else stored[rows, :, :3]
