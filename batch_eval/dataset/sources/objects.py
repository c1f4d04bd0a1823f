"""The objects of a bucket under a prefix, read as a folder's files: ``s3://``, ``gs://``, ``az://``, ``https://``."""

from __future__ import annotations

import io
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from batch_eval.dataset.labels.reading import Reading
from batch_eval.dataset.names import is_image, is_junk, natural_key
from batch_eval.dataset.sources.stores import REQUEST_SECONDS, refused, store
from batch_eval.errors import DatasetError, UnreadableImageError
from batch_eval.files import MAX_IMAGE_MB
from batch_eval.forking import apart
from batch_eval.wording import printable

if TYPE_CHECKING:
    from batch_eval.dataset.labels.tables import Table

RANGE = 4 << 20
"""Bytes of one request. A larger object is read in several, so that each keeps its limit of time on a slow line."""
AHEAD = 32
"""Objects that are requested ahead of decoding, for each worker.

Where an answer takes 20 ms, a worker gets 440 to 630 a second, and 38 to 65 one by one (benchmarks/objects.py)."""
AHEAD_BYTES = 8 << 20
"""Bytes of objects that are requested ahead. A slow line shares itself among them."""
_ARCHIVED = "<Code>InvalidObjectState</Code>"
"""In the answer for an object that lies in an archive such as Glacier."""


@dataclass(frozen=True, slots=True)
class Objects:
    """The objects under an address, by their paths relative to it, each list in natural order.

    It holds no store, which has the secret: each process makes its own.
    """

    address: str
    images: Sequence[str]
    others: Sequence[str]
    sizes: Mapping[str, int]
    notes: tuple[str, ...] = ()
    labels: Reading | None = None

    @property
    def name(self) -> str:
        """The last part of the address."""
        return self.address.rpartition("/")[2]

    @property
    def roots(self) -> tuple[str, ...]:
        """The address."""
        return (self.address,)

    def expect(self, files: Sequence[str]) -> None:
        """Request objects that this thread will read next, in this order, ahead of their reading."""
        before: _Window | None = getattr(_ahead, "window", None)
        _ahead.window = _Window(self, files, before.largest if before else 0)

    def read(self, file: str) -> bytes:
        """Return an object's bytes.

        Raises UnreadableImageError if this object is missing, too large or broken. Raises StoreError if the store
        refuses or does not answer.
        """
        window: _Window | None = getattr(_ahead, "window", None)
        requested = window.take(self, file) if window else None
        data = requested.result() if requested else self.request(file)
        if window:
            window.largest = max(window.largest, len(data))
        return data

    def request(self, file: str) -> bytes:
        """Return an object's bytes, requested now. Raises as `read` does."""
        size = self.size(file)
        if size > RANGE:
            return self._whole(file, size)
        answer = self._answer(partial(store(self.address).get, file))
        size = answer.meta["size"]
        if size > RANGE:
            del answer  # its body is not read
            return self._whole(file, size)
        return self._body(answer.bytes)

    def _whole(self, file: str, size: int) -> bytes:
        """Return the bytes of a large object."""
        if size > MAX_IMAGE_MB * 1_000_000:
            raise UnreadableImageError(f"the object has more than {MAX_IMAGE_MB:,} MB, which is the limit")
        return self.read_range(file, 0, size)

    def read_range(self, file: str, start: int, stop: int) -> bytes:
        """Return some of an object's bytes, requested in pieces. Raises as `read` does."""
        pieces = []
        for first in range(start, stop, RANGE):
            options = {"range": (first, min(first + RANGE, stop))}
            answer = self._answer(partial(store(self.address).get, file, options=options))
            pieces.append(self._body(answer.bytes))
        return b"".join(pieces)

    def length(self, file: str) -> int:
        """Return an object's length in bytes, asked now. Raises as `read` does."""
        return int(self._answer(partial(store(self.address).head, file))["size"])

    def _answer(self, ask: Callable[[], Any]) -> Any:
        """Return the beginning of the store's answer for an object."""
        from obstore.exceptions import BaseError, NotFoundError

        try:
            return ask()
        except (NotFoundError, FileNotFoundError) as error:
            # Some stores say the same of a missing object and of a missing bucket.
            if "<Code>NoSuchKey</Code>" not in str(error):
                check_bucket(self.address)
            raise UnreadableImageError("the object is not in the bucket") from error
        except (BaseError, OSError) as error:
            if _ARCHIVED in str(error):
                raise UnreadableImageError("the object is archived: restore it from there") from error
            raise refused(self.address, error) from error

    def _body(self, rest: Callable[[], Any]) -> bytes:
        """Return the body of an answer. The library has requested what was missing of it again."""
        from obstore.exceptions import BaseError

        before = time.monotonic()
        try:
            return bytes(rest())
        except (BaseError, OSError) as error:
            # The store answered, so that this object is broken, unless the store itself fails or waits.
            if "Server returned" in str(error) or time.monotonic() - before >= REQUEST_SECONDS - 1:
                raise refused(self.address, error) from error
            raise UnreadableImageError("the object's bytes end early") from error

    def read_other(self, path: str) -> bytes:
        """Return an object's bytes. Raises as `read` does."""
        return apart(self.request, path)

    def size(self, file: str) -> int:
        """Return an object's length in bytes as it was listed, 0 where it is not known."""
        return self.sizes.get(file, 0)


