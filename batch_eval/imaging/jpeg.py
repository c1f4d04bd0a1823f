"""Decode JPEG strictly: a damaged photo must not pass as an image with a grey tail."""

import struct
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import simplejpeg
from numpy.typing import NDArray

from batch_eval.errors import UnreadableImageError
from batch_eval.imaging.exif import UPRIGHT, apply_orientation, orientation
from batch_eval.imaging.limits import bands, check_memory, check_size
from batch_eval.imaging.pixels import WHITE

SIGNATURE = b"\xff\xd8\xff"
MAX_SCANS = 64
"""Scans of one image, for each visits all pixels. Encoders write 3 to 20."""
_EOI = b"\xff\xd9"  # end of image
_SCAN = b"\xff\xda"  # start of a scan
_UNWRITTEN = b"\0\0"  # zeros instead of the end mark: space was reserved for a tail that was never written
_APP0, _APP1, _APP14, _SOS = 0xE0, 0xE1, 0xEE, 0xDA
_BARE = (0x01, *range(0xD0, 0xD9))  # markers without a segment: TEM, restarts and the start of an image
_SEQUENTIAL = (0xC0, 0xC1)
_FRAMES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})  # the other three are tables
_ENDS_EARLY = ("Premature end of JPEG file", "premature end of data segment")
_CORRUPT = "Corrupt JPEG data: "
_MISSING_GREY = 128  # libjpeg fills missing rows with this grey
_COEFFICIENT_BYTES = 2
_GREY_BYTES, _COLOUR_BYTES, _INK_BYTES = 1, 3, 7  # a pixel; of inks with the colour that is made of them
_PILLOW_BYTES = 7  # a pixel, in Pillow and after it


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
    header = _header(data)
    _check_scans(header, data)
    try:
        height, width, space, _ = simplejpeg.decode_jpeg_header(data)
    except ValueError as error:
        if header.width and header.height:
            check_memory(header.width, header.height, header.coefficients + _PILLOW_BYTES, data)
        raise UnsupportedJpegError(str(error)) from error
    check_size(width, height)
    factor = reduction(max(height, width), reduce_to)
    pixel = {"Gray": _GREY_BYTES, "CMYK": _INK_BYTES, "YCCK": _INK_BYTES}.get(space, _COLOUR_BYTES)
    check_memory(width, height, header.coefficients + pixel / factor**2, data)
    image = _decode_strictly(data, space, -(-height // factor), -(-width // factor))
    return apply_orientation(image, header.orientation)


def stated_size(data: bytes) -> tuple[int, int]:
    """Return the width and height in the header; (0, 0) where the data ends early."""
    header = _header(data)
    return header.width, header.height


class _Header(NamedTuple):
    """What the segments before the first scan say.

    ``coefficients`` are the bytes a pixel that the decoder keeps until the last scan, 0 if there is only one.
    """

    width: int = 0
    height: int = 0
    one_scan: bool = False
    coefficients: float = 0
    orientation: int = UPRIGHT


def _header(data: bytes) -> _Header:
    frame, sequential, first_scan, turned = b"", False, 0, 0
    for marker, start, end in _segments(data):
        if marker == _APP1 and not turned and data.startswith(b"Exif\0\0", start):
            turned = orientation(data[start + 6 : end])
        elif marker in _FRAMES:
            frame, sequential = data[start:end], marker in _SEQUENTIAL
        elif marker == _SOS and end > start:
            first_scan = data[start]
    if len(frame) < 6:
        return _Header(orientation=turned or UPRIGHT)
    height, width, components = struct.unpack_from(">HHB", frame, 1)
    one_scan = sequential and components == first_scan  # of a progressive JPEG, whole scans may be missing at the end
    return _Header(width, height, one_scan, 0 if one_scan else _coefficients(frame[6:]), turned or UPRIGHT)


def _coefficients(components: bytes) -> float:
    """Return the bytes a pixel that the coefficients of all components take. 3 bytes describe a component."""
    factors = [(sampling >> 4) * (sampling & 15) for sampling in components[1::3]]
    return _COEFFICIENT_BYTES * sum(factors) / max(1, *factors) if factors else 0


def _check_scans(header: _Header, data: bytes) -> None:
    # within a scan, the byte FF is followed by 00: no other bytes look like its start
    if not header.one_scan and (scans := data.count(_SCAN)) > MAX_SCANS:
        raise UnreadableImageError(f"JPEG data has {scans:,} scans, and the limit is {MAX_SCANS}")


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
        np.subtract(WHITE, inks, out=inks)
    colour = np.empty((*inks.shape[:2], 3), np.uint8)
    for rows in bands(*inks.shape[:2]):
        product = inks[rows, :, 2::-1].astype(np.uint16) * inks[rows, :, 3:]
        colour[rows] = (product + WHITE // 2) // WHITE
    return colour


def _segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield (marker, start, end) of each complete header segment's content, up to the first start of scan."""
    position = 2
    while position + 4 <= len(data) and data[position] == 0xFF:
        marker = data[position + 1]
        if marker == 0xFF or marker in _BARE:  # a fill byte, or two bytes
            position += 1 if marker == 0xFF else 2
            continue
        (length,) = struct.unpack_from(">H", data, position + 2)
        start, position = position + 4, position + 2 + length
        if position > len(data):
            return
        yield marker, start, position
        if marker == _SOS:
            return


def _repaired(data: bytes, warning: str) -> bytes:
    """Return the data without the harmless fault that the decoder reported; unchanged if the damage is real."""
    if "Premature end of JPEG file" in warning and not data.endswith((_EOI, _UNWRITTEN)) and _header(data).one_scan:
        return data + _EOI  # decoded again, missing rows still raise, a missing end mark does not
    if "Invalid SOS parameters" in warning:
        return _repair_scan_header(data)
    if "JFIF revision" in warning:
        return _drop_segments(data, _APP0)
    if "Adobe color transform" in warning:
        return _drop_segments(data, _APP14)
    return data


def _repair_scan_header(data: bytes) -> bytes:
    """Write the spectral selection 0 to 63, which a sequential scan must have (ITU-T T.81, B.2.3)."""
    end = next((end for marker, _, end in _segments(data) if marker == _SOS), None)
    return data if end is None else data[: end - 3] + b"\x00\x3f\x00" + data[end:]


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
