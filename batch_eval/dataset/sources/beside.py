"""A set in one file, with the label files that lie beside it: `images.zip` and `labels.csv`."""

from __future__ import annotations

from collections.abc import Sequence

from batch_eval.dataset.labels.reading import Reading
from batch_eval.dataset.sources.core import Content, Source


class Beside:
    """The images of a set, and the other files of the folder around it."""

    labels: Reading | None = None

    def __init__(self, inner: Source, around: Source) -> None:
        """Join a set without labels of its own and the folder that holds it."""
        self._inner = inner
        self._around = around
        self.name = inner.name
        self.notes = (*inner.notes, *around.notes)
        self.images: Sequence[str] = inner.images
        self.roots = (*inner.roots, *around.roots)
        # The files that hold the images are no label files: ids begin with x.npy[7], test.csv:9 or a.zip/7.png.
        holders = {image.rpartition(mark)[0] for image in inner.images for mark in "[:"}
        holders |= {image.partition("/")[0] for image in inner.images}
        own = {*inner.others, *inner.images, *holders, inner.name}
        self._beside = frozenset(path for path in around.others if path not in own)
        self.others: Sequence[str] = [*inner.others, *(path for path in around.others if path in self._beside)]

    def read(self, file: str) -> Content:
        """Return an image. Raises UnreadableImageError with the reason."""
        return self._inner.read(file)

    def read_other(self, path: str) -> bytes:
        """Return another file's bytes. Raises UnreadableImageError with the reason."""
        return (self._around if path in self._beside else self._inner).read_other(path)

    def size(self, file: str) -> int:
        """Return a file's length in bytes, 0 if it is not known."""
        return (self._around if file in self._beside else self._inner).size(file)
