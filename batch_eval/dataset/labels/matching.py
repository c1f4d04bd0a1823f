"""Which image a label row means, however its path is written.

Strict spellings come first. Looser ones count only where no row of the table has its image by its path. Otherwise rows
of missing images would be given to others.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum
from functools import cached_property

from batch_eval.dataset.labels.paths import before_upload, forms, last, same, slashed, stem, without_zeros
from batch_eval.dataset.labels.spelling import number_of
from batch_eval.dataset.names import image_id, is_image

NONE, AMBIGUOUS = -1, -2
"""Stand for no image and for several."""

_DRIVE = re.compile(r"^[A-Za-z]:/")
_DIGITS = re.compile(r"\d+")


class How(IntEnum):
    """How rows spell the names of images, the strictest way first."""

    PATH = 0
    TAIL = 1
    SUFFIX = 2
    UPLOAD = 3
    NUMBER = 4

    @property
    def meaning(self) -> str:
        """What differs, for a note."""
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
    """The image of each row by its index, ``NONE`` or ``AMBIGUOUS``. ``loose`` rows do not spell it exactly.

    ``whole`` is False where rows may name images outside of the set.
    """

    how: How = How.PATH
    images: list[int] = field(default_factory=list)
    loose: list[int] = field(default_factory=list)
    whole: bool = True

    @property
    def found(self) -> int:
        """Number of rows that have an image."""
        return sum(image >= 0 for image in self.images)


class ImageNames:
    """The images of a set by their names, in ever looser forms.

    ``images`` are paths in the set. ``roots`` are the set's own absolute paths. ``whole`` is False for some images of
    a folder, whose label files may name more.
    """

    def __init__(self, images: Sequence[str], roots: Sequence[str], *, whole: bool = True) -> None:
        self.images = images
        self._whole = whole
        self._roots = tuple(dict.fromkeys(map(slashed, roots)))
        self._exact = {path: i for i, path in enumerate(images)}

    def match(self, cells: Sequence[str], base: str, *, named_path: bool = True) -> Match:
        """Return the images that the cells of a table in the folder ``base`` name.

        Cells that are all numbers may also count rows. They are names in two cases:

        - every image has its number,
        - all cells have their image, and the column's name speaks of paths (``named_path``).
        """
        # Looser ways count only if no row names an image exactly. Else rows of missing images would get others.
        match = self._by_path(cells, slashed(base))
        if not match.found:
            others = [self._by_looser(cells, how) for how in How if how is not How.PATH]
            # Of ways that find equally many, the strictest.
            match = max(others, key=lambda other: (other.found, -other.how))
        if match.found and self._only_counts(cells, match, named_path=named_path):
            return Match(images=[NONE] * len(cells))
        return replace(match, whole=self._whole)

    def names_one(self, cell: str, base: str) -> bool:
        """Whether a cell names one of the images."""
        return self._path_of(cell, slashed(base))[0] >= 0

    def beside(self, folder: str) -> Sequence[int]:
        """Return the images directly in a folder. Return all if it holds none, or is outside of the set."""
        root = next((root for root in self._roots if slashed(folder).startswith(f"{root}/")), None)
        inside = slashed(folder)[len(root) + 1 :] if root else ""
        found = [i for i, path in enumerate(self.images) if path.rpartition("/")[0] == inside]
        return found or range(len(self.images))

    def _by_path(self, cells: Sequence[str], base: str) -> Match:
        """Match each cell as a path: exactly, or but for case, Unicode form and suffix."""
        match = Match(How.PATH)
        direct = bool(self._roots) and base == self._roots[0]
        for row, cell in enumerate(cells):
            # Almost every cell is found here. The general way takes ten times as long.
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
        # An id counts too: the path in printable form.
        if cell in self._by_id:
            return self._by_id[cell], True
        for path in map(same, candidates):
            # Only a path without the suffix of an image may lack it: a.jpg is not a.png.
            for index in (self._by_same,) if is_image(path) else (self._by_same, self._by_stem):
                if path in index:
                    return index[path], False
        return NONE, False

    def _places(self, cell: str, base: str) -> Iterator[str]:
        """Yield what a cell may mean as a path in the set, the most literal reading first."""
        for path in forms(cell):
            absolute = path if path.startswith("/") or _DRIVE.match(path) else f"{base}/{path}"
            for place in map(posixpath.normpath, (absolute, f"{self._roots[0]}/{path}")):
                yield from (place[len(root) + 1 :] for root in self._roots if place.startswith(f"{root}/"))
            # A path from another computer, or one that starts at the parent folder, has the root's name in it.
            _, separator, below = f"/{path}".rpartition(f"/{posixpath.basename(self._roots[0])}/")
            if separator:
                yield below

    def _by_looser(self, cells: Sequence[str], how: How) -> Match:
        """Match by a looser spelling. Rows that are spelled differently must not share an image."""
        find = {How.TAIL: self._tail, How.SUFFIX: self._other_suffix, How.UPLOAD: self._upload, How.NUMBER: self._zeros}
        images = [find[how](cell) for cell in cells]
        # If not even leading zeros explain the cells, bare numbers may: 12 for scan_0012.
        if how is How.NUMBER and max(images, default=NONE) < 0:
            numbers = (number_of(cell.strip()) for cell in cells)
            images = [NONE if number is None else self._by_number.get(number, NONE) for number in numbers]
        first: dict[int, str] = {}
        pairs = zip(images, cells, strict=True)
        # Two spellings for one image mean that this way is too loose: neither gets it.
        shared = {image for image, cell in pairs if image >= 0 and first.setdefault(image, cell) != cell}
        images = [AMBIGUOUS if image in shared else image for image in images]
        return Match(how, images, [row for row, image in enumerate(images) if image >= 0])

    def _tail(self, cell: str) -> int:
        """Return the image whose path ends the cell's, or whose path ends with the cell."""
        for path in map(same, forms(cell)):
            parts = path.split("/")
            for start in range(1, len(parts)):
                image = _lookup("/".join(parts[start:]), self._by_same, self._by_stem)
                if image != NONE:
                    return image
            image = _lookup(parts[-1], self._by_name, self._by_name_stem)
            if image != NONE:
                return image
        return NONE

    def _other_suffix(self, cell: str) -> int:
        """Return the image whose name differs in its suffix alone."""
        path = same(forms(cell)[-1])
        if not is_image(path):
            return NONE
        names = [stem(path), path]  # a.png may have become a.png.png, as Windows hides the last suffix
        places = [(self._by_stem, name) for name in names] + [(self._by_name_stem, last(name)) for name in names]
        if is_image(stem(path)):
            places += [(self._by_same, stem(path)), (self._by_name, last(stem(path)))]
        return next((index[name] for index, name in places if name in index), NONE)

    def _upload(self, cell: str) -> int:
        """Return the image that had another name before an annotation program changed it."""
        names = [name for path in map(same, forms(cell)) for name in before_upload(last(path))]
        # An underscore may have been a blank.
        names += [name.replace("_", " ") for name in names]
        found = (_lookup(name, self._by_name, self._by_name_stem) for name in names)
        return next((image for image in found if image != NONE), NONE)

    def _zeros(self, cell: str) -> int:
        """Return the image whose name differs in leading zeros alone."""
        name = without_zeros(last(same(forms(cell)[0])))
        return _lookup(name, self._by_zeros, self._by_zeros_stem)

    def _only_counts(self, cells: Sequence[str], match: Match, *, named_path: bool) -> bool:
        """Whether cells may count rows rather than name images."""
        pairs = zip(cells, match.images, strict=True)
        if any(number_of(cell.strip()) is None for cell, image in pairs if image >= 0):
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
        return self._keyed(lambda path: same(stem(path)))

    @cached_property
    def _by_name(self) -> dict[str, int]:
        return self._keyed(lambda path: same(last(path)))

    @cached_property
    def _by_name_stem(self) -> dict[str, int]:
        return self._keyed(lambda path: same(stem(last(path))))

    @cached_property
    def _by_zeros(self) -> dict[str, int]:
        return self._keyed(lambda path: without_zeros(same(last(path))))

    @cached_property
    def _by_zeros_stem(self) -> dict[str, int]:
        return self._keyed(lambda path: without_zeros(same(stem(last(path)))))

    @cached_property
    def _by_number(self) -> dict[int, int]:
        """The images by their number. It is empty unless one number is all that tells their names apart."""
        if len({path.rpartition("/")[0] for path in self.images}) > 1:
            return {}
        stems = [stem(last(path)) for path in self.images]
        numbers = [list(_DIGITS.finditer(name)) for name in stems]
        # The first number that alone tells the names apart: 12 for scan2_0012.png, if all begin with scan2.
        for place in range(min(map(len, numbers), default=0)):
            rest = {_without(name, each[place]) for name, each in zip(stems, numbers, strict=True)}
            found = {int(each[place][0]): i for i, each in enumerate(numbers)}
            if len(rest) == 1 and len(found) == len(stems):
                return found
        return {}

    def _keyed(self, key: Callable[[str], str]) -> dict[str, int]:
        """Return the images by a key, ``AMBIGUOUS`` for those that share it."""
        index: dict[str, int] = {}
        for i, path in enumerate(self.images):
            name = key(path)
            index[name] = AMBIGUOUS if name in index else i
        return index


def _lookup(path: str, index: dict[str, int], stems: dict[str, int]) -> int:
    """Return the image of a path. Only a path without an image's suffix may lack it."""
    image = index.get(path, NONE)
    return stems.get(path, NONE) if image == NONE and not is_image(path) else image


def _without(name: str, number: re.Match[str]) -> str:
    """Return a name with ``#`` in place of one of its numbers."""
    start, end = number.span()
    return f"{name[:start]}#{name[end:]}"
