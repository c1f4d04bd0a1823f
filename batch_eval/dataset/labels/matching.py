"""Which image a label row means, however its path is written.

Rows are tried by stricter spellings first. A path that only resembles one counts where no row of the table names an
image exactly, so that rows of missing images are not given to others.
"""

from __future__ import annotations

import posixpath
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cached_property
from urllib.parse import unquote

from batch_eval.dataset.labels.spelling import number_of
from batch_eval.dataset.names import image_id, is_image

NONE, AMBIGUOUS = -1, -2
"""Stand for no image, and for several."""

_DRIVE = re.compile(r"^[A-Za-z]:/")
_SCHEME = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]+://(?:/(?=[A-Za-z]:))?")
_QUERY = re.compile(r"^([^?]*)\?(?:\w+=)?([^&]*).*$", re.DOTALL)
_QUOTED = re.compile(r"^(['\"`])(.*)\1$", re.DOTALL)
_UNUSUAL = re.compile(r"[%?]|://|^['\"`]")
_DIGITS = re.compile(r"\d+")
_ZEROS = re.compile(r"(?<!\d)0+(?=\d)")
# what programs add to the names of files that are sent to them: Label Studio, Roboflow
_UPLOADS = (
    (re.compile(r"^[0-9a-f]{6,}(?:-[0-9a-f]{4}){0,3}(?:-[0-9a-f]{12})?[-_](?=.)"), ""),
    (re.compile(r"[_.](png|jpe?g|bmp|webp|tiff?)\.rf\.\w+(?:\.\w+)?$"), r".\1"),
)


class How(IntEnum):
    """How rows spell the names of images, the strictest way first."""

    PATH = 0
    TAIL = 1
    SUFFIX = 2
    UPLOAD = 3
    NUMBER = 4

    @property
    def meaning(self) -> str:
        """What differs, as a note says it."""
        return _MEANINGS[self]


_MEANINGS = {
    How.PATH: "case, Unicode form, suffix or folder",
    How.TAIL: "other folders stand before the name",
    How.SUFFIX: "the suffix is another",
    How.UPLOAD: "a program that the images were sent to changed the name",
    How.NUMBER: "only the number in the name",
}


@dataclass(slots=True)
class Match:
    """The image of each row by its index, ``NONE`` or ``AMBIGUOUS``; ``loose`` rows do not spell it exactly."""

    how: How = How.PATH
    images: list[int] = field(default_factory=list)
    loose: list[int] = field(default_factory=list)

    @property
    def found(self) -> int:
        """Rows that have an image."""
        return sum(image >= 0 for image in self.images)


