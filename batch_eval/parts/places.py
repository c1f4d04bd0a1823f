"""Where the files of parts are: in a folder, or under a prefix of a bucket."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Protocol, TypeVar

from batch_eval.dataset.sources.stores import (
    address_of,
    check_no_server,
    check_takes,
    names_under,
    write_object,
)
from batch_eval.errors import UnreadableImageError
from batch_eval.forking import apart
from batch_eval.publishing import check_writable, remove_unfinished, whole_file
from batch_eval.wording import printable

ROWS, PICTURES, LEDGER = ".rows.parquet", ".pictures.parquet", ".json"
"""Endings of the files of a part."""
PATTERN = f"part-*{LEDGER}"
AT_ONCE = 16
"""Parts that are read at once: a bucket takes its time to answer."""
Item = TypeVar("Item")
Result = TypeVar("Result")


class PartPlace(Protocol):
    """A place for parts. It is sent to other processes, so that it holds no connection and no secret."""

    def called(self, file: str = "") -> str:
        """Return what messages call the place, or a file in it."""

    def check(self) -> None:
        """Raise ReportError or StoreError where files cannot be written."""

    def clean(self) -> None:
        """Remove what killed runs left half written. Raises ReportError."""

    def ledgers(self) -> list[str]:
        """Return the names of the parts' JSON files, in order. Raises StoreError."""

    def read(self, file: str) -> bytes:
        """Return a file's bytes. Raises OSError, with the reason as its ``strerror``, or StoreError."""

    def write(self, file: str, data: bytes) -> None:
        """Write a file whole, or not at all. Raises ReportError or StoreError."""


@dataclass(frozen=True, slots=True)
class PartFolder:
    """A folder. A file is written under another name first, and renamed."""

    path: Path

    def called(self, file: str = "") -> str:
        """Return the path of a file, or the folder's."""
        return str(self.path / file)

    def check(self) -> None:
        """Raise ReportError where files cannot be written. The folder need not exist yet."""
        check_writable(self.path)

    def clean(self) -> None:
        """Remove the temporary files of processes that no longer live."""
        remove_unfinished(self.path)

    def ledgers(self) -> list[str]:
        """Return the names of the JSON files. A folder that does not exist has none."""
        return sorted(path.name for path in self.path.glob(PATTERN))

    def read(self, file: str) -> bytes:
        """Return a file's bytes."""
        return (self.path / file).read_bytes()

    def write(self, file: str, data: bytes) -> None:
        """Write a file, and wait until it is on the disk."""
        with whole_file(self.path / file) as opened:
            opened.write(data)


@dataclass(frozen=True, slots=True)
class PartBucket:
    """The objects under an address. A store shows an object when it has all of it, and not before."""

    address: str

    def called(self, file: str = "") -> str:
        """Return the address of a file, or of the prefix."""
        return printable(f"{self.address}/{file}" if file else self.address)

    def check(self) -> None:
        """Raise StoreError where the store takes no objects: a small one is written and deleted."""
        apart(check_takes, self.address)  # the store's library starts threads

    def clean(self) -> None:
        """Do nothing: a store has no half-written objects."""

    def ledgers(self) -> list[str]:
        """Return the names of the JSON files."""
        return sorted(name for name in names_under(self.address) if fnmatchcase(name, PATTERN))

    def read(self, file: str) -> bytes:
        """Return an object's bytes."""
        from batch_eval.dataset.sources.objects import Objects

        try:
            return Objects(self.address, (), (), {}).request(file)
        except UnreadableImageError as error:
            raise OSError(errno.EIO, str(error)) from error

    def write(self, file: str, data: bytes) -> None:
        """Write an object. It replaces one of this name."""
        write_object(self.address, file, data)


def place_of(path: Path) -> PartPlace:
    """Return the place for parts that a user names. Raises ConfigError for a web server."""
    address = address_of(path)
    if address is None:
        return PartFolder(path)
    check_no_server(address, "parts")
    return PartBucket(address)


def named_parts(path: Path) -> list[tuple[PartPlace, str]]:
    """Return the JSON files that a user names: those of a place, or a single one. Each has its place.

    Raises ConfigError for a web server, StoreError for a bucket that refuses.
    """
    single = fnmatchcase(path.name, PATTERN) if address_of(path) else not path.is_dir()
    if single:
        return [(place_of(path.parent), path.name)]
    place = place_of(path)
    return [(place, name) for name in place.ledgers()]


def each(read: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
    """Return what ``read`` returns for each item, in their order. Several are read at once; raises what it raises."""
    with ThreadPoolExecutor(AT_ONCE, "batch-eval-parts") as threads:
        return list(threads.map(read, items))
