"""Workers that share the chunks of a run: processes where that is safe, threads elsewhere.

Python runs one thread at a time, so two threads are hardly faster than one where the work is not one long call of a
library. Processes do not wait for each other. They are copies of this one (fork): the opened model is there at once,
and its memory is shared.
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
"""Chunks for each worker that may be in progress or finished ahead of the one whose turn it is."""

SEMAPHORES = "/dev/shm"  # noqa: S108 - only looked at
"""Where Linux keeps what a pool of processes counts with; sandboxes lack it, or forbid to write there."""

Chunk = TypeVar("Chunk")
Result = TypeVar("Result")


def in_order(
    work: Callable[[Chunk], Result], chunks: Iterable[Chunk], jobs: int, *, processes: bool, stop: Flag
) -> Generator[Result]:
    """Yield what ``work`` makes of each chunk, in order, while ``jobs`` workers are busy with the next ones.

    With ``processes``, the workers are copies of this process as it is now; chunks and results are pickled. Raises what
    ``work`` raises, and WorkerError where a process was killed. However it ends, no worker is left; ``stop`` is set
    then, so that the ``work`` in progress, of which nobody will see the result, can end soon.
    """
    remaining: Iterator[Chunk] = iter(chunks)
    waiting: deque[Future[Result]] = deque()
    pool: Executor
    pool, call = (_copies(work, jobs), _in_copy) if processes else (ThreadPoolExecutor(jobs, "batch-eval"), work)
    try:
        with _ctrl_c_held_back() if processes else nullcontext():  # for good in the copies, which are made here
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
        pool.shutdown(cancel_futures=True)  # and wait: Python, ending meanwhile, would write to a pipe being closed


class Flag:
    """A mark that this process sets and that its threads and copies see."""

    def __init__(self) -> None:
        self._byte = mmap.mmap(-1, 1)

    def set(self) -> None:
        """Set it, for good."""
        self._byte[0] = 1

    def __bool__(self) -> bool:
        """Say whether it was set."""
        return self._byte[0] == 1


def can_copy() -> bool:
    """Say whether copies of this process can work: of its threads, only the one that copies it lives on there."""
    try:
        return len(os.listdir("/proc/self/task")) == 1 and os.access(SEMAPHORES, os.W_OK)
    except OSError:  # this is no Linux
        return False


_work: Callable[[Any], Any]
"""In a copy: its work."""


def _copies(work: Callable[[Any], Any], jobs: int) -> Executor:
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    return ProcessPoolExecutor(jobs, multiprocessing.get_context("fork"), _begin_copy, (work,))


@contextmanager
def _ctrl_c_held_back() -> Iterator[None]:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin_copy(work: Callable[[Any], Any]) -> None:
    """Remember the work, which cannot be handed over but is there in a copy; end when the original does."""
    global _work  # noqa: PLW0603 - the process has no other place
    _work = work
    gc.freeze()  # looking for garbage in what is shared would copy it
    threading.Thread(target=_end_with_original, daemon=True).start()


def _end_with_original() -> None:
    import multiprocessing

    original = multiprocessing.parent_process()
    if original:
        original.join()
        os._exit(1)


def _in_copy(chunk: Any) -> Any:
    return _work(chunk)
