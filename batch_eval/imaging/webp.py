"""Decode WebP: still images with OpenCV, animations with Pillow."""

import struct
import zlib
from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from batch_eval.errors import UnreadableImageError
from batch_eval.imaging.exif import apply_orientation, orientation
from batch_eval.imaging.guard import ran_out_of_memory
from batch_eval.imaging.limits import check_memory
from batch_eval.imaging.pixels import composite, split_alpha
from batch_eval.imaging.tails import MIN_ZEROS, cut_short, trailing_zeros

MARK = b"WEBP"
"""Stands at offset 8, behind ``RIFF`` and a length."""
MAX_CHUNKS = 10_000
"""Chunks of one file, for Python visits each. A still image has up to six."""
_OPENCV_BYTES = 32  # OpenCV reports smaller files on stderr; whole ones hold one pixel
_ANIMATED, _ALPHA = 0x02, 0x10  # flags of the extended format
_LOSSY_BYTES, _LOSSLESS_BYTES, _ALPHA_BYTES = 6, 7, 8  # a pixel while decoding, measured with OpenCV 5.0
_ANIMATION_BYTES = 19  # a pixel: two canvases, Pillow's copies, and the result
_LAST = 12  # bytes at the end of the picture, more than the 3 that encoders may leave unused, and an even number

_Chunks = dict[bytes, slice]


def decode_webp(data: bytes, otherwise: Callable[[bytes], NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """Decode a WebP and turn it upright. Source: RFC 9649.

    Args:
        data: The file's bytes, with ``MARK``.
        otherwise: Decoder for animations.

    Returns:
        uint8, (H, W, 3) BGR.

    Raises:
        UnreadableImageError: The image is damaged or too large.

    """
    chunks, end = _chunks(data)
    flags = data[chunks[b"VP8X"].start] if b"VP8X" in chunks else 0
    if flags & _ANIMATED or not chunks.keys() & {b"VP8 ", b"VP8L"}:
        check_memory(*_canvas(data, chunks), _ANIMATION_BYTES, data)
        return otherwise(data)
    width, height, alpha = _picture(data, chunks)
    lossy = _LOSSY_BYTES if b"VP8 " in chunks else _LOSSLESS_BYTES
    check_memory(width, height, _ALPHA_BYTES if alpha or flags & _ALPHA else lossy, data)
    if end < _OPENCV_BYTES:
        return otherwise(data)
    image = _still(data[:end], chunks.get(b"VP8 ") or chunks[b"VP8L"])
    exif = data[chunks[b"EXIF"]] if b"EXIF" in chunks else b""
    return apply_orientation(image, orientation(exif.removeprefix(b"Exif\0\0")))


def _chunks(data: bytes) -> tuple[_Chunks, int]:
    """Return where the content of each chunk lies, the first of equal names, and where the file ends."""
    (size,) = struct.unpack_from("<I", data, 4)
    end = 8 + size
    if end > len(data):
        raise UnreadableImageError("WebP data ends early")
    found: _Chunks = {}
    position = len(b"RIFF....WEBP")
    for _ in range(MAX_CHUNKS):
        if position + 8 > end:
            return found, end
        name, size = struct.unpack_from("<4sI", data, position)
        found.setdefault(name, slice(position + 8, min(position + 8 + size, end)))
        position += 8 + size + size % 2
    raise UnreadableImageError(f"WebP data has more than {MAX_CHUNKS:,} chunks, which is the limit")


def _canvas(data: bytes, chunks: _Chunks) -> tuple[int, int]:
    """Return the width and height that the extended header states, or of a file without pictures (1, 1)."""
    header = data[chunks.get(b"VP8X", slice(0))]
    if len(header) < 10:
        return 1, 1
    return 1 + int.from_bytes(header[4:7], "little"), 1 + int.from_bytes(header[7:10], "little")


def _picture(data: bytes, chunks: _Chunks) -> tuple[int, int, bool]:
    """Return width and height of a still image, and whether it has alpha by itself."""
    # 10 bytes: a tag of 3, a start code of 3, 14 bits of width, 14 bits of height in the next two bytes
    if b"VP8 " in chunks:
        header = data[chunks[b"VP8 "]][:10]
        if len(header) < 10:
            raise UnreadableImageError("WebP data ends early")
        width, height = struct.unpack_from("<HH", header, 6)
        size, alpha = (width & 0x3FFF, height & 0x3FFF), False
    else:
        # a signature of 1 byte, then 14 bits of width - 1, 14 bits of height - 1, 1 bit of alpha
        header = data[chunks[b"VP8L"]][:5]
        bits = int.from_bytes(header[1:], "little")
        size, alpha = (1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)), bool(bits >> 28 & 1)
    if b"VP8X" in chunks and size != _canvas(data, chunks):
        raise UnreadableImageError("WebP data is damaged: the sizes in its header and of its picture differ")
    return *size, alpha


def _still(data: bytes, picture: slice) -> NDArray[np.uint8]:
    """Decode a file whose pixels lie in ``picture``."""
    zeros = trailing_zeros(data[picture])
    if zeros >= MIN_ZEROS and _fingerprint(data) == _fingerprint(_shortened(data, picture)):
        raise cut_short("WebP", zeros)
    pixels = _pixels(data)
    if pixels.shape[2] == 4:
        return composite(*split_alpha(pixels, grey=False))
    return pixels


def _shortened(data: bytes, picture: slice) -> bytes:
    """Return the file without the last bytes of its picture.

    Even packed data may end in many zeros: those of a flat area. A decoder needs them, however. A picture that is the
    same without its last bytes was complete before them, and they stand where more was to follow.
    """
    end = picture.stop - _LAST
    size, whole = struct.pack("<I", end - picture.start), struct.pack("<I", end - 8)
    return data[:4] + whole + data[8 : picture.start - 4] + size + data[picture.start : end]


def _fingerprint(data: bytes) -> int:
    """Return a checksum of the pixels, 0 where they cannot be decoded."""
    try:
        return zlib.crc32(_pixels(data).data)
    except UnreadableImageError:
        return 0


def _pixels(data: bytes) -> NDArray[np.uint8]:
    """Return (H, W, 3) BGR or (H, W, 4) BGRA uint8."""
    if len(data) < _OPENCV_BYTES:
        raise UnreadableImageError("WebP data ends early")
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        if ran_out_of_memory(error):
            raise
        raise UnreadableImageError(f"WebP data is damaged: {error.err}") from error
    if pixels is None:
        raise UnreadableImageError("WebP data is damaged or ends early: its pixels cannot be unpacked")
    return np.asarray(pixels, np.uint8)
