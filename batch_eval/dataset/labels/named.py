"""What the search for labels knows of a set: names of images and of other files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class NamedFiles(Protocol):
    """A set of named images, with the files beside them.

    ``images`` and ``others`` are paths in the set, in natural order. ``roots`` are the set's absolute paths, at least
    one. Label files may write them before a name.
    """

    @property
    def images(self) -> Sequence[str]:
        """The images."""

    @property
    def others(self) -> Sequence[str]:
        """Further files, which may hold labels."""

    @property
    def roots(self) -> Sequence[str]:
        """The absolute paths of the set."""

    def read_other(self, path: str) -> bytes:
        """Return the bytes of one of the other files. Raises UnreadableImageError with the reason."""

    def size(self, path: str) -> int:
        """Return a file's length in bytes, 0 where it is not known."""
