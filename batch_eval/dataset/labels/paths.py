"""The forms in which label files write the path of an image."""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import unquote

# In file:///C:/a.png the third slash goes too.
_SCHEME = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]+://(?:/(?=[A-Za-z]:))?")
# Either part may be the path: a.png?v=2, or /files/?d=digits/a.png.
_QUERY = re.compile(r"^([^?]*)\?(?:\w+=)?([^&]*).*$", re.DOTALL)
_QUOTED = re.compile(r"^(['\"`])(.*)\1$", re.DOTALL)
# PosixPath('a.png'), b'a.png', <img src="a.png">, =HYPERLINK("a.png"), ![](a.png)
_WRAPPED = re.compile(
    r"""=?(?:\w*Path|HYPERLINK)\((['"])(?P<called>.+?)\1.*\)|b(['"])(?P<bytes>.+)\3"""
    r"""|<\w+\b.*(?:src|href)=(['"])(?P<tagged>.+?)\5.*>|!?\[[^]]*\]\((?P<linked>.+)\)""",
    re.IGNORECASE,
)
_UNUSUAL = re.compile(r"[%?'\"`]|://|\]\(")
_ZEROS = re.compile(r"(?<!\d)0+(?=\d)")
_UPLOADS = (
    # Label Studio puts eight hex digits or a UUID before the name
    (re.compile(r"^[0-9a-f]{6,}(?:-[0-9a-f]{4}){0,3}(?:-[0-9a-f]{12})?[-_](?=.)"), ""),
    # Roboflow: img_1_png.rf.0a1b2c3d.jpg
    (re.compile(r"[_.](png|jpe?g|bmp|webp|tiff?)\.rf\.\w+(?:\.\w+)?$"), r".\1"),
)


def forms(cell: str) -> list[str]:
    """Return the paths that a cell may mean, the most literal first. All have ``/``.

    >>> forms("file:///C:/my%20digits/a.png")
    ['file:///C:/my%20digits/a.png', 'C:/my%20digits/a.png', 'C:/my digits/a.png']
    """
    path = slashed(cell)
    found = [path]
    if not _UNUSUAL.search(path):  # almost every cell
        return found
    wrapped = _WRAPPED.fullmatch(path)
    if wrapped:
        path = next(filter(None, wrapped.groupdict().values()))
    path = _SCHEME.sub("", _QUOTED.sub(r"\2", path))
    query = _QUERY.match(path)
    for form in (path, *(query.groups() if query else ())):
        found += [form, unquote(form)]
    return [form for form in dict.fromkeys(found) if form] or [""]


def slashed(path: str) -> str:
    """Return the path with ``/`` as its only separator."""
    return path.replace("\\", "/")


def same(path: str) -> str:
    """Return the path without case, Unicode form and outer blanks, in which file systems differ."""
    # Folding case can undo the composed form, so that it is made twice.
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", slashed(path)).casefold()).strip()


def last(path: str) -> str:
    """Return the last part of a path."""
    return path.rpartition("/")[2]


def stem(path: str) -> str:
    """Return the path without its last suffix."""
    folder, slash, name = path.rpartition("/")
    return folder + slash + (name.rpartition(".")[0] or name)


def without_zeros(path: str) -> str:
    """Return the path without leading zeros of its numbers.

    >>> without_zeros("img_0070.png")
    'img_70.png'
    """
    return _ZEROS.sub("", path)


def before_upload(name: str) -> list[str]:
    """Return the names that a file may have had before it was sent to an annotation program."""
    return [changed for pattern, plain in _UPLOADS if (changed := pattern.sub(plain, name, count=1)) != name]
