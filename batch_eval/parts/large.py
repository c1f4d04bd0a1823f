"""Merge parts whose rows are too many for the memory: sums, a sample of what is not correct, and rows as a stream."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from heapq import heappush, heappushpop
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from batch_eval.api import created, fixed_time
from batch_eval.arrow import listed, pyarrow
from batch_eval.engines.rows import MAX_PICTURES, Picture
from batch_eval.engines.sampling import FEWEST
from batch_eval.engines.trials import compared_trials
from batch_eval.evaluation import Evaluation, Provenance, Records
from batch_eval.evaluation.every_row import written
from batch_eval.evaluation.records import free_name
from batch_eval.evaluation.saved import stored_provenance
from batch_eval.evaluation.streamed import hashed
from batch_eval.evaluation.sums import Sums
from batch_eval.outcome import OUTCOMES, Outcome
from batch_eval.parts.ledger import Job, Ledger, undamaged
from batch_eval.parts.places import PICTURES, ROWS
from batch_eval.parts.tables import WHAT, Columns, read_columns, read_pictures
from batch_eval.texts import Coded, Texts
from batch_eval.wording import utf8

CORRECT = OUTCOMES.index(Outcome.CORRECT)


def merge_large(parts: Sequence[Ledger], job: Job, sums: Sums) -> Evaluation:
    """Return the evaluation of complete parts in order, whose sums are given."""
    most = sampled_per_cell(sums)
    drawn = _Drawn(most)
    for part in parts:
        drawn.add(part, _columns(part))
    rows = sorted(drawn.rows, key=lambda one: one.row)
    records = _records(rows, job, sorted(sums.flags), _pictures(parts, [one.row for one in rows]))
    note = (
        f"All {job.plan.rows:,} images count in the figures. At most {most:,} of each confusion are shown, drawn by "
        "chance. Copies and labels that may be wrong are not looked for."
    )
    p = job.provenance
    p = replace(p, created=created(fixed_time()), notes=(*p.notes, note))
    every_row = PartRows(tuple(parts), tuple(sorted(sums.flags)), p)
    found = Evaluation(job.names.classes, records, p, sums=sums, every_row=every_row)
    hits = {row: one for part in parts for row, one in part.sample.items()}
    return replace(found, trials=compared_trials(drawn.read, hits)) if found.scored >= FEWEST else found


def sampled_per_cell(sums: Sums) -> int:
    """Return how many images are drawn of each cell of the confusion matrix, and of each outcome that is not scored.

    All together are at most ``MAX_PICTURES``, or one of each.
    """
    cells = np.count_nonzero(sums.confusion) + sum(n > 0 for n in sums.outcomes)
    return max(1, MAX_PICTURES // max(1, int(cells)))


class _Row(NamedTuple):
    """A row that was drawn. ``flags`` are the names of those that it has."""

    row: int
    id: str
    truth: str | None
    outcome: int
    reason: str | None
    score: float
    probabilities: NDArray[np.float32]
    slices: tuple[str, ...]
    flags: frozenset[str]


@dataclass
class _Drawn:
    """The rows of each cell whose ids have the lowest hashes, so that no part or folder is preferred."""

    most: int
    heaps: dict[int, list[tuple[int, int, _Row]]] = field(default_factory=lambda: defaultdict(list))
    """By cell, heaps of hash below 0, row below 0, and what the row holds."""
    read: dict[int, tuple[str | None, Outcome]] = field(default_factory=dict)
    """Label and outcome of the rows that other recipes read too."""

    @property
    def rows(self) -> Iterator[_Row]:
        """The rows that were drawn."""
        return (one for heap in self.heaps.values() for _, _, one in heap)

    def add(self, part: Ledger, columns: Columns) -> None:
        """Draw among the rows of a part."""
        ids, truths = listed(columns.fixed["id"]), listed(columns.fixed["truth"])
        outcomes, probabilities = columns.outcomes, columns.probabilities
        cells = _cells(truths, outcomes, probabilities, part.job.names.classes)
        start = part.rows.start
        for row in part.sample:
            self.read[row] = truths[row - start], OUTCOMES[outcomes[row - start]]
        for place in np.flatnonzero(outcomes != CORRECT).tolist():
            heap, key = self.heaps[int(cells[place])], (-hashed(ids[place]), -(start + place))
            full = len(heap) == self.most
            if not full or key > heap[0][:2]:
                one = _row(columns, place, start, ids[place], truths[place], int(outcomes[place]), probabilities)
                (heappushpop if full else heappush)(heap, (*key, one))


def _cells(
    truths: Sequence[str | None], outcomes: NDArray[np.uint8], probabilities: NDArray[np.float32], names: Sequence[str]
) -> NDArray[np.intp]:
    """Return the number of each row's cell in the confusion matrix; those that are not scored have one an outcome."""
    place = {name: i for i, name in enumerate(names)}
    truth = np.array([place.get(truth, 0) if truth is not None else 0 for truth in truths], np.intp)
    predicted = np.where(probabilities.any(axis=1), probabilities.argmax(axis=1), len(names))
    scored = np.isin(outcomes, [i for i, outcome in enumerate(OUTCOMES) if outcome.scored])
    columns = len(names) + 1
    return np.where(scored, truth * columns + predicted, len(names) * columns + outcomes)


