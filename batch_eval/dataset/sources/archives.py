"""Folders within a `.zip` or `.tar` file. Nothing is ever written to a path that an archive names."""

from __future__ import annotations

import io
import lzma
import os
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from batch_eval.dataset.labels.reading import Reading
from batch_eval.dataset.names import is_image, is_junk, natural_key, suffix
from batch_eval.dataset.sources.access import Shared, View
from batch_eval.dataset.sources.core import SetFile
from batch_eval.dataset.sources.limits import HARMLESS, TIGHTEST, is_bomb
from batch_eval.dataset.sources.signatures import LENGTH, is_image_data
from batch_eval.errors import DatasetError, UnreadableImageError
from batch_eval.wording import listing, printable

LARGEST = 256 << 20
"""Bytes that one file of an archive may have."""

Member = Callable[[int], bytes]
"""Returns at most so many bytes of a file in an archive. Raises what its library raises."""

_DAMAGE = (OSError, EOFError, ValueError, zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError)


@dataclass(frozen=True, slots=True)
class _Entry:
    """A file in an archive: how it is read, and how long it says that it is."""

    read: Member
    size: int
    problem: str = ""


class Archive:
    """The files of an archive, as paths in it."""

    labels: Reading | None = None

    def __init__(self, path: Path, entries: Mapping[str, _Entry], notes: Iterable[str] = ()) -> None:
        self._path = path
        self._entries = entries
        # Where a suffix does not tell, the first bytes do.
        unclear = [name for name in entries if not is_image(name) and not suffix(name)[1:].isalpha()]
        images = {name for name in entries if is_image(name)} | {
            name for name in unclear if self._looks_like_image(name)
        }
        self.images: Sequence[str] = sorted(images, key=natural_key)
        self.others: Sequence[str] = sorted(entries.keys() - images, key=natural_key)
        self.notes = tuple(notes)

    @property
    def name(self) -> str:
        """The archive's file name."""
        return self._path.name

    @property
    def roots(self) -> tuple[str, ...]:
        """The archive's path, with and without its suffixes, as if it were a folder."""
        folder, name = os.path.split(os.path.abspath(self._path))
        return os.path.join(folder, name), os.path.join(folder, name.partition(".")[0])

    def read(self, file: str) -> bytes:
        """Return a file's bytes. Raises UnreadableImageError with the reason."""
        entry = self._entries[file]
        if entry.problem:
            raise UnreadableImageError(entry.problem)
        try:
            data = entry.read(entry.size)
        except NotImplementedError as error:
            raise UnreadableImageError(f"packed in a way that is not read: {error}") from error
        except _DAMAGE as error:
            raise UnreadableImageError(f"the archive is damaged here: {error}") from error
        if len(data) < entry.size:
            raise UnreadableImageError("the archive ends early, or is damaged here")
        return data

    def read_other(self, path: str) -> bytes:
        """Return a file's bytes. Raises UnreadableImageError with the reason."""
        return self.read(path)

    def size(self, file: str) -> int:
        """Return the length that the archive says a file has."""
        return self._entries[file].size

    def _looks_like_image(self, name: str) -> bool:
        entry = self._entries[name]
        try:
            return not entry.problem and is_image_data(entry.read(min(entry.size, LENGTH)))
        except (NotImplementedError, *_DAMAGE):  # no image then, and reading it says why
            return False


def open_zip(path: Path) -> Archive:
    """Return the files of a `.zip`. Raises DatasetError if it is none."""
    try:
        archive = zipfile.ZipFile(io.BufferedReader(View(Shared.of(path))))
    except _DAMAGE as error:
        raise _damaged(path, error) from error
    entries: dict[str, _Entry] = {}
    repeated = []
    for info in archive.infolist():
        name = _plain(_zip_name(info))
        if not info.is_dir() and _is_wanted(name):
            if name in entries:
                repeated.append(name)
            entries[name] = _Entry(_from_zip(archive, info), info.file_size, _zip_problem(info))
    notes = [f"Twice in {printable(path.name)}, of which the last counts: {listing(repeated)}."] if repeated else []
    return Archive(path, entries, notes)


