"""Workers that share the chunks of a run: processes where that is safe, threads elsewhere.

Small images are mostly Python work. The GIL lets one thread at a time run Python. Processes do not wait for each
other. They are forked: each has the opened model at once and shares its memory.
"""

from __future__ import annotations

import gc
import mmap
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from itertools import islice
from typing import Any, TypeVar

from batch_eval.errors import WorkerError

AHEAD = 4
"""Chunks per worker that may be in progress or finished before they are consumed."""

SEMAPHORES = "/dev/shm"  # noqa: S108 - only looked at
"""Where Linux keeps the semaphores of a process pool. Some sandboxes lack it or forbid writing."""

Chunk = TypeVar("Chunk")
Result = TypeVar("Result")


def in_order(
    work: Callable[[Chunk], Result], chunks: Iterable[Chunk], jobs: int, *, processes: bool, stop: Flag
) -> Generator[Result]:
    """Yield the result of ``work`` for each chunk, in order.

    Meanwhile ``jobs`` workers do the next chunks. With ``processes``, workers are forked from this process. Chunks and
    results are pickled. Raises what ``work`` raises, and WorkerError where a process was killed. In every case ``stop``
    is set at the end, and no worker is left.
    """
    # A queue of futures in the order of the chunks. One more chunk is submitted for each result that is consumed, so
    # memory holds `jobs * AHEAD` results at most, however many chunks there are.
    remaining: Iterator[Chunk] = iter(chunks)
    waiting: deque[Future[Result]] = deque()
    pool: Executor
    pool, call = (_fork_pool(work, jobs), _run_work) if processes else (ThreadPoolExecutor(jobs, "batch-eval"), work)
    try:
        with _sigint_blocked() if processes else nullcontext():  # workers are forked here and keep it blocked
            waiting.extend(pool.submit(call, chunk) for chunk in islice(remaining, jobs * AHEAD))
        while waiting:
            yield waiting.popleft().result()
            waiting.extend(pool.submit(call, chunk) for chunk in islice(remaining, 1))
    except BrokenExecutor as error:
        raise WorkerError(
            "a worker process was killed, perhaps because memory ran out. Run again with fewer --jobs."
        ) from error
    finally:
        stop.set()
        pool.shutdown(cancel_futures=True)  # and wait, or Python would write to a closing pipe as it exits


class Flag:
    """A flag in shared memory that all threads and forked processes see."""

    def __init__(self) -> None:
        self._byte = mmap.mmap(-1, 1)

    def set(self) -> None:
        """Set the flag; it cannot be cleared."""
        self._byte[0] = 1

    def __bool__(self) -> bool:
        """Whether the flag was set."""
        return self._byte[0] == 1


def can_fork() -> bool:
    """Whether forking is safe."""
    # Only the forking thread lives on in the child, so there must be no other. Linux lists them in /proc.
    try:
        return len(os.listdir("/proc/self/task")) == 1 and os.access(SEMAPHORES, os.W_OK)
    except OSError:  # not Linux
        return False


_work: Callable[[Any], Any]
"""In a forked worker: its work."""


def _fork_pool(work: Callable[[Any], Any], jobs: int) -> Executor:
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    # fork, not spawn: a spawned worker would import everything and open the model again
    return ProcessPoolExecutor(jobs, multiprocessing.get_context("fork"), _start_worker, (work,))


@contextmanager
def _sigint_blocked() -> Iterator[None]:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _start_worker(work: Callable[[Any], Any]) -> None:
    """Keep the work, which cannot be pickled but is inherited. End when the parent ends."""
    global _work  # noqa: PLW0603 - the process has no other place
    _work = work
    gc.freeze()  # a collection would write to shared pages and so copy them
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    # A worker whose parent was killed would wait for chunks for ever. join() returns when the parent is gone.
    import multiprocessing

    parent = multiprocessing.parent_process()
    if parent:
        parent.join()
        os._exit(1)  # sys.exit would end this thread only


def _run_work(chunk: Any) -> Any:
    return _work(chunk)
