"""Files of images from the disk."""

from __future__ import annotations

from batch_eval.errors import UnreadableImageError

LFS_POINTER = b"version https://git-lfs.github.com/spec/"
"""Begins the file that stands for a large one that Git LFS has not fetched yet."""


def read(path: str) -> bytes:
    """Return a file's bytes; a file that cannot be read is an unreadable image."""
    try:
        with open(path, "rb", buffering=0) as file:  # of small files a buffer takes longer than the reading
            data = file.read()
    except OSError as error:
        raise UnreadableImageError(f"the file cannot be read: {error.strerror}") from error
    if data.startswith(LFS_POINTER):
        raise UnreadableImageError("a Git LFS pointer, not the image: fetch it with `git lfs pull`")
    return data
