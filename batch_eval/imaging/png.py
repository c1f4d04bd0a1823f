"""Decode PNG after checking every chunk, so that OpenCV's reader has nothing to report on stderr."""

import struct
import zlib
from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from batch_eval.errors import UnreadableImageError
from batch_eval.imaging.exif import apply_orientation, orientation
from batch_eval.imaging.guard import ran_out_of_memory
from batch_eval.imaging.limits import check_memory, check_size
from batch_eval.imaging.pixels import composite, split_alpha, to_uint8
from batch_eval.wording import printable

SIGNATURE = b"\x89PNG\r\n\x1a\n"
MAX_CHUNKS = 200_000
"""Chunks of one file, for Python visits each. 200 megapixels in the usual chunks of 8 kB are 75,000."""
_HEADER = 16  # offset of the first chunk's content, IHDR
_LOWER_CASE = 0x20  # set in the first letter of a chunk that is not needed to show the image
_PALETTE, _GREY_ALPHA = 3, 4  # colour types
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 4, 6: 4}  # by colour type, as OpenCV decodes them
_EXIF_BYTES = 65536  # no camera writes more, and the orientation is near the start


def decode_png(data: bytes, otherwise: Callable[[bytes], NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """Decode a PNG, turn it upright and composite it.

    Args:
        data: The file's bytes, starting with ``SIGNATURE``.
        otherwise: Decoder for palettes and simple transparency.

    Returns:
        uint8, (H, W) or (H, W, 3) BGR.

    Raises:
        UnreadableImageError: The image is damaged or too large.

    """
    chunks = _chunks(data)
    if chunks.get(b"IHDR") != _HEADER or b"IDAT" not in chunks:
        raise UnreadableImageError("PNG data is damaged: its header or its pixels are missing")
    width, height, depth, kind = struct.unpack_from(">IIBB", data, _HEADER)
    check_size(width, height)
    plain = data if all(map(_is_needed, chunks)) else _needed_chunks(data)
    if kind == _PALETTE or b"tRNS" in chunks:  # OpenCV drops some transparency
        image = otherwise(plain)
    else:
        check_memory(width, height, _bytes_a_pixel(kind, depth), plain)
        image = _flatten(_pixels(plain), kind)
    if b"eXIf" in chunks:
        start = chunks[b"eXIf"]
        image = apply_orientation(image, orientation(data[start : start + _EXIF_BYTES]))
    return image


def stated_size(data: bytes) -> tuple[int, int]:
    """Return the width and height in the header; (0, 0) where the data ends early."""
    if len(data) < _HEADER + 8:
        return 0, 0
    width, height = struct.unpack_from(">II", data, _HEADER)
    return width, height


def _bytes_a_pixel(kind: int, depth: int) -> int:
    """Return the bytes a pixel that decoding takes at a time."""
    decoded = _CHANNELS.get(kind, 4) * (1 + (depth == 16))
    # OpenCV hands over a copy of what it has decoded; then alpha and, of 16 bits, the result are made
    return max(2 * decoded, decoded + (4 if depth == 16 else 1))


def _chunks(data: bytes) -> dict[bytes, int]:
    """Return the offset of each chunk's content by chunk name, the last of equal names.

    Raises UnreadableImageError at the first damage.
    """
    # a chunk: 4 bytes length, 4 bytes name, the content, 4 bytes CRC-32 of name and content (PNG, section 5.3)
    found: dict[bytes, int] = {}
    view = memoryview(data)
    position = len(SIGNATURE)
    for _ in range(MAX_CHUNKS):
        if position + 12 > len(data):
            raise UnreadableImageError("PNG data ends early")
        length, name = struct.unpack_from(">I4s", data, position)
        end = position + 8 + length
        if end + 4 > len(data):
            raise UnreadableImageError("PNG data ends early")
        stated = int.from_bytes(view[end : end + 4])
        if not name[0] & _LOWER_CASE and zlib.crc32(view[position + 4 : end]) != stated:
            spelt = printable(name.decode("latin-1"))
            raise UnreadableImageError(f"PNG data is damaged: wrong checksum in its {spelt} chunk")
        found[name] = position + 8
        if name == b"IEND":
            return found
        position = end + 4
    raise UnreadableImageError(f"PNG data has more than {MAX_CHUNKS:,} chunks, which is the limit")


def _is_needed(name: bytes) -> bool:
    """Whether the pixels depend on a chunk."""
    return not name[0] & _LOWER_CASE or name == b"tRNS"


def _needed_chunks(data: bytes) -> bytes:
    """Return a checked file without the chunks that its pixels do not depend on.

    Decoders never see those: packed texts that unfold to gigabytes, profiles that libpng warns about, the further
    frames of an animation.
    """
    parts, name = [SIGNATURE], b""
    position = len(SIGNATURE)
    while name != b"IEND":
        length, name = struct.unpack_from(">I4s", data, position)
        end = position + 12 + length
        if _is_needed(name):
            parts.append(data[position:end])
        position = end
    return b"".join(parts)


def _pixels(data: bytes) -> NDArray[np.generic]:
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        if ran_out_of_memory(error):
            raise
        raise UnreadableImageError(f"PNG data is damaged: {error.err}") from error
    if pixels is None:
        raise UnreadableImageError("PNG data is damaged: its pixels cannot be unpacked")
    return np.asarray(pixels)


def _flatten(pixels: NDArray[np.generic], kind: int) -> NDArray[np.uint8]:
    """Return 8-bit pixels without alpha: (H, W) for grey colour types, else (H, W, 3)."""
    if pixels.ndim == 2 or pixels.shape[2] == 3:
        return to_uint8(pixels)
    grey = kind == _GREY_ALPHA
    if pixels.dtype == np.uint8:
        return composite(*split_alpha(to_uint8(pixels), grey=grey))
    colour = pixels[..., 0] if grey else pixels[..., :3]
    return composite(to_uint8(colour), to_uint8(pixels[..., 3], depth=16))
