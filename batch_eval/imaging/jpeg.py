"""Decode JPEG strictly: a damaged photo must not pass as an image with a grey tail."""

import struct
from collections.abc import Iterator

import numpy as np
import simplejpeg
from numpy.typing import NDArray

from batch_eval.errors import UnreadableImageError
from batch_eval.imaging.exif import UPRIGHT, apply_orientation, orientation
from batch_eval.imaging.limits import check_size
from batch_eval.imaging.pixels import WHITE

SIGNATURE = b"\xff\xd8\xff"
_EOI = b"\xff\xd9"  # end of image
_UNWRITTEN = b"\0\0"  # zeros instead of the end mark: space was reserved for a tail that was never written
_APP0, _APP1, _APP14, _SOS = 0xE0, 0xE1, 0xEE, 0xDA
_SEQUENTIAL = (0xC0, 0xC1)
_ENDS_EARLY = ("Premature end of JPEG file", "premature end of data segment")
_CORRUPT = "Corrupt JPEG data: "
_MISSING_GREY = 128  # libjpeg fills missing rows with this grey


class UnsupportedJpegError(Exception):
    """A kind of JPEG that only Pillow may decode: unusual subsampling, lossless, or a broken header."""


def decode_jpeg(data: bytes, reduce_to: int | None) -> NDArray[np.uint8]:
    """Decode a JPEG and turn it upright.

    Args:
        data: The file's bytes.
        reduce_to: As in `decode`.

    Returns:
        uint8, (H, W) or (H, W, 3) BGR.

    Raises:
        UnreadableImageError: The image is damaged or too large.
        UnsupportedJpegError: Another decoder may support it.

    """
    try:
        height, width, space, _ = simplejpeg.decode_jpeg_header(data)
    except ValueError as error:
        raise UnsupportedJpegError(str(error)) from error
    check_size(width, height)
    factor = reduction(max(height, width), reduce_to)
    image = _decode_strictly(data, space, -(-height // factor), -(-width // factor))
    return apply_orientation(image, _orientation(data))


def header_size(data: bytes) -> tuple[int, int] | None:
    """Return (height, width) in pixels as a JPEG's header states them; None for other data."""
    try:
        height, width, _, _ = simplejpeg.decode_jpeg_header(data)
    except ValueError:
        return None
    return height, width


def reduction(longest: int, reduce_to: int | None) -> int:
    """Return the largest factor of 8, 4, 2 and 1 that keeps the longest side at ``reduce_to`` px or more.

    >>> reduction(4000, 320)
    8
    """
    if reduce_to is None:
        return 1
    return next((factor for factor in (8, 4, 2) if longest >= factor * reduce_to), 1)


def _decode_strictly(data: bytes, space: str, height: int, width: int) -> NDArray[np.uint8]:
    """Decode to the given size; raise UnreadableImageError if the data is damaged."""
    target = {"Gray": "GRAY", "CMYK": "CMYK", "YCCK": "CMYK"}.get(space, "BGR")
    try:
        pixels: NDArray[np.uint8] = simplejpeg.decode_jpeg(data, target, min_height=height, min_width=width)
    except ValueError as error:
        # strict mode also raises on harmless faults: repair one at a time until decoding works or nothing changes
        repaired = _repaired(data, str(error))
        if repaired == data:
            raise UnreadableImageError(_reason(data, str(error))) from error
        return _decode_strictly(repaired, space, height, width)
    if target == "CMYK":
        return _cmyk_to_bgr(data, pixels)
    return pixels[..., 0] if target == "GRAY" else pixels


def _cmyk_to_bgr(data: bytes, inks: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return (H, W, 3) BGR for (H, W, 4) inks."""
    # Adobe's programs store inks inverted and mark it with an APP14 segment
    if not any(marker == _APP14 for marker, _, _ in _segments(data)):
        inks = WHITE - inks
    product = inks[..., 2::-1].astype(np.uint16) * inks[..., 3:]
    return ((product + WHITE // 2) // WHITE).astype(np.uint8)


def _segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield (marker, start, end) of each complete header segment's content, up to the first start of scan."""
    position = 2
    while position + 4 <= len(data) and data[position] == 0xFF:
        marker = data[position + 1]
        if marker == 0xFF:  # fill byte
            position += 1
            continue
        (length,) = struct.unpack_from(">H", data, position + 2)
        start, position = position + 4, position + 2 + length
        if position > len(data):
            return
        yield marker, start, position
        if marker == _SOS:
            return


def _orientation(data: bytes) -> int:
    for marker, start, end in _segments(data):
        if marker == _APP1 and data.startswith(b"Exif\0\0", start):
            return orientation(data[start + 6 : end])
    return UPRIGHT


def _repaired(data: bytes, warning: str) -> bytes:
    """Return the data without the harmless fault that the decoder reported; unchanged if the damage is real."""
    if "Premature end of JPEG file" in warning and not data.endswith((_EOI, _UNWRITTEN)) and _is_one_scan(data):
        return data + _EOI  # decoded again, missing rows still raise, a missing end mark does not
    if "Invalid SOS parameters" in warning:
        return _repair_scan_header(data)
    if "JFIF revision" in warning:
        return _drop_segments(data, _APP0)
    if "Adobe color transform" in warning:
        return _drop_segments(data, _APP14)
    return data


def _is_one_scan(data: bytes) -> bool:
    """Say whether the whole image is in one scan."""
    # a progressive JPEG has many: after a missing end, whole scans may be missing, too
    components = 0
    for marker, start, _ in _segments(data):
        if marker in _SEQUENTIAL:
            components = data[start + 5]
        if marker == _SOS:
            return components == data[start]
    return False


def _repair_scan_header(data: bytes) -> bytes:
    """Write the spectral selection 0 to 63, which a sequential scan must have (ITU-T T.81, B.2.3)."""
    end = next(end for marker, _, end in _segments(data) if marker == _SOS)
    return data[: end - 3] + b"\x00\x3f\x00" + data[end:]


def _drop_segments(data: bytes, unwanted: int) -> bytes:
    """Return the data without the header segments of one marker."""
    spans = [(start - 4, end) for marker, start, end in _segments(data) if marker == unwanted]
    for start, end in reversed(spans):
        data = data[:start] + data[end:]
    return data


def _reason(data: bytes, warning: str) -> str:
    if any(sign in warning for sign in _ENDS_EARLY):
        missing = f"{_missing_rows(data):.0%}"
        return "JPEG data ends early" + ("" if missing == "0%" else f": {missing} of the rows are missing")
    if warning.startswith(_CORRUPT):
        return f"JPEG data is damaged: {warning.removeprefix(_CORRUPT)}"
    return f"JPEG cannot be decoded: {warning}"


def _missing_rows(data: bytes) -> float:
    """Return the fraction of rows, 0 to 1, that the decoder had no data for."""
    try:
        grey = simplejpeg.decode_jpeg(data, "GRAY", strict=False)[..., 0]
    except ValueError:
        return 0.0
    present = np.flatnonzero((grey != _MISSING_GREY).any(axis=1))
    return 1.0 - (present[-1] + 1) / len(grey) if present.size else 1.0
