"""stdout and stderr that never stop the work.

A message that cannot be written is dropped. A closed pipe or a full disk must not end an evaluation. Nor must it change
what a gate decides. It is different with a document that the user asked for on stdout: `to_stdout` reports its loss.
"""

from __future__ import annotations

import errno
import io
import os
import select
import sys
from typing import Any, BinaryIO, cast

from batch_eval.errors import ReportError


class LenientOutput(io.RawIOBase):
    """A raw stream that keeps the first error of writing, and raises none.

    It drops what follows the error.
    """

    def __init__(self, raw: Any) -> None:
        self._raw = raw
        self.error: OSError | None = None

    def writable(self) -> bool:
        """Return True: this stream is only written to."""
        return True

    def fileno(self) -> int:
        """Return the file descriptor."""
        descriptor: int = self._raw.fileno()
        return descriptor

    def isatty(self) -> bool:
        """Whether the stream is a terminal."""
        return bool(self._raw.isatty())

    def write(self, data: Any, /) -> int:
        """Write all or nothing of the bytes, and return their number."""
        rest = memoryview(data).cast("B")
        size = len(rest)
        while len(rest) and self.error is None:
            try:
                written = self._raw.write(rest)
            except OSError as error:
                self.error = error
                break
            if written is None:  # a pipe that its parent made non-blocking is full: wait for its reader
                select.select([], [self], [])
            rest = rest[written or 0 :]
        return size


def make_lenient() -> None:
    """Let stdout and stderr drop what cannot be written.

    Characters that they cannot encode are escaped.
    """
    _occupy_standard_descriptors()
    for name, descriptor in (("stdout", 1), ("stderr", 2)):
        stream: Any = getattr(sys, name)
        if stream is None:  # a parent closed it; the null device stands there now
            stream = open(descriptor, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 - kept open
            setattr(sys, f"__{name}__", stream)  # as Python does; else it would be closed when it is collected
        if isinstance(stream, io.TextIOWrapper):
            setattr(sys, name, _wrapped(stream))


def _occupy_standard_descriptors() -> None:
    """Open the null device on closed descriptors among 0, 1 and 2."""
    # The system gives the lowest free number. Without this, the next file would get it, and stray messages with it.
    descriptor = os.open(os.devnull, os.O_RDWR)
    while descriptor <= 2:
        descriptor = os.open(os.devnull, os.O_RDWR)
    os.close(descriptor)


def _wrapped(stream: io.TextIOWrapper) -> io.TextIOWrapper:
    buffer: Any = stream.buffer
    # With python -u or PYTHONUNBUFFERED there is only the raw stream, and every message is written at once.
    is_buffered = hasattr(buffer, "raw")
    lenient = LenientOutput(buffer.raw if is_buffered else buffer)
    # documents are written as bytes; only messages need the escapes
    return io.TextIOWrapper(
        io.BufferedWriter(lenient) if is_buffered else cast(BinaryIO, lenient),
        encoding=stream.encoding,
        errors="backslashreplace",
        newline="\n" if os.name != "nt" else None,
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )


def to_stdout(document: bytes) -> bool:
    """Write a document to stdout as it is; return and raise as `stdout_is_read`."""
    # first what was printed before, which waits in the text stream
    sys.stdout.flush()
    sys.stdout.buffer.write(document)
    return stdout_is_read()


def stdout_is_read() -> bool:
    """Flush stdout, and return whether somebody still reads it. With `head` nobody does at some point: no error.

    Raises ReportError where stdout could not take what was written, as on a full disk.
    """
    sys.stdout.flush()
    raw = getattr(sys.stdout.buffer, "raw", sys.stdout.buffer)
    error = raw.error if isinstance(raw, LenientOutput) else None
    if error is None:
        return True
    if error.errno in (errno.EPIPE, errno.EINVAL):  # Windows says EINVAL
        return False
    raise ReportError(
        f"cannot write to stdout: {error.strerror or error}. Check that its disk has space, or name a file with --out."
    )
