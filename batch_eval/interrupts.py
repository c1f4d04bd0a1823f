"""End the process soon after Ctrl-C, whatever native code is running.

Python calls a signal's handler between two of its own instructions: never while a decoder or a model computes. But it
writes the signal's number into a pipe at once. A thread waits there. Where the process still lives after a moment, it
ends it.
"""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import threading
import time
from collections.abc import Callable

GRACE_SECONDS = 1.2
"""Time in which the program may end by itself. Ctrl-C should take two seconds at most."""
_ANSWERED = 0
"""Stands in the pipe for no signal."""

_folders: set[str] = set()
"""Folders that no process should leave behind."""
_pipe: int | None = None
"""The end of the pipe that is written to, once signals are watched."""


def watch(end: Callable[[int], object], numbers: frozenset[int]) -> None:
    """Call ``end`` with the signal's number where the process lives on after one of these signals.

    Call this in the main thread. ``end`` is called in another one, and must end the process. Windows has no such pipe:
    nothing is watched there.
    """
    global _pipe
    if os.name == "nt" or not numbers:
        return
    read_end, _pipe = os.pipe()
    os.set_blocking(_pipe, False)
    signal.set_wakeup_fd(_pipe, warn_on_full_buffer=False)
    threading.Thread(target=_wait, args=(read_end, end, numbers), name="signals", daemon=True).start()


def watching() -> bool:
    """Whether there is a thread that watches. It only waits, so it holds no lock that a forked process needs."""
    return _pipe is not None


def answered() -> None:
    """Say that the last signal is not to end the process: it saves something first."""
    if _pipe is not None:
        with contextlib.suppress(BlockingIOError):  # full of signals
            os.write(_pipe, bytes([_ANSWERED]))


def forget() -> None:
    """Leave signals and folders to the process that this one was forked from."""
    global _pipe  # noqa: PLW0603 - signals are the process's
    if _pipe is not None:
        signal.set_wakeup_fd(-1)
        _pipe = None
    _folders.clear()


def keep_track(folder: str) -> None:
    """Let `discard` remove a folder."""
    _folders.add(folder)


def lose_track(folder: str) -> None:
    """Let a folder stay, or be removed by others."""
    _folders.discard(folder)


def discard() -> None:
    """Remove half-written files, for a process that is about to end at once."""
    for folder in tuple(_folders):
        shutil.rmtree(folder, ignore_errors=True)


def _wait(read_end: int, end: Callable[[int], object], numbers: frozenset[int]) -> None:
    """Wait for signals, and for the process to end after the first."""
    number, due = 0, 0.0
    while True:
        left = max(0.0, due - time.monotonic()) if number else None
        if not select.select([read_end], [], [], left)[0]:
            end(number)
            return
        came = os.read(read_end, 1)[0]
        if came == _ANSWERED:
            number = 0
        elif came in numbers and not number:  # a second Ctrl-C gives no further time
            number, due = came, time.monotonic() + GRACE_SECONDS
