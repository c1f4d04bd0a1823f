"""Compare evaluations of large sets without taking their rows into memory.

The rows of all evaluations are walked side by side. Where they are not in the same order, they are sorted into buckets
on the disk first, by a hash of their ids: a bucket holds the same images of each evaluation (a Grace hash join).
Source: M. Kitsuregawa, H. Tanaka and T. Moto-oka, Application of hash to data base machine and its architecture, New
Generation Computing 1 (1983).
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from heapq import heappush, heappushpop
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from batch_eval.arrow import pyarrow
from batch_eval.evaluation.every_row import WHAT, EveryRow
from batch_eval.outcome import OUTCOMES, Outcome

BUCKET_ROWS = 200_000
"""Rows of a bucket, about."""
SAMPLE = 1_000
"""Images kept of those that a pair fixed, and of those that it broke."""
COLUMNS = ("id", "truth", "predicted", "outcome")
SCORED = tuple(outcome.value for outcome in OUTCOMES if outcome.scored)

Cell = NDArray[np.int64]
"""(2, 2) counts of images: read correctly by the first, by the second."""


@dataclass(frozen=True, slots=True)
class Changed:
    """An image that one of two evaluations misread, with what each read."""

    id: str
    truth: str
    first: str | None
    second: str | None


@dataclass(eq=False)
class Pair:
    """What is counted of the first evaluation and another one."""

    counts: Cell = field(default_factory=lambda: np.zeros((2, 2), np.int64))
    groups: dict[tuple[str, str], Cell] = field(default_factory=dict)
    """By class or slice, and by its value."""
    fixed: list[tuple[int, Changed]] = field(default_factory=list)
    broke: list[tuple[int, Changed]] = field(default_factory=list)
    """A heap of the images whose hashes are lowest, with these hashes below 0."""


@dataclass(frozen=True)
class Joint:
    """What is counted of the ``images`` that all evaluations scored under the same truth."""

    images: int
    matched: int
    """Images that all scored, also under different truths."""
    hits: tuple[int, ...]
    pairs: tuple[Pair, ...]


@lru_cache(maxsize=8)
def joint(evaluations: tuple[EveryRow, ...], slices: tuple[str, ...] = (), bucket_rows: int = BUCKET_ROWS) -> Joint:
    """Count the images that all evaluations scored. ``slices`` are those of the first by which images are grouped."""
    columns = dict(evaluations[0].slices)
    titles = {name: columns[name] for name in slices}
    images = matched = 0
    hits = np.zeros(len(evaluations), np.int64)
    pairs = tuple(Pair() for _ in evaluations[1:])
    for rows in _side_by_side(evaluations, tuple(titles.values()), bucket_rows):
        found = _Shared.of(rows)
        matched += found.matched
        images += len(found.places)
        hits += found.hits.sum(axis=1)
        for other, pair in enumerate(pairs, 1):
            _count(pair, found, other, titles)
    return Joint(images, matched, tuple(hits.tolist()), pairs)


@dataclass(frozen=True)
class _Shared:
    """Rows of the same images. ``places`` are those that all scored under the same truth."""

    tables: Sequence[Any]
    places: NDArray[np.intp]
    hits: NDArray[np.bool_]
    matched: int

    @classmethod
    def of(cls, tables: Sequence[Any]) -> _Shared:
        """Return the rows that can be compared."""
        outcomes = [table.column("outcome").to_numpy() for table in tables]
        truths = [table.column("truth").to_numpy() for table in tables]
        scored = np.all([np.isin(column, SCORED) for column in outcomes], axis=0)
        same = np.all([truth == truths[0] for truth in truths], axis=0)
        places = np.flatnonzero(scored & same)
        hits = np.array([column[places] == Outcome.CORRECT.value for column in outcomes], bool)
        return cls(tables, places, hits, int(scored.sum()))


def _count(pair: Pair, found: _Shared, other: int, titles: Mapping[str, str]) -> None:
    first, second = found.hits[0], found.hits[other]
    cells = first.astype(np.intp) * 2 + second
    pair.counts += np.bincount(cells, minlength=4).reshape(2, 2)
    table = found.tables[0]
    for group, column in (("class", "truth"), *titles.items()):
        values, place = np.unique(table.column(column).to_numpy()[found.places].astype(str), return_inverse=True)
        counted = np.bincount(place * 4 + cells, minlength=4 * len(values)).reshape(-1, 2, 2)
        # a slice may be named `class` too
        name = "slice_class" if group == "class" and column != "truth" else group
        for value, counts in zip(values.tolist(), counted, strict=True):
            pair.groups[name, value] = pair.groups.get((name, value), 0) + counts
    for kept, chosen in ((pair.fixed, second & ~first), (pair.broke, first & ~second)):
        _keep(kept, found, found.places[chosen], other)


def _keep(kept: list[tuple[int, Changed]], found: _Shared, places: NDArray[np.intp], other: int) -> None:
    """Keep the images whose ids have the lowest hashes: a sample that does not depend on the order of the rows."""
    one, two = found.tables[0].take(places), found.tables[other].take(places)
    columns = (one.column("id"), one.column("truth"), one.column("predicted"), two.column("predicted"))
    for values in zip(*(column.to_pylist() for column in columns), strict=True):
        key = -hashed(values[0])
        if len(kept) < SAMPLE:
            heappush(kept, (key, Changed(*values)))
        elif key > kept[0][0]:
            heappushpop(kept, (key, Changed(*values)))


def hashed(id_: str) -> int:
    """Return the first 8 bytes of an id's SHA-256, by which samples are drawn."""
    return int.from_bytes(sha256(id_.encode("utf-8", "surrogatepass")).digest()[:8])


