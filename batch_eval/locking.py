"""Advisory locks that end with the process that holds them, however it ends.

The library `filelock` imports asyncio, which takes a tenth of a short run's time. It also leaves a file behind.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows cannot lock folders: two runs into one are not kept apart there
    fcntl = None  # type: ignore[assignment]


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder; waits for another process that holds it."""
    descriptor = _open(folder)
    try:
        if descriptor is not None:
            _lock(descriptor, wait=True)
        yield
    finally:
        if descriptor is not None:
            os.close(descriptor)


def is_locked(folder: Path) -> bool:
    """Whether a living process holds the lock of a folder.

    True where the system cannot tell.
    """
    try:
        descriptor = _open(folder)
    except FileNotFoundError:  # its owner has just removed it
        return False
    if descriptor is None:
        return True
    try:
        return not _lock(descriptor, wait=False)
    finally:
        os.close(descriptor)  # which gives the lock back, if it was taken


def _open(folder: Path) -> int | None:
    return None if fcntl is None else os.open(folder, os.O_RDONLY)


def _lock(descriptor: int, *, wait: bool) -> bool:
    """Return whether the lock was taken. Some network file systems have no locks: there it is not."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError:
        return False
    return True