class ObjectFile(io.RawIOBase):
    """An object as a file: only the ranges that are read are requested. Reading raises as `Objects.read` does."""

    def __init__(self, address: str) -> None:
        folder, _, self._name = address.rpartition("/")
        self._source = Objects(folder, (), (), {})
        self._length = self._source.length(self._name)
        self._position = 0

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return the position, in bytes from the beginning."""
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move to a position and return it."""
        self._position = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._length}[whence]
        return self._position

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer from the position on, and return how many bytes there were."""
        data = self._source.read_range(self._name, self._position, min(self._position + len(buffer), self._length))
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)


_ahead = threading.local()
"""``window`` holds the objects that a thread has requested ahead."""


class _Window:
    """Objects that are requested before they are read, a bounded number and a bounded size.

    Large ones are not: they are requested when they are read. One whose size is not known counts as the largest so far.
    """

    def __init__(self, source: Objects, files: Sequence[str], largest: int = 0) -> None:
        self.largest = largest
        self._source = source
        self._files: Iterator[str] = iter(files)
        self._requested: deque[tuple[str, int, Future[bytes] | None]] = deque()
        self._bytes = 0
        self._fill()

    def take(self, source: Objects, file: str) -> Future[bytes] | None:
        """Return the request of an object. Return None if it was not requested."""
        if source is not self._source or not self._requested or self._requested[0][0] != file:
            return None
        _, size, request = self._requested.popleft()
        self._bytes -= size
        self._fill()
        return request

    def _fill(self) -> None:
        while len(self._requested) < AHEAD and self._bytes < AHEAD_BYTES:
            file = next(self._files, None)
            if file is None:
                return
            size = self._source.size(file) or self.largest
            request = None if size > RANGE else _threads(os.getpid()).submit(self._source.request, file)
            self._requested.append((file, size, request))
            self._bytes += size


@cache
def _threads(process: int) -> ThreadPoolExecutor:
    """Return the threads that wait for a process's requests."""
    del process
    return ThreadPoolExecutor(AHEAD, "batch-eval-objects")


def open_objects(address: str) -> Objects:
    """List the objects under an address. Listing also finds that a bucket is missing, which reading could not tell.

    Raises DatasetError if the bucket cannot be listed or holds no images there.
    """
    sizes = apart(_listed, address)
    paths = sorted(sizes, key=natural_key)
    images = [path for path in paths if is_image(path)]
    if not images:
        raise DatasetError(
            f"{printable(address)} holds no images ({len(paths):,} other objects). "
            "Expected png, jpg, webp, … under this prefix. Give another prefix, or download a set that is one file."
        )
    return Objects(address, images, [path for path in paths if not is_image(path)], sizes)


def one_object(address: str) -> Objects:
    """Return the one image at an address."""
    folder, _, name = address.rpartition("/")
    return Objects(folder, [name], [], {})


def objects_of_table(address: str, table: Table) -> Objects | None:
    """Return the images that a table names, relative to its own address. Return None if no column names any."""
    folder, _, name = address.rpartition("/")
    columns = [
        [path for cell in table.column(i) if is_image(path := cell.removeprefix(f"{folder}/")) and "://" not in path]
        for i in range(table.width)
    ]
    images = max(columns, key=len, default=[])
    return Objects(folder, list(dict.fromkeys(images)), [name], {}) if images else None


def indexed_objects(address: str, first: str) -> Objects:
    """Return the objects of a manifest, which names them. ``first`` is one of them.

    Raises DatasetError if the bucket is missing or refuses.
    """
    source = Objects(address, (), (), {})
    with suppress(UnreadableImageError):  # this one is broken, and the store has answered
        apart(source.request, first)
    return source


def check_bucket(address: str) -> None:
    """Raise StoreError if there is no bucket at an address. Servers without buckets are not asked."""
    from obstore.exceptions import BaseError

    if not address.startswith("http"):
        try:
            next(iter(store(address).list(chunk_size=1)), None)
        except (BaseError, OSError) as error:
            raise refused(address, error) from error


def _listed(address: str) -> dict[str, int]:
    """Return the paths and sizes of the objects, without what systems leave behind."""
    opened = store(address)
    from obstore.exceptions import BaseError

    try:
        found = {entry["path"]: entry["size"] for entries in opened.list() for entry in entries}
    except (BaseError, OSError) as error:
        if address.startswith("http"):
            raise DatasetError(
                f"{printable(address)} does not list its files, which takes WebDAV. Give the address of a table that "
                f"names them, such as {printable(address)}/labels.csv."
            ) from error
        raise refused(address, error) from error
    # of a server without buckets, the library names files from the server's root
    root = f"{urlsplit(address).path.strip('/')}/" if address.startswith("http") else ""
    found = {path.removeprefix(root): size for path, size in found.items()}
    return {path: size for path, size in found.items() if not any(map(is_junk, path.split("/")))}
