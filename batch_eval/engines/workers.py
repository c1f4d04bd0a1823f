"""Workers that share the chunks of a run: processes where that is safe, threads elsewhere.

Small images are mostly Python work. The GIL lets one thread at a time run Python. Processes do not wait for each
other. They are forked where that is safe: each has the opened model at once and shares its memory. Elsewhere, as in a
notebook, they are started anew, which pays off for many images: they import everything and open the model again.
"""

from __future__ import annotations

import io
import os
import pickle
import sys
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from enum import Enum
from itertools import islice
from typing import Any

from batch_eval.engines.work import AHEAD, Chunk, Flag, Result_co, Work
from batch_eval.forking import can_fork

MAX_PICKLED = 256 << 20
"""Bytes of work that started processes get. Each has a copy: arrays may be too large for that."""


class Kind(Enum):
    """What workers are."""

    THREADS = "threads"
    FORKED = "forked processes"
    STARTED = "started processes"


def best_kind(*, worth: bool, python: bool) -> Kind:
    """Return what should work: forked processes where they are safe, else started ones or threads.

    ``worth`` says that there is enough work for processes, ``python`` that most of it is Python, in which threads wait
    for each other. Threads decode, distort and prepare photos side by side: stress tests of 24 photos took 20.4 s with
    forked processes, 21.2 s with threads and 29.5 s with started ones.
    """
    if not worth:
        return Kind.THREADS
    if can_fork():
        return Kind.FORKED
    return Kind.STARTED if python else Kind.THREADS


def in_order(
    work: Work[Chunk, Result_co], chunks: Iterable[Chunk], jobs: int, *, kind: Kind, stop: Flag
) -> Generator[Result_co]:
    """Yield the results of ``work`` for all chunks, in order.

    Meanwhile ``jobs`` workers do the next chunks. Chunks and results of processes are pickled. A chunk on which a
    process died gives a result for each of its parts. Work that cannot be pickled for started processes is done by
    threads. Raises what ``work`` raises, and WorkerError where no process can be forked. In every case ``stop`` is set
    at the end, and no worker is left.
    """
    if kind is Kind.THREADS:
        return _from_threads(work, chunks, jobs, stop)
    return _from_processes(work, chunks, jobs, stop, start=kind is Kind.STARTED)


def _from_threads(work: Work[Chunk, Result_co], chunks: Iterable[Chunk], jobs: int, stop: Flag) -> Generator[Result_co]:
    # A queue of futures in the order of the chunks. One more chunk is submitted for each result that is consumed, so
    # memory holds `jobs * AHEAD` results at most, however many chunks there are.
    remaining: Iterator[Chunk] = iter(chunks)
    waiting: deque[Future[Result_co]] = deque()
    threads = ThreadPoolExecutor(jobs, "batch-eval")
    try:
        waiting.extend(threads.submit(work, chunk) for chunk in islice(remaining, jobs * AHEAD))
        while waiting:
            yield waiting.popleft().result()
            waiting.extend(threads.submit(work, chunk) for chunk in islice(remaining, 1))
    finally:
        stop.set()
        threads.shutdown(cancel_futures=True)


def _from_processes(
    work: Work[Chunk, Result_co], chunks: Iterable[Chunk], jobs: int, stop: Flag, *, start: bool
) -> Generator[Result_co]:
    from batch_eval.engines.processes import Processes  # its import takes 13 ms, which a short run does not need

    pickled = _pickled(work) if start else None
    pool = Processes(work, pickled)
    try:
        if start and (pickled is None or not pool.begin(jobs)):
            yield from _from_threads(work, chunks, jobs, stop)
        else:
            yield from pool.results(chunks, jobs)
    finally:
        stop.set()
        pool.end()


class _Limited(io.BytesIO):
    """A buffer that raises MemoryError beyond ``MAX_PICKLED``."""

    def write(self, data: Any, /) -> int:
        """Add some bytes."""
        if self.tell() + len(data) > MAX_PICKLED:
            raise MemoryError
        return super().write(data)


def _pickled(work: Work[Any, Any]) -> bytes | None:
    """Return the work as bytes for a started process; None if it cannot be one, or cannot be started."""
    if os.name != "posix" or not sys.executable or getattr(sys, "frozen", False):
        return None
    content = _Limited()
    try:
        pickle.dump(work, content, pickle.HIGHEST_PROTOCOL)
    except (pickle.PicklingError, TypeError, AttributeError, MemoryError):  # as open files and local functions raise
        return None
    return content.getvalue()
