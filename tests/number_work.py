"""Work for tests of workers: on numbers, of which a tuple is a chunk, and on images that end who reads them."""

import os
import signal
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from batch_eval.dataset import Content, Source


@dataclass(frozen=True)
class Work:
    """Work that a function does. A number that is lost is marked."""

    one: Callable[[Any], Any]

    def __call__(self, chunk: Any) -> Any:
        """Return what the function makes of a chunk."""
        return self.one(chunk)

    def parts(self, chunk: tuple[int, ...]) -> list[tuple[int]]:
        """Return each number as a chunk."""
        return [(number,) for number in chunk]

    def lost(self, chunk: tuple[int]) -> tuple[str, int]:
        """Return the number with a mark."""
        return "lost", chunk[0]


@dataclass(frozen=True)
class Dying:
    """Work that ends its process on bad numbers; others it returns. It notes each process in a folder."""

    bad: Collection[int]
    death: str
    folder: str

    def __call__(self, chunk: tuple[int, ...]) -> tuple[int, ...]:
        """Return the chunk, or die."""
        Path(self.folder, str(os.getpid())).touch()
        for number in chunk:
            if number in self.bad:
                die(self.death)
        return chunk


@dataclass(frozen=True)
class Deadly:
    """A source of images. Whoever reads one of the ``bad`` ones dies."""

    source: Source
    bad: Collection[str]
    death: str

    def read(self, file: str) -> Content:
        """Return an image, or die."""
        if file in self.bad:
            die(self.death)
        return self.source.read(file)

    def __getattr__(self, name: str) -> Any:
        """Return what the source has."""
        if name.startswith("__"):  # which pickle looks for before there is a source
            raise AttributeError(name)
        return getattr(self.source, name)


def die(death: str) -> None:
    """End this process by a signal, or let its memory run out."""
    if death == "memory":
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (1 << 20, 1 << 20))
        bytearray(1 << 30)
    os.kill(os.getpid(), getattr(signal, death))
