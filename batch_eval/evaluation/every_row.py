"""All rows of a large set, which are never in memory together: ``predictions.parquet``, group by group."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import RawIOBase
from pathlib import Path
from typing import Any, Protocol

from batch_eval.arrow import COMPRESSION, pyarrow
from batch_eval.errors import ConfigError

WHAT = "an evaluation of a large set"
ROWS_FILE = "predictions.parquet"
"""File beside ``evaluation.json``. It holds every row."""
PROVENANCE, SLICES = b"batch_eval", b"batch_eval_slices"
"""Keys of the file's metadata, which is JSON: the provenance, and the column of each slice."""
GROUP_ROWS = 100_000
"""Rows of a group in the file, about. Its footer describes each column of each group."""


class EveryRow(Protocol):
    """Where the rows of a large set are. They come as tables of pyarrow, a group of rows each."""

    @property
    def slices(self) -> Mapping[str, str]:
        """The column of each slice."""

    def tables(self, columns: Sequence[str] | None = None) -> Iterator[Any]:
        """Yield the rows in order, with some of the columns of ``predictions.parquet``, by default with all."""

    def pieces(self) -> Iterator[bytes]:
        """Yield the content of ``predictions.parquet``."""


@dataclass(frozen=True, eq=False)
class RowsFile:
    """The rows of a saved evaluation. Raises ConfigError where its file is missing, damaged or another one's."""

    path: Path
    provenance: Mapping[str, Any]
    """That of the evaluation, as JSON holds it."""

    @property
    def slices(self) -> Mapping[str, str]:
        """The column of each slice."""
        with self._opened() as file:
            found: Mapping[str, str] = json.loads(file.schema_arrow.metadata[SLICES])
        return found

    def tables(self, columns: Sequence[str] | None = None) -> Iterator[Any]:
        """Yield the rows in order, a group of them at a time."""
        pa = pyarrow(WHAT)
        try:
            with self._opened() as file:
                for group in range(file.num_row_groups):
                    yield file.read_row_group(group, columns=columns, use_threads=False)
        except (OSError, ValueError, KeyError, pa.ArrowException) as error:
            raise self._unfit(f"is damaged ({error!r})") from error

    def pieces(self) -> Iterator[bytes]:
        """Yield the file's content."""
        self._opened().close()  # checked before it is copied
        with open(self.path, "rb") as file:
            while data := file.read(1 << 20):
                yield data

    def _opened(self) -> Any:
        pa = pyarrow(WHAT)
        try:
            file = pa.parquet.ParquetFile(self.path)
            own = json.loads((file.schema_arrow.metadata or {}).get(PROVENANCE, b"null"))
        except FileNotFoundError as error:
            raise self._unfit("is missing") from error
        except (OSError, ValueError, pa.ArrowException) as error:
            raise self._unfit(f"is damaged ({error!r})") from error
        if own != self.provenance:
            file.close()
            raise self._unfit("is of another evaluation")
        return file

    def _unfit(self, what: str) -> ConfigError:
        return ConfigError(
            f"{self.path} {what}. It holds the rows of the evaluation.json beside it, which is of a large set. "
            "Copy both files, or merge the parts again."
        )


def written(
    tables: Iterable[Any], provenance: Mapping[str, Any], slices: Mapping[str, str] | None = None
) -> Iterator[bytes]:
    """Yield the content of a file with the rows of tables, as soon as a group of rows is complete.

    ``slices`` are the columns of the slices, where the file belongs to an evaluation of a large set.
    """
    pa = pyarrow(WHAT)
    described = {PROVENANCE: json.dumps(provenance)}
    if slices is not None:
        described[SLICES] = json.dumps(slices)
    sink, writer = _Pieces(), None
    for table in _grouped(tables, pa):
        schema = table.schema.with_metadata(described)
        writer = writer or pa.parquet.ParquetWriter(pa.PythonFile(sink, "w"), schema, compression=COMPRESSION)
        writer.write_table(table.cast(schema), row_group_size=max(1, len(table)))
        yield sink.taken()
    if writer is not None:
        writer.close()
        yield sink.taken()


def _grouped(tables: Iterable[Any], pa: Any) -> Iterator[Any]:
    """Yield the rows of tables in tables of ``GROUP_ROWS`` or more."""
    some: list[Any] = []
    for table in tables:
        some.append(table)
        if sum(map(len, some)) >= GROUP_ROWS:
            yield pa.concat_tables(some)
            some = []
    if some:
        yield pa.concat_tables(some)


class _Pieces(RawIOBase):
    """A file to write to. It keeps what was written since it was last ``taken``."""

    def __init__(self) -> None:
        super().__init__()
        self._some: list[bytes] = []
        self._length = 0

    def writable(self) -> bool:
        """Say that it can be written to."""
        return True

    def write(self, data: Any) -> int:
        """Keep a piece."""
        self._some.append(bytes(data))
        self._length += len(self._some[-1])
        return len(self._some[-1])

    def tell(self) -> int:
        """Return the number of bytes written."""
        return self._length

    def taken(self) -> bytes:
        """Return what was written since the last call."""
        found, self._some = b"".join(self._some), []
        return found