def _row(
    columns: Columns,
    place: int,
    start: int,
    id_: str,
    truth: str | None,
    outcome: int,
    probabilities: NDArray[np.float32],
) -> _Row:
    (reason,) = listed(columns.fixed["reason"].slice(place, 1))
    slices = tuple(listed(column.slice(place, 1))[0] for column in columns.slices)
    flags = frozenset(name for name, column in columns.flags.items() if column[place].as_py())
    score = columns.fixed["score"][place].as_py()
    return _Row(start + place, id_, truth, outcome, reason, score, probabilities[place].copy(), slices, flags)


def _records(rows: Sequence[_Row], job: Job, flags: Sequence[str], pictures: Mapping[int, Picture]) -> Records:
    """Return the rows that were drawn as records; ``pictures`` are by their row in the set."""
    scores = np.array([one.score for one in rows], np.float32)
    return Records(
        ids=Texts.of(one.id for one in rows),
        truth=Coded.of(one.truth for one in rows),
        outcome=np.array([one.outcome for one in rows], np.uint8),
        probabilities=np.array([one.probabilities for one in rows], np.float32).reshape(-1, len(job.names.classes)),
        reasons={place: one.reason for place, one in enumerate(rows) if one.reason is not None},
        slices={name: Coded.of(one.slices[i] for one in rows) for i, name in enumerate(job.names.slices)},
        flags={name: np.array([name in one.flags for one in rows], np.bool_) for name in flags},
        pictures={place: pictures[one.row] for place, one in enumerate(rows) if one.row in pictures},
        scores=None if np.isnan(scores).all() else scores,
    )


def _pictures(parts: Sequence[Ledger], rows: Sequence[int]) -> dict[int, Picture]:
    """Return the pictures of some rows. Every part is read, so that a damaged one is found."""
    wanted = frozenset(rows)
    found: dict[int, Picture] = {}
    for part in parts:
        data = part.read(PICTURES)
        with undamaged(part):
            if not wanted.isdisjoint(part.rows):
                found |= {row: picture for row, picture in read_pictures(data).items() if row in wanted}
    return found


def _columns(part: Ledger) -> Columns:
    """Return the rows of a part as columns. Raises ConfigError where they are damaged."""
    data = part.read(ROWS)
    with undamaged(part):
        columns = read_columns(data, part.job.names)
        if columns.fixed["row"].to_pylist() != list(part.rows):
            raise ValueError("it holds other rows than it says")
    return columns


@dataclass(frozen=True, eq=False)
class PartRows:
    """The rows of complete parts in order, a part at a time, with the columns of ``predictions.parquet``.

    A column of each flag that any part has, and of how much an image looks like a digit, is always there.
    """

    parts: tuple[Ledger, ...]
    flags: tuple[str, ...]
    provenance: Provenance

    @cached_property
    def titles(self) -> tuple[str, ...]:
        """Names of all columns but the probabilities."""
        titles = ["id", "truth", "predicted", "confidence", "margin", "runner_up", "digit_score", "outcome", "reason"]
        for name in self.parts[0].job.names.slices:
            titles.append(free_name(name, "slice_", titles))
        for name in self.flags:
            titles.append(free_name(f"flag_{name}", "flag_", titles))
        return tuple(map(_plain, titles))

    @cached_property
    def slices(self) -> Mapping[str, str]:
        """The column of each slice."""
        return dict(zip(self.parts[0].job.names.slices, self.titles[9:], strict=False))

    def tables(self, columns: Sequence[str] | None = None) -> Iterator[Any]:
        """Yield the rows of each part. Raises ConfigError where one is damaged."""
        for part in self.parts:
            table = self._table(part, _columns(part))
            yield table if columns is None else table.select(list(columns))

    def pieces(self) -> Iterator[bytes]:
        """Yield the content of ``predictions.parquet``."""
        return written(self.tables(), stored_provenance(self.provenance), self.slices)

    def _table(self, part: Ledger, columns: Columns) -> Any:
        pa = pyarrow(WHAT)
        fixed, classes = columns.fixed, part.job.names.classes
        probabilities = columns.probabilities
        count = len(probabilities)
        r = Records(Texts.of([""] * count), Coded.of([None] * count), columns.outcomes, probabilities)
        names = pa.array([*map(_plain, classes)], pa.string())
        reasons = _texts(pa, fixed["reason"])
        absent = pa.array(np.zeros(count, bool))
        arrays = [
            *(_texts(pa, fixed[name]) for name in ("id", "truth")),
            _named(pa, names, r.predicted),
            pa.array(r.confidence.astype(np.float64)),
            pa.array(r.margin.astype(np.float64)),
            _named(pa, names, r.runner_up),
            pa.array(fixed["score"].to_numpy().astype(np.float64), from_pandas=True),
            fixed["outcome"],
            reasons.fill_null(""),
            *(_texts(pa, column) for column in columns.slices),
            *(columns.flags.get(name, absent) for name in self.flags),
            *columns.classes,
        ]
        return pa.table(arrays, names=[*self.titles, *(f"probability_{_plain(name)}" for name in classes)])


def _named(pa: Any, names: Any, index: NDArray[np.int32]) -> Any:
    """Return the names of classes; -1 is none."""
    return names.take(pa.array(np.maximum(index, 0), mask=index < 0))


def _texts(pa: Any, column: Any) -> Any:
    """Return a column that `texts` made as strings, with lone surrogates escaped."""
    if column.type == pa.string():
        return column
    return pa.array([None if value is None else _plain(value) for value in listed(column)], pa.string())


def _plain(text: str) -> str:
    return utf8(text).decode("utf-8")
