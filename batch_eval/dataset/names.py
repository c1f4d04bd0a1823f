"""File names: which are images, how a path is shown, and the order that people expect."""

import re
from collections.abc import Sequence
from unicodedata import category

READABLE = "png jpg jpeg jpe jfif webp bmp dib tif tiff gif avif heic heif pbm pgm ppm pnm"
# pictures to a person, but in no format that is decoded: leaving them out is said
FOREIGN = "svg pdf psd eps ico jxl jp2 raw dng cr2 cr3 nef arw orf rw2 mp4 mov"
READABLE_SUFFIXES = frozenset(f".{name}" for name in READABLE.split())
FOREIGN_SUFFIXES = frozenset(f".{name}" for name in FOREIGN.split())

_DIGITS = re.compile(r"[0-9]+")
_SPACE = "Zs"  # Unicode's category; macOS writes one of these before the PM of a screenshot's name


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
    r"""Return the text so that it can be printed and written as UTF-8; all letters, signs and spaces stay.

    Bytes that are not UTF-8 (which Python holds as surrogates, PEP 383) and ASCII control characters become ``\xNN``,
    other unprintable characters ``\uNNNN`` or ``\UNNNNNNNN``: they could move a terminal's cursor, show a name
    backwards, or make two names look alike.

    >>> print(printable("a\nb\u202egpj.png"), printable("\udcff"), printable("\u200b"))
    a\x0ab\u202egpj.png \xff \u200b
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or category(c) == _SPACE else _escape(ord(c)) for c in text)


def _escape(code: int) -> str:
    """Return the escape of one character."""
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    if code <= 0x7F:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def natural_key(path: str) -> tuple[str, str]:
    """Return a sort key: folder by folder, numbers by value, case only as the last resort."""
    padded = _DIGITS.sub(lambda number: number[0].zfill(20), path.replace("/", "\0"))
    return padded.casefold(), path


def listing(names: Sequence[str], most: int = 3) -> str:
    """Return the first names in printable form as one line: ``a.png, b.png, … (12 in all)``."""
    shown = ", ".join(map(printable, names[:most]))
    return shown if len(names) <= most else f"{shown}, … ({len(names)} in all)"
