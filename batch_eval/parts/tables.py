"""The two tables of a part: its rows, and the pictures of its errors."""

# History of FORMAT, which stands in the part's JSON:
#   1  the first; that of 2 has the same tables
from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray

from batch_eval.arrow import COMPRESSION, digests, files, flags, listed, numbers, pyarrow, texts
from batch_eval.dataset.sample import Samples
from batch_eval.engines.rows import DIGEST, Picture, Rows
from batch_eval.engines.twins import SIDE
from batch_eval.outcome import OUTCOMES
from batch_eval.texts import Coded, Texts
from batch_eval.wording import printable

WHAT = "evaluating in parts"
KEY = b"batch_eval_part"
FIXED = (
    "row",
    "id",
    "truth",
    "outcome",
    "reason",
    "score",
    "print",
    "digest",
    "frames",
    "width",
    "height",
    "thumbnail",
)
"""The columns that every part has; those of flags, slices and classes follow."""
FLAG, SLICE, CLASS = "flag:", "slice:", "p:"
"""Prefixes of the other columns."""
PICTURES = ("row", "mime", "original", "seen", "steps")


@dataclass(frozen=True, slots=True)
class Names:
    """The names that a part's columns stand for, in their order."""

    slices: tuple[str, ...]
    classes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PartTable:
    """A part's rows as an engine returned them, with their samples. A sample's ``file`` is its row."""

    samples: Samples
    rows: Rows


def rows_file(part: PartTable, names: Names) -> bytes:
    """Return the content of ``part-….rows.parquet``."""
    pa = pyarrow(WHAT)
    rows, samples = part.rows, part.samples
    places = range(rows.start, rows.start + len(samples))
    outcomes = Coded([outcome.value for outcome in OUTCOMES], rows.outcome)
    frames = [rows.frames.get(row, 0) for row in places]  # 0 is none
    thumbnails = [rows.thumbnails[row].tobytes() if row in rows.thumbnails else None for row in places]
    flagged = sorted(rows.flags)
    columns = [
        numbers(pa, np.array(places, np.int64)),
        texts(pa, samples.ids),
        texts(pa, samples.truth),
        texts(pa, outcomes),
        texts(pa, Coded.of(rows.reasons.get(row) for row in places)),
        numbers(pa, rows.scores),
        numbers(pa, rows.prints),
        digests(pa, rows.digests),
        numbers(pa, np.array(frames, np.int64), np.array(frames, np.bool_)),
        *(numbers(pa, rows.sizes[:, i]) for i in range(2)),
        files(pa, thumbnails),
        *(flags(pa, np.isin(np.array(places), rows.flags[flag])) for flag in flagged),
        *(texts(pa, column) for column in samples.slices),
        *(numbers(pa, rows.probabilities[:, i]) for i in range(len(names.classes))),
    ]
    titles = [
        *FIXED,
        *(f"{FLAG}{name}" for name in flagged),
        *(f"{SLICE}{printable(name)}" for name in names.slices),
        *(f"{CLASS}{printable(name)}" for name in names.classes),
    ]
    described = {"flags": flagged, "slices": names.slices, "classes": names.classes}
    return _parquet(pa, pa.table(columns, names=titles).replace_schema_metadata({KEY: json.dumps(described)}))


def pictures_file(pictures: Mapping[int, Picture]) -> bytes:
    """Return the content of ``part-….pictures.parquet``."""
    pa = pyarrow(WHAT)
    shown = sorted(pictures.items())
    columns = [
        numbers(pa, np.array([row for row, _ in shown], np.int64)),
        texts(pa, Coded.of(picture.mime for _, picture in shown)),
        *(files(pa, [getattr(picture, name) for _, picture in shown]) for name in PICTURES[2:]),
    ]
    return _parquet(pa, pa.table(columns, names=list(PICTURES)), compression="none")  # PNG and JPEG are compressed


