"""Scenes without end. Processes draw them beside the training, and each is used a few times."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from itertools import count
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from batch_eval.training.batches import Digits
from batch_eval.training.ink.scene import ink_scene

CHUNK = 16
"""Scenes that a process draws at a time."""
AHEAD = 6
"""Chunks of a size that are drawn ahead of their use."""


class Batch(NamedTuple):
    """N scenes as in ``InkScene``: two (N, S, S, 3) uint8, and (N,) bool."""

    images: NDArray[np.uint8]
    maps: NDArray[np.uint8]
    single: NDArray[np.bool_]


def chunk(given: Digits, seed: int, number: int, size: int) -> Batch:
    """Draw the scenes of one chunk; the same numbers draw the same."""
    scenes = [ink_scene(np.random.default_rng([seed, size, number, i]), given, size) for i in range(CHUNK)]
    return Batch(
        *(np.stack(part) for part in ([s.image for s in scenes], [s.maps for s in scenes], [s.single for s in scenes]))
    )


_GIVEN: dict[str, Digits] = {}


def _begin(images: str, labels: str) -> None:
    """Prepare a process: one thread, and the given digits."""
    cv2.setNumThreads(1)
    _GIVEN["digits"] = Digits(np.load(images, mmap_mode="r"), np.load(labels))


def _drawn(seed: int, number: int, size: int) -> Batch:
    return chunk(_GIVEN["digits"], seed, number, size)


class Scenes:
    """Batches of scenes of one size: new ones, and old ones from a store.

    Every ``every`` batches bring a new chunk. The store keeps the last ``kept`` scenes. What a batch holds depends
    on the seed and its number. The speed of the processes does not matter.
    """

    def __init__(
        self, pool: ProcessPoolExecutor, seed: int, size: int, *, batch: int, kept: int, every: int = 1
    ) -> None:
        self._pool, self._seed, self._size = pool, seed, size
        self._batch, self._every = batch, every
        self._waiting: deque[Future[Batch]] = deque()
        self._next = 0
        self._images = np.zeros((kept, size, size, 3), np.uint8)
        self._maps = np.zeros((kept, size, size, 3), np.uint8)
        self._single = np.zeros(kept, np.bool_)
        self._filled = self._place = 0
        self._rng = np.random.default_rng([seed, size, 7])
        self._order()

    def _order(self) -> None:
        # Chunks are taken in the order of their numbers, whichever process is done first.
        while len(self._waiting) < AHEAD:
            self._waiting.append(self._pool.submit(_drawn, self._seed, self._next, self._size))
            self._next += 1

    def _store(self) -> None:
        """Put the next chunk in the place of the oldest."""
        drawn = self._waiting.popleft().result()
        self._order()
        where = (self._place + np.arange(len(drawn.images))) % len(self._images)
        self._images[where], self._maps[where], self._single[where] = drawn
        self._place = int(where[-1] + 1) % len(self._images)
        self._filled = max(self._filled, int(where.max()) + 1)

    def batches(self) -> Iterator[Batch]:
        """Yield batches for ever."""
        for number in count():
            if number % self._every == 0:
                self._store()
            chosen = np.sort(self._rng.integers(0, self._filled, self._batch))
            # Indexing with an array copies, so what follows does not change the scenes in the store.
            yield self._dressed(Batch(self._images[chosen], self._maps[chosen], self._single[chosen]))

    def _dressed(self, batch: Batch) -> Batch:
        """Exchange the colours of half of the images, and turn an eighth into negatives."""
        images = batch.images
        for i in np.flatnonzero(self._rng.random(len(images)) < 0.5):
            images[i] = images[i][..., self._rng.permutation(3)]
        negative = self._rng.random(len(images)) < 0.125
        images[negative] = 255 - images[negative]
        return Batch(images, batch.maps, batch.single)


def pool(given: Digits, folder: Path, processes: int) -> ProcessPoolExecutor:
    """Return processes that draw scenes with the given digits (N, 28, 28). ``folder`` holds the digits."""
    images, labels = folder / "given.npy", folder / "labels.npy"
    np.save(images, given.images)
    np.save(labels, given.labels)
    return ProcessPoolExecutor(processes, get_context("spawn"), _begin, (str(images), str(labels)))
