"""Several sets as one: archives in a folder, or places that a person names."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from batch_eval.dataset.labels.reading import Reading
from batch_eval.dataset.sources.core import Content, Source


class Joined:
    """Sets by their names; the id of each image begins with its set's name."""

    def __init__(self, name: str, root: str, sources: Mapping[str, Source]) -> None:
        self.name = name
        self._sources = sources
        self.roots = (os.path.abspath(root),)
        self.images: Sequence[str] = [f"{key}/{file}" for key, source in sources.items() for file in source.images]
        self.others: Sequence[str] = [f"{key}/{file}" for key, source in sources.items() for file in source.others]
        self.notes = tuple(dict.fromkeys(note for source in sources.values() for note in source.notes))
        self.labels = _joined_labels(sources)
        # The longest first: of the sets a and a/b, the second has a/b/7.png.
        self._keys = sorted(sources, key=len, reverse=True)

    def read(self, file: str) -> Content:
        """Return an image. Raises UnreadableImageError with the reason."""
        source, name = self._source(file)
        return source.read(name)

    def read_other(self, path: str) -> bytes:
        """Return another file's bytes. Raises UnreadableImageError with the reason."""
        source, name = self._source(path)
        return source.read_other(name)

    def size(self, file: str) -> int:
        """Return a file's length in bytes, 0 where it is not known."""
        source, name = self._source(file)
        return source.size(name)

    def _source(self, file: str) -> tuple[Source, str]:
        key = next(key for key in self._keys if file.startswith(f"{key}/"))
        return self._sources[key], file[len(key) + 1 :]


def _joined_labels(sources: Mapping[str, Source]) -> Reading | None:
    """Return the labels of sets that have their own. Return None if none has."""
    readings = [source.labels for source in sources.values()]
    if not any(readings):
        return None
    names = tuple(dict.fromkeys(name for reading in readings if reading for name in reading.slice_names))
    truths: list[str | None] = []
    slices: list[tuple[str, ...]] = []
    for source, reading in zip(sources.values(), readings, strict=True):
        truths += reading.truths if reading else [None] * len(source.images)
        slices += [_values(reading, i, names) for i in range(len(source.images))]
    described = " and ".join(reading.source for reading in readings if reading)
    return Reading(described, truths, slice_names=names, slices=slices if names else ())


def _values(reading: Reading | None, image: int, names: Sequence[str]) -> tuple[str, ...]:
    values = dict(zip(reading.slice_names, reading.slices[image], strict=True)) if reading and reading.slices else {}
    return tuple(values.get(name, "") for name in names)
