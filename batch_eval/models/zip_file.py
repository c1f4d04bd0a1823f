"""Read a zip archive that holds nothing but its members.

Programs differ in where they look for an archive: at a file's beginning, or at its end. So a file can be one model to
one program, and another model to the next. Here every byte of the file must belong to one of the members listed.
"""

from __future__ import annotations

import io
import struct
import zipfile
from itertools import pairwise

from batch_eval.errors import ModelError

SIGNATURE = b"PK\x03\x04"
_LOCAL_HEADER = 30
"""Bytes before a member's name. https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT, 4.3.7"""
_END = 22
"""Bytes of the record at the end of the archive, 4.3.16."""
_DESCRIPTORS = (0, 12, 16, 20, 24)
"""Bytes that may follow a member: its sizes, where the writer learnt them late, 4.3.9."""
_MAX_RATIO = 100
"""Bytes that a byte of the archive may stand for. Deflate shrinks zeros 1032 times at most, weights hardly at all."""
_SMALL = 1 << 20
"""Bytes that a member may have whatever its ratio."""


class ZipFile:
    """The members of an archive in memory."""

    def __init__(self, data: bytes) -> None:
        self._archive = zipfile.ZipFile(io.BytesIO(data))
        self._members = {info.filename: info for info in self._archive.infolist()}
        if len(self._members) != len(self._archive.infolist()) or not _covered(self._archive.infolist(), data):
            raise ModelError(
                "The file is two files in one: a zip archive, and something before, between or after its members. "
                "Programs differ in what they read of it, so it is never opened. Save the model again."
            )

    @property
    def names(self) -> set[str]:
        """The names of the members."""
        return set(self._members)

    def read(self, name: str, limit: int) -> bytes:
        """Return a member of at most ``limit`` bytes; raises ModelError if it is larger."""
        info = self._members[name]
        size = info.file_size
        if size > limit or size > max(_MAX_RATIO * info.compress_size, _SMALL):
            raise ModelError(f"{name} declares {size:,} bytes, more than a model can have.")
        with self._archive.open(name) as stream:
            return stream.read(size)


def _covered(members: list[zipfile.ZipInfo], data: bytes) -> bool:
    """Return whether the members and the directory at the end follow one another from the first byte to the last."""
    members = sorted(members, key=lambda info: info.header_offset)
    directory_size, directory = struct.unpack("<II", data[-_END + 12 : -2])
    if data[-_END:][:4] != b"PK\x05\x06" or directory + directory_size + _END != len(data):
        return False
    starts = [0, *(info.header_offset for info in members[1:]), directory]
    if [info.header_offset for info in members[:1]] != [0]:
        return False
    return all(
        end - _length(info, data) - start in _DESCRIPTORS
        for info, (start, end) in zip(members, pairwise(starts), strict=True)
    )


def _length(info: zipfile.ZipInfo, data: bytes) -> int:
    """Return the bytes of a member with its header."""
    name, extra = struct.unpack_from("<HH", data, info.header_offset + 26)
    return int(_LOCAL_HEADER + name + extra + info.compress_size)
