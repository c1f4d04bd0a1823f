"""What the page shows, computed from the evaluation; the templates only lay it out."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

from batch_eval.evaluation import Evaluation, Outcome, metrics
from batch_eval.evaluation.advice import advice
from batch_eval.evaluation.baseline import compare_with_baseline
from batch_eval.evaluation.breakdown import FlagTally, by_flag, by_slice, suspects
from batch_eval.evaluation.confusions import errors, errors_by_confidence, predicted_columns
from batch_eval.evaluation.metrics import Tally
from batch_eval.gates import gates_line
from batch_eval.reports.context import NO_CONTEXT, ReportContext
from batch_eval.reports.html import charts
from batch_eval.reports.html.cards import PATTERN, Card, Cards
from batch_eval.reports.html.pictures import Pictures
from batch_eval.reports.html.tags import find_tags

HEAT_STEPS = 8
"""Shades of a confusion matrix's cells in the style sheet."""
ALL_SHOWN_UP_TO = 300
"""The page itself holds all errors up to this number; of more, ``GROUP_SHOWN`` a group, and its script shows all."""
GROUP_SHOWN = 6
MOST_CONFIDENT = 8
SLICE_VALUES_SHOWN = 12
GROUPS_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Cell:
    """A confusion matrix's count, its shade 0..HEAT_STEPS, and the anchor of its images."""

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


@dataclass(frozen=True, slots=True)
class SliceTable:
    """A slice's values with most images, worst first, of ``total`` values."""

    name: str
    tallies: tuple[tuple[str, Tally], ...]
    total: int


class Page:
    """The parts of the page; each is a pure function of the evaluation."""

    pattern = PATTERN
    groups_shown = GROUPS_SHOWN

    def __init__(self, evaluation: Evaluation, pictures: Pictures, context: ReportContext = NO_CONTEXT) -> None:
        self.evaluation = evaluation
        self.gates = context.gates
        self.gates_line = gates_line(context.gates)
        self.since_baseline = compare_with_baseline(evaluation, context.baseline)
        self.provenance = evaluation.provenance
        self.columns = predicted_columns(evaluation)
        self.total_errors = len(errors(evaluation))
        self.total_suspects = int(suspects(evaluation).sum())
        self.tags = find_tags(evaluation)
        self.pictures = pictures
        self._cards = Cards(evaluation, pictures, self.tags)

    @property
    def correct(self) -> int:
        """Number of images read right."""
        return self.evaluation.counts[Outcome.CORRECT]

    @property
    def advice(self) -> list[str]:
        """What explains the errors, a sentence each."""
        return advice(self.evaluation)

    @property
    def scores(self) -> list[ScoreRow]:
        """The per-class table."""
        e = self.evaluation
        hits = e.confusion.diagonal().tolist()
        return [
            ScoreRow(name, scores, metrics.wilson_interval(hit, scores.support))
            for name, scores, hit in zip(e.class_names, e.per_class, hits, strict=True)
        ]

    @cached_property
    def matrix_columns(self) -> tuple[str, ...]:
        """The confusion matrix's column names; blank only where there is any."""
        return self.columns if self.evaluation.confusion[:, -1].any() else self.columns[:-1]

    @property
    def matrix(self) -> list[tuple[str, list[Cell]]]:
        """The confusion matrix's rows: the class, and its cells."""
        return [(truth, list(self._cells(t, truth))) for t, truth in enumerate(self.evaluation.class_names)]

    def _cells(self, t: int, truth: str) -> Iterator[Cell]:
        counts = self.evaluation.confusion[t].tolist()
        support = sum(counts)
        for p, predicted in enumerate(self.matrix_columns):
            share = counts[p] / support if support else 0.0
            # the square root keeps a single error visible beside a column of hundreds
            heat = max(1, round(HEAT_STEPS * share**0.5)) if counts[p] else 0
            yield Cell(counts[p], heat, t == p, _anchor(t, p), truth, predicted)

    @cached_property
    def slices(self) -> list[SliceTable]:
        """The accuracy by slice; a slice with one value says nothing and is left out."""
        return [
            SliceTable(b.name, tuple(sorted(b.tallies[:SLICE_VALUES_SHOWN], key=_worst_first)), len(b.tallies))
            for b in by_slice(self.evaluation)
            if len(b.tallies) > 1
        ]

    @cached_property
    def flags(self) -> list[FlagTally]:
        """The accuracy by quality flag."""
        return by_flag(self.evaluation)

    @cached_property
    def scale_floor(self) -> float:
        """Where the interval bars begin, in 0..0.9, so that close shares can be told apart."""
        tallies = [tally for slice_ in self.slices for _, tally in slice_.tallies] + [
            flag.having for flag in self.flags
        ]
        shares = [row.scores.recall for row in self.scores if row.scores.support] + [t.share for t in tallies]
        return max(0, min(9, math.floor(10 * min(shares, default=0)) - 1)) / 10

    @cached_property
    def reliability(self) -> charts.Reliability:
        """The reliability diagram."""
        return charts.reliability(self.evaluation)

    @cached_property
    def coverage(self) -> list[charts.CoveragePoint]:
        """The points of the coverage curve that keep any image."""
        return charts.coverage_curve(self.evaluation)

    @property
    def coverage_floor(self) -> float:
        """Where the coverage chart's accuracy axis begins."""
        return charts.coverage_floor(self.coverage)

    @property
    def coverage_table(self) -> list[charts.CoveragePoint]:
        """A few points of the coverage curve, for reading."""
        return charts.coverage_points(self.evaluation, charts.TABLE_THRESHOLDS)

    @cached_property
    def most_confident(self) -> list[Card]:
        """The errors that the model was surest of."""
        return [self._cards.card(row) for row in errors_by_confidence(self.evaluation)[:MOST_CONFIDENT].tolist()]

    @cached_property
    def groups(self) -> list[Group]:
        """The errors by confusion matrix cell, largest group first, the most confident error of each first."""
        order = [(self._cell(row), row) for row in errors_by_confidence(self.evaluation).tolist()]
        order.sort(key=lambda pair: pair[0])
        found = [self._group(cell, [row for _, row in pairs]) for cell, pairs in groupby(order, key=lambda p: p[0])]
        return sorted(found, key=lambda group: -group.total)

    def _cell(self, row: int) -> tuple[int, int]:
        predicted = int(self.evaluation.records.predicted[row])
        return int(self.evaluation.truth_index[row]), predicted if predicted >= 0 else len(self.columns) - 1

    def _group(self, cell: tuple[int, int], rows: list[int]) -> Group:
        t, p = cell
        limit = len(rows) if self.total_errors <= ALL_SHOWN_UP_TO else GROUP_SHOWN
        cards = tuple(self._cards.card(row) for row in rows[:limit])
        return Group(_anchor(t, p), self.evaluation.class_names[t], self.columns[p], len(rows), cards)

    @property
    def rows_on_page(self) -> frozenset[int]:
        """The rows whose cards the page itself holds."""
        return frozenset(card.row for group in self.groups for card in group.cards)


def _anchor(truth: int, predicted: int) -> str:
    """Return the id of a cell's images; by position, as class names may hold anything."""
    return f"cell-{truth}-{predicted}"


def _worst_first(part: tuple[str, Tally]) -> float:
    return part[1].share
