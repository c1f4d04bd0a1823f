"""What workers do, whatever they are: the work, and a flag that they share."""

from __future__ import annotations

import mmap
from collections.abc import Iterable
from typing import Protocol, TypeVar

AHEAD = 4
"""Chunks per worker that may be in progress or finished before they are consumed."""

Chunk = TypeVar("Chunk")
Result_co = TypeVar("Result_co", covariant=True)


class Work(Protocol[Chunk, Result_co]):
    """What workers do with a chunk."""

    def __call__(self, chunk: Chunk) -> Result_co:
        """Return the result of a chunk."""

    def parts(self, chunk: Chunk) -> Iterable[Chunk]:
        """Return the smallest chunks that a chunk consists of."""

    def lost(self, chunk: Chunk) -> Result_co:
        """Return the result of one of the smallest chunks, on which worker processes died."""


class Flag:
    """A flag in shared memory that all threads and forked processes see. Other processes get it as it was when sent."""

    def __init__(self, value: bool = False) -> None:
        self._byte = mmap.mmap(-1, 1)
        self._byte[0] = value

    def set(self) -> None:
        """Set the flag; it cannot be cleared."""
        self._byte[0] = 1

    def __bool__(self) -> bool:
        """Whether the flag was set."""
        return self._byte[0] == 1

    def __reduce__(self) -> tuple[type[Flag], tuple[bool]]:
        """Return what pickle makes it of."""
        return Flag, (bool(self),)
