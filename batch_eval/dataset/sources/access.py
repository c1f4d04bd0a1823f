"""Read parts of one open file from threads and forked processes alike."""

from __future__ import annotations

import io
import os
import threading
import weakref
from pathlib import Path


class Shared:
    """An open file. Any part of it can be read at any time, whoever else reads it.

    It is closed when nobody uses it any more.
    """

    def __init__(self, descriptor: int) -> None:
        """Take over an open file by its descriptor."""
        self._descriptor = descriptor
        self._lock = threading.Lock()
        self.length = os.lseek(descriptor, 0, os.SEEK_END)
        weakref.finalize(self, os.close, descriptor)

    @classmethod
    def of(cls, path: Path) -> Shared:
        """Open a file of the disk; raises OSError."""
        return cls(os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0)))

    def read(self, offset: int, length: int) -> bytes:
        """Return the bytes from an offset on; fewer where the file ends before."""
        # It does not move the place in the file, which threads and forked processes share.
        if hasattr(os, "pread"):
            return os.pread(self._descriptor, length, offset)
        with self._lock:  # Windows, where no process is forked
            os.lseek(self._descriptor, offset, os.SEEK_SET)
            return os.read(self._descriptor, length)


class View(io.RawIOBase):
    """A file object over a shared file, with a place of its own."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._position = 0

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Read into a buffer; return the number of bytes."""
        data = self._shared.read(self._position, len(buffer))
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move, and return the new place."""
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._shared.length}[whence]
        self._position = max(0, start + offset)
        return self._position

    def tell(self) -> int:
        """Return the place."""
        return self._position