class ImageNames:
    """The images of a set by their names, in ever looser forms.

    ``images`` are paths relative to the set; ``roots`` are the set's own paths, absolute and with ``/``.
    """

    def __init__(self, images: Sequence[str], roots: Sequence[str]) -> None:
        self.images = images
        self._roots = tuple(dict.fromkeys(map(slashed, roots)))
        self._exact = {path: i for i, path in enumerate(images)}

    def match(self, cells: Sequence[str], base: str, *, named_path: bool = True) -> Match:
        """Return the images that cells of a table in the folder ``base`` name.

        Cells that are nothing but numbers may also count rows. They must name every image; under a column name for
        paths (``named_path``) it is enough that all of them do.
        """
        match = self._by_path(cells, slashed(base))
        if not match.found:
            others = [self._by_key(cells, how) for how in How if how is not How.PATH]
            match = max(others, key=lambda other: (other.found, -other.how))
        if match.found and self._only_counts(cells, match, named_path=named_path):
            return Match(images=[NONE] * len(cells))
        return match

    def names_one(self, cell: str, base: str) -> bool:
        """Whether a cell names one of the images."""
        return self._path_of(cell, slashed(base))[0] >= 0

    def beside(self, folder: str) -> Sequence[int]:
        """Return the images that lie in a folder itself; all of them where it is none of the set's, or holds none."""
        root = next((root for root in self._roots if slashed(folder).startswith(f"{root}/")), None)
        inside = slashed(folder)[len(root) + 1 :] if root else ""
        found = [i for i, path in enumerate(self.images) if path.rpartition("/")[0] == inside]
        return found or list(range(len(self.images)))

    def _by_path(self, cells: Sequence[str], base: str) -> Match:
        match = Match(How.PATH)
        direct = bool(self._roots) and base == self._roots[0]
        for row, cell in enumerate(cells):
            image = self._exact.get(cell, NONE) if direct else NONE
            if image == NONE:
                image, exact = self._path_of(cell, base)
                if not exact and image != NONE:
                    match.loose.append(row)
            match.images.append(image)
        return match

    def _path_of(self, cell: str, base: str) -> tuple[int, bool]:
        """Return the image at a path, and whether the path is exactly its own."""
        candidates = list(self._places(cell, base))
        for path in candidates:
            if path in self._exact:
                return self._exact[path], True
        if cell in self._by_id:
            return self._by_id[cell], True
        for path in map(same, candidates):
            for index in (self._by_same,) if is_image(path) else (self._by_same, self._by_stem):
                if path in index:
                    return index[path], False
        return NONE, False

    def _places(self, cell: str, base: str) -> Iterator[str]:
        """Yield what a cell may be relative to the set, the most literal reading first."""
        for path in forms(cell):
            absolute = path if path.startswith("/") or _DRIVE.match(path) else f"{base}/{path}"
            for place in map(posixpath.normpath, (absolute, *(f"{root}/{path}" for root in self._roots[:1]))):
                yield from (place[len(root) + 1 :] for root in self._roots if place.startswith(f"{root}/"))
            if not self._roots:
                yield posixpath.normpath(path)
            # a path from another computer, or one that starts at the parent folder, names the root somewhere
            for root in self._roots[:1]:
                _, separator, below = f"/{path}".rpartition(f"/{posixpath.basename(root)}/")
                if separator:
                    yield below

    def _by_key(self, cells: Sequence[str], how: How) -> Match:
        """Match by a looser spelling. Rows that are spelled differently must not lead to one image."""
        find = {How.TAIL: self._tail, How.SUFFIX: self._other_suffix, How.UPLOAD: self._upload, How.NUMBER: self._zeros}
        images = [find[how](cell) for cell in cells]
        if how is How.NUMBER and max(images, default=NONE) < 0:
            numbers = (number_of(cell.strip()) for cell in cells)
            images = [NONE if number is None else self._by_number.get(number, NONE) for number in numbers]
        spelled: dict[int, str] = {}
        shared = {
            image
            for image, cell in zip(images, cells, strict=True)
            if image >= 0 and spelled.setdefault(image, cell) != cell
        }
        images = [AMBIGUOUS if image in shared else image for image in images]
        return Match(how, images, [row for row, image in enumerate(images) if image >= 0])

    def _tail(self, cell: str) -> int:
        """Return the image whose path is the end of the cell's, or whose path ends with the cell."""
        for path in map(same, forms(cell)):
            parts = path.split("/")
            for start in range(1, len(parts)):
                image = self._lookup("/".join(parts[start:]), self._by_same, self._by_stem)
                if image != NONE:
                    return image
            image = self._lookup(parts[-1], self._by_name, self._by_name_stem)
            if image != NONE:
                return image
        return NONE

    def _other_suffix(self, cell: str) -> int:
        path = same(forms(cell)[-1])
        if not is_image(path):
            return NONE
        image = self._by_stem.get(_stem(path), NONE)
        return self._by_name_stem.get(_stem(_last(path)), NONE) if image == NONE else image

    def _upload(self, cell: str) -> int:
        for path in map(same, forms(cell)):
            name = _last(path)
            for pattern, plain in _UPLOADS:
                changed = pattern.sub(plain, name, count=1)
                if changed != name:
                    image = self._lookup(changed, self._by_name, self._by_name_stem)
                    if image != NONE:
                        return image
        return NONE

    def _zeros(self, cell: str) -> int:
        """Return the image whose name differs in leading zeros alone."""
        path = same(forms(cell)[0])
        image = self._by_zeros.get(_ZEROS.sub("", _last(path)), NONE)
        if image == NONE and not is_image(path):
            image = self._by_zeros_stem.get(_ZEROS.sub("", _last(path)), NONE)
        return image

    @staticmethod
    def _lookup(path: str, index: dict[str, int], stems: dict[str, int]) -> int:
        image = index.get(path, NONE)
        return stems.get(path, NONE) if image == NONE and not is_image(path) else image

    def _only_counts(self, cells: Sequence[str], match: Match, *, named_path: bool) -> bool:
        """Whether cells may count rows rather than name images."""
        if not all(_is_number(cell) for cell, image in zip(cells, match.images, strict=True) if image >= 0):
            return False
        if len({image for image in match.images if image >= 0}) == len(self.images):
            return False
        return not named_path or match.found < len(cells)

    @cached_property
    def _by_id(self) -> dict[str, int]:
        return {image_id(path): i for i, path in enumerate(self.images)}

    @cached_property
    def _by_same(self) -> dict[str, int]:
        return self._keyed(same)

    @cached_property
    def _by_stem(self) -> dict[str, int]:
        return self._keyed(lambda path: same(_stem(path)))

    @cached_property
    def _by_name(self) -> dict[str, int]:
        return self._keyed(lambda path: same(_last(path)))

    @cached_property
    def _by_name_stem(self) -> dict[str, int]:
        return self._keyed(lambda path: same(_stem(_last(path))))

    @cached_property
    def _by_zeros(self) -> dict[str, int]:
        return self._keyed(lambda path: _ZEROS.sub("", same(_last(path))))

    @cached_property
    def _by_zeros_stem(self) -> dict[str, int]:
        return self._keyed(lambda path: _ZEROS.sub("", same(_stem(_last(path)))))

    @cached_property
    def _by_number(self) -> dict[int, int]:
        """The images by their number, where their names differ by one number alone."""
        if len({path.rpartition("/")[0] for path in self.images}) > 1:
            return {}
        stems = [_stem(_last(path)) for path in self.images]
        numbers = [_DIGITS.findall(stem) for stem in stems]
        for place in range(min(map(len, numbers), default=0)):
            rest = {_without(stem, place) for stem in stems}
            found = {int(each[place]): i for i, each in enumerate(numbers)}
            if len(rest) == 1 and len(found) == len(stems):
                return found
        return {}

    def _keyed(self, key: Callable[[str], str]) -> dict[str, int]:
        """Return the images by a key; ``AMBIGUOUS`` where several share it."""
        index: dict[str, int] = {}
        for i, path in enumerate(self.images):
            name = key(path)
            index[name] = AMBIGUOUS if name in index else i
        return index