def _side_by_side(evaluations: Sequence[EveryRow], slices: Sequence[str], bucket_rows: int) -> Iterator[Sequence[Any]]:
    """Yield tables with the same images in the same order, one of each evaluation."""
    columns = [[*COLUMNS, *slices], *([*COLUMNS] for _ in evaluations[1:])]
    if _in_one_order(evaluations):
        yield from _paced([one.tables(names) for one, names in zip(evaluations, columns, strict=True)])
        return
    with tempfile.TemporaryDirectory() as folder:
        count = max(sum(table.num_rows for table in one.tables(["outcome"])) for one in evaluations)
        buckets = -(-count // bucket_rows)
        for i, (one, names) in enumerate(zip(evaluations, columns, strict=True)):
            _into_buckets(one.tables(names), Path(folder), i, buckets)
        for bucket in range(buckets):
            yield _joined([Path(folder) / f"{i}-{bucket}.arrow" for i in range(len(evaluations))])


def _in_one_order(evaluations: Sequence[EveryRow]) -> bool:
    """Whether all have the same ids in the same order."""
    try:
        return all(
            all(table.column("id").equals(tables[0].column("id")) for table in tables)
            for tables in _paced([one.tables(["id"]) for one in evaluations])
        )
    except ValueError:  # one of them has more rows
        return False


def _paced(streams: Sequence[Iterator[Any]]) -> Iterator[list[Any]]:
    """Yield the rows of all streams in tables of equal length. Raises ValueError where one ends before another."""
    tables: list[Any] = [next(stream, None) for stream in streams]
    while any(table is not None for table in tables):
        if any(table is None for table in tables):
            raise ValueError("streams differ in length")
        length = min(table.num_rows for table in tables)
        yield [table.slice(0, length) for table in tables]
        rest = [table.slice(length) for table in tables]
        tables = [one if one.num_rows else next(stream, None) for one, stream in zip(rest, streams, strict=True)]


def _into_buckets(tables: Iterator[Any], folder: Path, number: int, buckets: int) -> None:
    pa = pyarrow(WHAT)
    writers: dict[int, Any] = {}
    for table in tables:
        place = np.array([crc32(id_.encode()) % buckets for id_ in table.column("id").to_pylist()], np.intp)
        for bucket in range(buckets):
            if bucket not in writers:
                writers[bucket] = pa.ipc.new_file(folder / f"{number}-{bucket}.arrow", table.schema)
            writers[bucket].write_table(table.take(np.flatnonzero(place == bucket)))
    for writer in writers.values():
        writer.close()


def _joined(paths: Sequence[Path]) -> list[Any]:
    """Return the rows of the images that all files hold, in the first file's order."""
    pa = pyarrow(WHAT)
    tables = []
    for path in paths:
        with pa.ipc.open_file(path) as file:
            tables.append(file.read_all())
    rows = [{id_: row for row, id_ in enumerate(table.column("id").to_pylist())} for table in tables]
    common = [id_ for id_ in rows[0] if all(id_ in other for other in rows[1:])]
    return [table.take([own[id_] for id_ in common]) for table, own in zip(tables, rows, strict=True)]