def read_rows(data: bytes, names: Names) -> PartTable:
    """Return the rows of a part. Raises ValueError where they are damaged."""
    found = read_columns(data, names)
    fixed = found.fixed
    numbers = fixed["row"].to_pylist()
    rows = Rows(range(numbers[0], numbers[0] + len(numbers)), len(names.classes), digests=True)
    rows.outcome[:] = found.outcomes
    rows.scores[:] = fixed["score"].to_numpy()
    rows.prints[:] = fixed["print"].to_numpy()
    rows.digests[:] = np.frombuffer(b"".join(fixed["digest"].to_pylist()), np.uint8).reshape(-1, DIGEST)
    rows.reasons = _kept(numbers, listed(fixed["reason"]))
    rows.frames = _kept(numbers, fixed["frames"].to_pylist())
    rows.sizes[:] = np.column_stack([fixed[name].to_numpy() for name in ("width", "height")])
    rows.thumbnails = {
        row: np.frombuffer(data, np.uint8).reshape(SIDE, SIDE)
        for row, data in _kept(numbers, fixed["thumbnail"].to_pylist()).items()
    }
    for flag, column in found.flags.items():
        rows.flags[flag] = (rows.start + np.flatnonzero(column.to_numpy())).tolist()
    rows.probabilities[:] = found.probabilities
    samples = Samples(
        Texts.of(listed(fixed["id"])),
        Texts.of(map(str, numbers)),
        Coded.of(listed(fixed["truth"])),
        [Coded.of(listed(column)) for column in found.slices],
    )
    return PartTable(samples, rows)


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of a part's rows: those of ``FIXED`` and of flags by name, of slices and classes in their order."""

    fixed: Mapping[str, Any]
    flags: Mapping[str, Any]
    slices: Sequence[Any]
    classes: Sequence[Any]

    @property
    def outcomes(self) -> NDArray[np.uint8]:
        """(N,) indices into ``OUTCOMES``."""
        place = {outcome.value: i for i, outcome in enumerate(OUTCOMES)}
        return np.array([place[outcome] for outcome in self.fixed["outcome"].to_pylist()], np.uint8)

    @property
    def probabilities(self) -> NDArray[np.float32]:
        """(N, C) probabilities."""
        return np.column_stack([column.to_numpy() for column in self.classes])


def read_columns(data: bytes, names: Names) -> Columns:
    """Return the columns of a part's rows. Raises ValueError where they are damaged or those of another set."""
    table = _table(data)
    described = json.loads((table.schema.metadata or {})[KEY])
    if [described["slices"], described["classes"]] != [[*names.slices], [*names.classes]]:
        raise ValueError("its columns are those of another set")
    flagged: Sequence[str] = described["flags"]
    if len(table.columns) != len(FIXED) + len(flagged) + len(names.slices) + len(names.classes):
        raise ValueError("columns are missing")
    columns = iter(table.columns)
    return Columns(
        {name: next(columns) for name in FIXED},
        {flag: next(columns) for flag in flagged},
        [next(columns) for _ in names.slices],
        list(columns),
    )


def read_pictures(data: bytes) -> dict[int, Picture]:
    """Return the pictures of a part. Raises ValueError where they are damaged."""
    columns = [_table(data).column(name).to_pylist() for name in ("row", "original", "seen", "mime", "steps")]
    return {
        row: Picture(original, seen, mime, steps) for row, original, seen, mime, steps in zip(*columns, strict=True)
    }


def _parquet(pa: Any, table: Any, compression: str = COMPRESSION) -> bytes:
    buffer = BytesIO()
    pa.parquet.write_table(table, buffer, compression=compression)
    return buffer.getvalue()


def _table(data: bytes) -> Any:
    """Return a table in one chunk. pyarrow's errors are ValueErrors."""
    pa = pyarrow(WHAT)
    with pa.parquet.ParquetFile(BytesIO(data)) as file:
        return file.read(use_threads=False).combine_chunks()


def _kept(numbers: Sequence[int], values: Sequence[Any]) -> dict[int, Any]:
    return {row: value for row, value in zip(numbers, values, strict=True) if value is not None}
