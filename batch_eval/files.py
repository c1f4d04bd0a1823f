"""Read whole files, up to a size that memory holds."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from batch_eval.errors import UnreadableImageError

MAX_IMAGE_MB = 1_000
"""Megabytes of the largest image file. 200 megapixels of uncompressed colour take 600 to 800."""
LFS_POINTER = b"version https://git-lfs.github.com/spec/"
"""First bytes of a file that stands for one that Git LFS has not fetched yet."""
_BLOCK = 1 << 20
"""Bytes that are read at once from a pipe, whose size is unknown."""
_FLAGS = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)  # else a FIFO without a writer waits


def read(path: str) -> bytes:
    """Return an image file's bytes; raise UnreadableImageError if it cannot be read."""
    try:
        data = read_whole(path, MAX_IMAGE_MB)
    except OSError as error:
        raise UnreadableImageError(f"the file cannot be read: {error.strerror}") from error
    if data.startswith(LFS_POINTER):
        raise UnreadableImageError("a Git LFS pointer, not the image: fetch it with `git lfs pull`")
    return data


def read_whole(path: str | Path, max_mb: int) -> bytes:
    """Return the bytes of a file or pipe.

    Raises OSError, also for a larger file, a folder or a device.
    """
    descriptor = os.open(path, _FLAGS)
    try:
        return _read(descriptor, max_mb)
    finally:
        os.close(descriptor)


def _read(descriptor: int, max_mb: int) -> bytes:
    state, most = os.fstat(descriptor), max_mb * 1_000_000
    if state.st_size > most:  # a sparse file says so before anything is allocated
        raise OSError(errno.EFBIG, f"it has {state.st_size // 1_000_000:,} MB, and the limit is {max_mb:,} MB")
    if stat.S_ISREG(state.st_mode):
        data = os.read(descriptor, state.st_size)
        # one call reads most files whole; some report 0 bytes, as those in /proc do, and some are read in parts
        if len(data) == state.st_size > 0:
            return data
        return data + _rest(descriptor, most - len(data), max_mb)
    if stat.S_ISDIR(state.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not stat.S_ISFIFO(state.st_mode):
        raise OSError(errno.EINVAL, "it is no file but a device")
    os.set_blocking(descriptor, True)
    return _rest(descriptor, most, max_mb)


def _rest(descriptor: int, most: int, max_mb: int) -> bytes:
    """Return what is left to read."""
    parts = []
    while part := os.read(descriptor, _BLOCK):
        parts.append(part)
        most -= len(part)
        if most < 0:
            raise OSError(errno.EFBIG, f"it has more than {max_mb:,} MB, which is the limit")
    return b"".join(parts)
