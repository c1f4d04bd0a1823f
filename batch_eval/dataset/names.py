"""File names: which are images, how a path is shown, and the order that people expect."""

import re
from collections.abc import Sequence

READABLE = "png jpg jpeg jpe jfif webp bmp dib tif tiff gif avif heic heif pbm pgm ppm pnm"
# pictures to a person, but in no format that is decoded: leaving them out is said
FOREIGN = "svg pdf psd eps ico jxl jp2 raw dng cr2 cr3 nef arw orf rw2 mp4 mov"
READABLE_SUFFIXES = frozenset(f".{name}" for name in READABLE.split())
FOREIGN_SUFFIXES = frozenset(f".{name}" for name in FOREIGN.split())

_DIGITS = re.compile(r"[0-9]+")
# controls, bidirectional overrides and lone surrogates spoil a terminal or a file; other scripts and spaces stay
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def suffix(name: str) -> str:
    """Return the suffix with its dot in lower case: ``.png`` of ``A.PNG``, nothing without a dot."""
    _, dot, end = name.rpartition(".")
    return dot + end.lower() if dot else ""


def is_image(name: str) -> bool:
    """Whether the name ends as an image that the program reads."""
    return suffix(name) in READABLE_SUFFIXES


def image_id(path: str) -> str:
    """Return the path in printable form, a backslash in a name doubled: different paths have different ids."""
    return printable(path.replace("\\", "\\\\"))


def printable(text: str) -> str:
    r"""Return the text so that it can be printed and written as UTF-8.

    Bytes that are not UTF-8 (which Python holds as surrogates, PEP 383) and control characters become ``\xNN``, other
    unprintable characters ``\uNNNN``.
    """
    return _UNPRINTABLE.sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    """Return the escape of one character."""
    code = ord(match[0])
    # the surrogates U+DC80 to U+DCFF stand for the bytes 80 to FF
    byte = code - 0xDC00 if 0xDC80 <= code <= 0xDCFF else code
    return f"\\x{byte:02x}" if byte <= 0x7F or byte < code else f"\\u{code:04x}"


def natural_key(path: str) -> tuple[str, str]:
    """Return a sort key: folder by folder, numbers by value, case only as the last resort."""
    padded = _DIGITS.sub(lambda number: number[0].zfill(20), path.replace("/", "\0"))
    return padded.casefold(), path


def listing(names: Sequence[str], most: int = 3) -> str:
    """Return the first names in printable form as one line: ``a.png, b.png, … (12 in all)``."""
    shown = ", ".join(map(printable, names[:most]))
    return shown if len(names) <= most else f"{shown}, … ({len(names)} in all)"
