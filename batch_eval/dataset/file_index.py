"""Find the image that a label row means, however its path is written."""

import os
import posixpath
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path

from batch_eval.dataset.names import image_id, is_image

AMBIGUOUS = -1

_DRIVE = re.compile(r"^[A-Za-z]:/")


class FileIndex:
    """The images of a folder by their paths: exactly, or by a looser form if only one image has it."""

    def __init__(self, root: Path, images: Sequence[str], table_folder: Path, encoding: str) -> None:
        """Index ``images`` (relative to ``root``) for rows of a table in ``table_folder``, decoded by ``encoding``."""
        self._images = images
        self._roots = list(dict.fromkeys(_slashed(path) for path in (os.path.abspath(root), os.path.realpath(root))))
        self._base = _slashed(os.path.abspath(table_folder))
        self._encoding = encoding
        self._exact = {path: i for i, path in enumerate(images)}

    def exact(self, path: str) -> int | None:
        """Return the image at this path, relative to the table or the root, absolute, or an id."""
        if self._base == self._roots[0] and path in self._exact:  # almost every row; the rest only says it slower
            return self._exact[path]
        found = next((self._exact[name] for name in self._candidates(path) if name in self._exact), None)
        return self._by_id.get(path) if found is None else found

    def loose(self, path: str) -> int | None:
        """Return the one image that the path means but for case, Unicode form or suffix; ``AMBIGUOUS`` if several."""
        for name in map(_folded, self._candidates(path)):
            image = self._by_folded.get(name)
            if image is None and not is_image(name):
                image = self._by_stem.get(name)
            if image is not None:
                return image
        return None

    def by_name(self, path: str) -> int | None:
        """Return the one image in any folder that has this bare name; ``AMBIGUOUS`` if several, None for a path."""
        name = _folded(path)
        if "/" in name:
            return None
        image = self._by_last.get(name)
        return self._by_last_stem.get(name) if image is None and not is_image(name) else image

    def _candidates(self, path: str) -> Iterator[str]:
        """Yield what the path may be relative to the root, the most literal reading first."""
        path = _slashed(path)
        absolute = path if path.startswith("/") or _DRIVE.match(path) else f"{self._base}/{path}"
        for place in map(posixpath.normpath, (absolute, f"{self._roots[0]}/{path}")):
            yield from (place[len(root) + 1 :] for root in self._roots if place.startswith(f"{root}/"))
        # a path from another computer, or one that starts at the parent folder, names the root somewhere
        _, separator, below = f"/{path}".rpartition(f"/{posixpath.basename(self._roots[0])}/")
        if separator:
            yield below
        if self._encoding in ("cp1252", "latin-1"):
            # the bytes of the file are the bytes of a file name that is not UTF-8
            yield path.encode(self._encoding, "replace").decode("utf-8", "surrogateescape")

    @cached_property
    def _by_id(self) -> dict[str, int]:
        return {image_id(path): i for i, path in enumerate(self._images)}

    @cached_property
    def _by_folded(self) -> dict[str, int]:
        return self._keyed(_folded)

    @cached_property
    def _by_stem(self) -> dict[str, int]:
        return self._keyed(lambda path: _folded(_stem(path)))

    @cached_property
    def _by_last(self) -> dict[str, int]:
        return self._keyed(lambda path: _folded(path.rpartition("/")[2]))

    @cached_property
    def _by_last_stem(self) -> dict[str, int]:
        return self._keyed(lambda path: _folded(_stem(path.rpartition("/")[2])))

    def _keyed(self, key: Callable[[str], str]) -> dict[str, int]:
        """Return the images by a key; ``AMBIGUOUS`` where several share it."""
        index: dict[str, int] = {}
        for i, path in enumerate(self._images):
            name = key(path)
            index[name] = AMBIGUOUS if name in index else i
        return index


def _slashed(path: str) -> str:
    """Return the path with ``/`` as the only separator."""
    return path.replace("\\", "/")


def _stem(path: str) -> str:
    """Return the path without its last suffix."""
    return path.rpartition(".")[0]


def _folded(path: str) -> str:
    """Return the path without the differences between file systems: case, Unicode form, separator, outer spaces."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", _slashed(path)).casefold()).strip()
