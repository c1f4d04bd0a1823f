"""Images by their first bytes, for files whose name does not tell."""

from __future__ import annotations

import re

LENGTH = 16
"""Bytes that tell."""

# PNG, JPEG, GIF, and TIFF in either byte order.
_STARTS = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a", b"II*\0", b"MM\0*")
# BMP, WebP, PBM to PPM, and AVIF or HEIC by their brands.
_OTHER = re.compile(rb"BM.{4}\0{4}|RIFF.{4}WEBP|P[1-6]\s[\d#]|.{4}ftyp(?:avif|avis|heic|heix|mif1|msf1)", re.DOTALL)


def is_image_data(start: bytes) -> bool:
    """Whether a file of these first ``LENGTH`` bytes is an image that the program reads."""
    return start.startswith(_STARTS) or _OTHER.match(start) is not None