def forms(cell: str) -> list[str]:
    """Return a cell's path in the forms that it may be meant in, the most literal first; all have ``/``.

    >>> forms("file:///C:/my%20digits/a.png")
    ['file:///C:/my%20digits/a.png', 'C:/my%20digits/a.png', 'C:/my digits/a.png']
    """
    path = slashed(cell)
    found = [path]
    if not _UNUSUAL.search(path):
        return found
    path = _SCHEME.sub("", _QUOTED.sub(r"\2", path))
    query = _QUERY.match(path)
    for form in (path, *(query.groups() if query else ())):
        found += [form, unquote(form)]
    return [form for form in dict.fromkeys(found) if form] or [""]


def slashed(path: str) -> str:
    """Return the path with ``/`` as the only separator."""
    return path.replace("\\", "/")


def same(path: str) -> str:
    """Return the path without the differences between file systems: case, Unicode form, separator, outer spaces."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", slashed(path)).casefold()).strip()


def _last(path: str) -> str:
    return path.rpartition("/")[2]


def _stem(path: str) -> str:
    """Return the path without its last suffix."""
    folder, slash, name = path.rpartition("/")
    return folder + slash + (name.rpartition(".")[0] or name)


def _without(stem: str, place: int) -> str:
    """Return the stem with ``#`` in place of one of its numbers."""
    numbers = list(_DIGITS.finditer(stem))
    start, end = numbers[place].span()
    return f"{stem[:start]}#{stem[end:]}"


def _is_number(cell: str) -> bool:
    return number_of(cell.strip()) is not None