def _from_zip(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Member:
    def read(length: int) -> bytes:
        with archive.open(info) as file:
            return file.read(length)

    return read


def _zip_problem(info: zipfile.ZipInfo) -> str:
    """Return why a file in a zip is not read. Return nothing if it is."""
    if info.flag_bits & 1:
        return "it is encrypted"
    if info.file_size > LARGEST or is_bomb(info.compress_size, info.file_size):
        return f"it says that it unpacks to {info.file_size:,} bytes, more than an image has"
    return ""


def _zip_name(info: zipfile.ZipInfo) -> str:
    """Return a file's name. Many programs write UTF-8 without saying so."""
    # The flag says UTF-8. Without it, zipfile has decoded the name as cp437.
    if info.flag_bits & 0x800 or info.filename.isascii():
        return info.filename
    return info.filename.encode("cp437", "replace").decode("utf-8", "surrogateescape")


def open_tar(path: Path) -> Archive:
    """Return the files of a `.tar`, which may be packed with gzip, bzip2 or xz. Raises DatasetError if it is none.

    A packed one goes to a temporary file without a name. Its images can then be read in any order.
    """
    entries: dict[str, _Entry] = {}
    try:
        shared = _unpacked(path)
        with tarfile.open(fileobj=View(shared), mode="r:") as archive:
            for info in archive:
                name = _plain(info.name)
                # Of a sparse file, the holes are not stored: its bytes cannot be read from one offset on.
                if info.isreg() and not info.issparse() and _is_wanted(name):
                    too_large = f"it says that it has {info.size:,} bytes, more than an image has"
                    problem = too_large if info.size > LARGEST else ""
                    entries[name] = _Entry(_from_shared(shared, info.offset_data), info.size, problem)
    except _DAMAGE as error:
        raise _damaged(path, error) from error
    return Archive(path, entries)


def _from_shared(shared: Shared, offset: int) -> Member:
    return lambda length: shared.read(offset, length)


def _unpacked(path: Path) -> Shared:
    """Return an open tar file as it is, or unpacked. Raises DatasetError for a bomb."""
    import bz2
    import gzip

    openers: dict[bytes, Any] = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ": lzma.open}
    shared = Shared.of(path)
    start = shared.read(0, 6)
    opener = next((opener for mark, opener in openers.items() if start.startswith(mark)), None)
    if opener is None:
        return shared
    # gzip cannot be read from the middle, and images are read in any order, by several workers.
    with opener(path) as packed, tempfile.TemporaryFile() as unpacked:
        while part := packed.read(1 << 20):
            unpacked.write(part)
            if is_bomb(shared.length, unpacked.tell()):
                raise DatasetError(
                    f"{printable(str(path))} unpacks to more than {TIGHTEST} times its size. No set of images does."
                )
        unpacked.flush()
        # The temporary file lives on through this descriptor.
        return Shared(os.dup(unpacked.fileno()))


def unpacked(file: SetFile) -> bytes:
    """Return the bytes that a file holds packed with gzip. Raises DatasetError if they are damaged or far too many."""
    raw = file.read()
    unpacker = zlib.decompressobj(wbits=31)
    try:
        data = unpacker.decompress(raw, max(HARMLESS, TIGHTEST * len(raw)))
    except zlib.error as error:
        raise DatasetError(f"{printable(file.name)} is damaged: {error}. Copy or download it again.") from error
    if not unpacker.eof:
        raise DatasetError(f"{printable(file.name)} ends early, or unpacks to more than {TIGHTEST} times its size.")
    return data


def _plain(name: str) -> str:
    """Return a name in an archive as a path within it, whatever it begins with."""
    # Nothing is written to these paths. Without "..", ids stay within the archive too.
    parts = name.replace("\\", "/").split("/")
    return "/".join(part for part in parts if part not in ("", ".", ".."))


def _is_wanted(name: str) -> bool:
    return not any(map(is_junk, name.split("/")))


def _damaged(path: Path, error: Exception) -> DatasetError:
    return DatasetError(f"{printable(str(path))} is no archive, or a damaged one: {error}. Copy or download it again.")
