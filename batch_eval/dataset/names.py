"""File names: which are images, how a path is shown, and the order that people expect."""

import re

from batch_eval.wording import printable

READABLE = "png jpg jpeg jpe jfif webp bmp dib tif tiff gif avif heic heif pbm pgm ppm pnm"
# pictures to a person, but in no format that is decoded: leaving them out is said
FOREIGN = "svg pdf psd eps ico jxl jp2 raw dng cr2 cr3 nef arw orf rw2 mp4 mov"
READABLE_SUFFIXES = frozenset(f".{name}" for name in READABLE.split())
FOREIGN_SUFFIXES = frozenset(f".{name}" for name in FOREIGN.split())

# what operating systems and network drives put beside people's images, thumbnails included
_JUNK = frozenset(
    {
        *("__macosx", "@eadir", "$recycle.bin", "system volume information", "lost+found"),
        *("thumbs.db", "desktop.ini", "ehthumbs.db", "icon\r"),
    }
)

_DIGITS = re.compile(r"[0-9]+")


def suffix(name: str) -> str:
    """Return the suffix with its dot in lower case: ``.png`` of ``A.PNG``, nothing without a dot."""
    _, dot, end = name.rpartition(".")
    return dot + end.lower() if dot else ""


def is_image(name: str) -> bool:
    """Whether the name ends as an image that the program reads."""
    return suffix(name) in READABLE_SUFFIXES


def is_junk(name: str) -> bool:
    """Whether a file's or folder's own name is a hidden one, or one that systems leave behind."""
    return name.startswith(".") or name.lower() in _JUNK


def image_id(path: str) -> str:
    """Return the path in printable form. A backslash is doubled: different paths have different ids."""
    return printable(path.replace("\\", "\\\\"))


def natural_key(path: str) -> tuple[str, str]:
    """Return a sort key: folder by folder, numbers by value, case only as the last resort."""
    # NUL sorts before every character, so that a/b comes before a-b/c.
    padded = _DIGITS.sub(lambda number: number[0].zfill(20), path.replace("/", "\0"))
    return padded.casefold(), path
