"""The protocol of a source: named images in order, other files, and how to read each."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Protocol, Union, runtime_checkable

from batch_eval.dataset.labels.named import NamedFiles
from batch_eval.dataset.labels.reading import Reading

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Content = Union[bytes, "NDArray[np.uint8]"]
"""An image: the bytes of a file, or decoded, (H, W) or (H, W, 3) BGR uint8."""


@dataclass(frozen=True, slots=True)
class SetFile:
    """A file that holds a set, on the disk or within an archive. In an archive it has no ``path``.

    ``name`` is its path in the set, by which ids and messages call it.
    """

    name: str
    path: Path | None
    read: Callable[[], bytes]

    @classmethod
    def on_disk(cls, path: Path, name: str = "") -> SetFile:
        """Return a file of the disk. Without a ``name``, it has its own."""
        return cls(name or path.name, path, path.read_bytes)

    def open(self) -> IO[bytes]:
        """Return the file, opened."""
        return self.path.open("rb") if self.path else io.BytesIO(self.read())

    @property
    def root(self) -> str:
        """The absolute path of the file, or its name."""
        return str(self.path.absolute()) if self.path else f"/{self.name}"


class Source(NamedFiles, Protocol):
    """A set of images in one place, of which each is read by its name."""

    @property
    def name(self) -> str:
        """What reports call the set."""

    @property
    def labels(self) -> Reading | None:
        """The labels of the source itself, or None if its files and paths hold them."""

    @property
    def notes(self) -> tuple[str, ...]:
        """Remarks for the user."""

    def read(self, file: str) -> Content:
        """Return an image. Raises UnreadableImageError with the reason."""


@runtime_checkable
class Distant(Protocol):
    """A source whose images take long to arrive, and are requested ahead of reading."""

    def expect(self, files: Sequence[str]) -> None:
        """Take note of what this thread will read next, in this order."""
