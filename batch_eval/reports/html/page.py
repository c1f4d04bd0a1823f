"""What the page shows, computed from the evaluation; the templates only lay it out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

from batch_eval import metrics
from batch_eval.evaluation import OUTCOMES, Evaluation, Outcome
from batch_eval.reports.findings import BLANK, errors, errors_by_confidence, predicted_columns
from batch_eval.reports.html.pictures import Pictures

HEAT_STEPS = 8
"""Shades of a confusion matrix's cells in the style sheet."""
TOP = 3


@dataclass(frozen=True, slots=True)
class Guess:
    """One of the classes that the model holds likely, with its probability in 0..1."""

    name: str
    probability: float


@dataclass(frozen=True, slots=True)
class Card:
    """One image of the gallery."""

    row: int
    id: str
    truth: str | None
    predicted: str
    outcome: Outcome
    confidence: float
    reason: str
    guesses: tuple[Guess, ...]
    labels: tuple[tuple[str, str], ...]
    flags: tuple[str, ...]
    original: str | None
    seen: str | None


@dataclass(frozen=True, slots=True)
class Cell:
    """A confusion matrix's count, its shade 0..HEAT_STEPS, and the anchor of its images if there are any."""

    count: int
    heat: int
    hit: bool
    anchor: str
    truth: str
    predicted: str


@dataclass(frozen=True, slots=True)
class Group:
    """The images of one confusion matrix cell; ``cards`` may be fewer than ``total``."""

    anchor: str
    truth: str
    predicted: str
    total: int
    cards: tuple[Card, ...]


@dataclass(frozen=True, slots=True)
class ScoreRow:
    """A class's scores with the interval of its recall."""

    name: str
    scores: metrics.ClassScores
    interval: tuple[float, float]


class Page:
    """The parts of the page; each is a pure function of the evaluation."""

    def __init__(self, evaluation: Evaluation, pictures: Pictures) -> None:
        self.evaluation = evaluation
        self.provenance = evaluation.provenance
        self.columns = predicted_columns(evaluation)
        self.total_errors = len(errors(evaluation))
        self._pictures = pictures

    @property
    def correct(self) -> int:
        """Number of images read right."""
        return self.evaluation.counts[Outcome.CORRECT]

    @property
    def scores(self) -> list[ScoreRow]:
        """The per-class table."""
        e = self.evaluation
        hits = e.confusion.diagonal().tolist()
        return [
            ScoreRow(name, scores, metrics.wilson_interval(hit, scores.support))
            for name, scores, hit in zip(e.class_names, e.per_class, hits, strict=True)
        ]

    @property
    def matrix(self) -> list[tuple[str, list[Cell]]]:
        """The confusion matrix's rows: the class, and its cells; the column of blanks only where there are any."""
        return [(truth, list(self._cells(t, truth))) for t, truth in enumerate(self.evaluation.class_names)]

    @cached_property
    def matrix_columns(self) -> tuple[str, ...]:
        """The confusion matrix's column names."""
        return self.columns if self.evaluation.confusion[:, -1].any() else self.columns[:-1]

    def _cells(self, t: int, truth: str) -> Iterator[Cell]:
        counts = self.evaluation.confusion[t].tolist()
        support = sum(counts)
        for p, predicted in enumerate(self.matrix_columns):
            share = counts[p] / support if support else 0.0
            heat = max(1, round(HEAT_STEPS * share**0.5)) if counts[p] else 0
            yield Cell(counts[p], heat, t == p, _anchor(t, p), truth, predicted)

    @cached_property
    def groups(self) -> list[Group]:
        """The errors by confusion matrix cell, largest group first, the most confident error of each first."""
        order = [(self._cell(row), row) for row in errors_by_confidence(self.evaluation).tolist()]
        order.sort(key=lambda pair: pair[0])
        found = [
            self._group(cell, [row for _, row in pairs]) for cell, pairs in groupby(order, key=lambda pair: pair[0])
        ]
        return sorted(found, key=lambda group: -group.total)

    def _cell(self, row: int) -> tuple[int, int]:
        predicted = int(self.evaluation.records.predicted[row])
        return int(self.evaluation.truth_index[row]), predicted if predicted >= 0 else len(self.columns) - 1

    def _group(self, cell: tuple[int, int], rows: list[int]) -> Group:
        t, p = cell
        cards = tuple(self.card(row) for row in rows)
        return Group(_anchor(t, p), self.evaluation.class_names[t], self.columns[p], len(rows), cards)

    def card(self, row: int) -> Card:
        """Return what the gallery shows of one image."""
        r = self.evaluation.records
        predicted = int(r.predicted[row])
        return Card(
            row=row,
            id=r.ids[row],
            truth=r.truth[row],
            predicted=self.evaluation.class_names[predicted] if predicted >= 0 else BLANK,
            outcome=OUTCOMES[r.outcome[row]],
            confidence=float(r.confidence[row]),
            reason=r.reasons.get(row, ""),
            guesses=self._guesses(row) if predicted >= 0 else (),
            labels=tuple((name, values[row]) for name, values in r.slices.items()),
            flags=tuple(name for name, flag in r.flags.items() if flag[row]),
            original=self._pictures.original(row),
            seen=self._pictures.seen(row),
        )

    def _guesses(self, row: int) -> tuple[Guess, ...]:
        probabilities = self.evaluation.records.probabilities[row]
        top = (-probabilities).argsort(kind="stable")[:TOP].tolist()
        return tuple(Guess(self.evaluation.class_names[i], float(probabilities[i])) for i in top)


def _anchor(truth: int, predicted: int) -> str:
    """Return the id of a cell's images; by position, as class names may hold anything."""
    return f"cell-{truth}-{predicted}"
