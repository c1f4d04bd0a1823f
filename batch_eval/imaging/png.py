"""Decode PNG after checking every chunk, so that OpenCV's reader has nothing to report on stderr."""

import struct
import zlib
from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from batch_eval.errors import UnreadableImageError
from batch_eval.imaging.exif import apply_orientation, orientation
from batch_eval.imaging.limits import check_size
from batch_eval.imaging.pixels import composite, to_uint8

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_HEADER = 16  # offset of the first chunk's content, IHDR
_LOWER_CASE = 0x20  # set in the first letter of a chunk that is not needed to show the image
_GREY_ALPHA = 4  # a colour type
_EXIF_BYTES = 65536  # no camera writes more, and the orientation is near the start
# libpng's simple interface prints warnings about colour profiles, and OpenCV drops some transparency
_NOT_FOR_OPENCV = (b"PLTE", b"tRNS", b"iCCP")


def decode_png(data: bytes, otherwise: Callable[[bytes], NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """Decode a PNG, turn it upright and composite it.

    Args:
        data: The file's bytes, starting with ``SIGNATURE``.
        otherwise: Decoder for palettes, simple transparency and colour profiles.

    Returns:
        uint8, (H, W) or (H, W, 3) BGR.

    Raises:
        UnreadableImageError: The image is damaged or too large.

    """
    chunks = _chunks(data)
    if chunks.get(b"IHDR") != _HEADER or b"IDAT" not in chunks:
        raise UnreadableImageError("PNG data is damaged: its header or its pixels are missing")
    width, height, _, kind = struct.unpack_from(">IIBB", data, _HEADER)
    check_size(width, height)
    if any(name in chunks for name in _NOT_FOR_OPENCV):
        return otherwise(data)
    image = _flatten(_pixels(data), kind)
    if b"eXIf" in chunks:
        start = chunks[b"eXIf"]
        image = apply_orientation(image, orientation(data[start : start + _EXIF_BYTES]))
    return image


def _chunks(data: bytes) -> dict[bytes, int]:
    """Return the offset of each chunk's content by chunk name, the last of equal names.

    Raises UnreadableImageError at the first damage.
    """
    # a chunk: 4 bytes length, 4 bytes name, the content, 4 bytes CRC-32 of name and content (PNG, section 5.3)
    found: dict[bytes, int] = {}
    view = memoryview(data)
    position = len(SIGNATURE)
    while b"IEND" not in found:
        if position + 12 > len(data):
            raise UnreadableImageError("PNG data ends early")
        length, name = struct.unpack_from(">I4s", data, position)
        end = position + 8 + length
        if end + 4 > len(data):
            raise UnreadableImageError("PNG data ends early")
        stated = int.from_bytes(view[end : end + 4])
        if not name[0] & _LOWER_CASE and zlib.crc32(view[position + 4 : end]) != stated:
            spelt = name.decode("ascii", "backslashreplace")
            raise UnreadableImageError(f"PNG data is damaged: wrong checksum in its {spelt} chunk")
        found[name] = position + 8
        position = end + 4
    return found


def _pixels(data: bytes) -> NDArray[np.generic]:
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        raise UnreadableImageError(f"PNG data is damaged: {error.err}") from error
    if pixels is None:
        raise UnreadableImageError("PNG data is damaged: its pixels cannot be unpacked")
    return np.asarray(pixels)


def _flatten(pixels: NDArray[np.generic], kind: int) -> NDArray[np.uint8]:
    """Return 8-bit pixels without alpha: (H, W) for grey colour types, else (H, W, 3)."""
    if pixels.ndim == 2 or pixels.shape[2] == 3:
        return to_uint8(pixels)
    colour = pixels[..., 0] if kind == _GREY_ALPHA else pixels[..., :3]
    return composite(to_uint8(np.ascontiguousarray(colour)), to_uint8(pixels[..., 3], depth=16))
