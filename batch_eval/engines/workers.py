"""Workers that share the chunks of a run: processes where that is safe, threads elsewhere.

Small images are mostly Python work. The GIL lets one thread at a time run Python. Processes do not wait for each
other. They are forked: each has the opened model at once and shares its memory.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from enum import Enum
from itertools import islice

from batch_eval.engines.work import AHEAD, Chunk, Flag, Result_co, Work


class Kind(Enum):
    """What workers are."""

    THREADS = "threads"
    FORKED = "forked processes"


def can_fork() -> bool:
    """Whether forking is safe."""
    # Only the forking thread lives on in the child, so there must be no other. Linux lists them in /proc.
    try:
        return len(os.listdir("/proc/self/task")) == 1
    except OSError:  # not Linux
        return False


def in_order(
    work: Work[Chunk, Result_co], chunks: Iterable[Chunk], jobs: int, *, kind: Kind, stop: Flag
) -> Generator[Result_co]:
    """Yield the results of ``work`` for all chunks, in order.

    Meanwhile ``jobs`` workers do the next chunks. Chunks and results of processes are pickled. A chunk on which a
    process died gives a result for each of its parts. Raises what ``work`` raises, and WorkerError where no process
    can be started. In every case ``stop`` is set at the end, and no worker is left.
    """
    return (_from_threads if kind is Kind.THREADS else _from_processes)(work, chunks, jobs, stop)


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
    work: Work[Chunk, Result_co], chunks: Iterable[Chunk], jobs: int, stop: Flag
) -> Generator[Result_co]:
    from batch_eval.engines.processes import Processes  # its import takes 13 ms, which a short run does not need

    pool = Processes(work)
    try:
        yield from pool.results(chunks, jobs)
    finally:
        stop.set()
        pool.end()
