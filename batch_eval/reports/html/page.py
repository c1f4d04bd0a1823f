"""What the page shows, computed from the evaluation. The templates only lay it out."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

from batch_eval.evaluation import Evaluation, Outcome, metrics
from batch_eval.evaluation.advice import advice
from batch_eval.evaluation.baseline import compare_with_baseline
from batch_eval.evaluation.breakdown import FlagTally, by_flag, by_slice, suspects, usable_slices
from batch_eval.evaluation.confusions import errors_by_confidence, predicted_columns
from batch_eval.evaluation.data_card import CARD, Fact, data_card
from batch_eval.evaluation.diagnosis import WHY, diagnosis
from batch_eval.evaluation.metrics import Tally
from batch_eval.evaluation.recipes import recipes_line
from batch_eval.gates import gates_line
from batch_eval.reports.context import NO_CONTEXT, ReportContext
from batch_eval.reports.html import charts
from batch_eval.reports.html.cards import PATTERN, Card, Cards
from batch_eval.reports.html.pictures import Pictures, Shown
from batch_eval.reports.html.sheets import image_size
from batch_eval.reports.html.tags import find_tags

HEAT_STEPS = 8
"""Shades of the confusion matrix: the classes heat-1 to heat-8 of the style sheet."""
ALL_SHOWN_UP_TO = 300
"""Errors up to which the page itself holds them all. Beyond, the rest needs the gallery's script."""
GROUP_SHOWN = 6
"""Errors of each confusion on the page when there are more than ``ALL_SHOWN_UP_TO``."""
MOST_CONFIDENT = 8
"""Most confident errors shown ahead of the confusions."""
SLICE_VALUES_SHOWN = 12
"""Values shown of each slice, largest first."""
GROUPS_SHOWN = 12
"""Groups of similar errors shown, largest first."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of the confusion matrix. ``heat`` is its shade, 0..HEAT_STEPS, ``anchor`` the id of its images."""

    count: int
    heat: int
    hit: bool
    anchor: str
    truth: str
    predicted: str


@dataclass(frozen=True, slots=True)
class Group:
    """The errors of one cell of the confusion matrix. ``cards`` may be fewer than ``total``."""

    anchor: str
    truth: str
    predicted: str
    total: int
    cards: tuple[Card, ...]


@dataclass(frozen=True, slots=True)
class ExplainedCard:
    """A misread image, its picture, and what would make it read right. Sides in pixels; 0 if unknown."""

    id: str
    truth: str
    predicted: str
    confidence: float
    words: str
    shown: Shown | None
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class ScoreRow:
    """A class: its scores, and the interval of its recall."""

    name: str
    scores: metrics.ClassScores
    interval: tuple[float, float]


@dataclass(frozen=True, slots=True)
class SliceTable:
    """A slice's largest values, lowest accuracy first. ``total`` counts all its values."""

    name: str
    tallies: tuple[tuple[str, Tally], ...]
    total: int


class Page:
    """The parts of the page. Each is a pure function of the evaluation."""

    pattern = PATTERN
    why = WHY
    card_title = CARD
    groups_shown = GROUPS_SHOWN

    def __init__(self, evaluation: Evaluation, pictures: Pictures, context: ReportContext = NO_CONTEXT) -> None:
        self.evaluation = evaluation
        self.gates = context.gates
        self.gates_line = gates_line(context.gates)
        self.since_baseline = compare_with_baseline(evaluation, context.baseline)
        self.provenance = evaluation.provenance
        self.columns = predicted_columns(evaluation)
        self.total_errors = evaluation.error_count
        self.total_suspects = int(suspects(evaluation).sum())
        self.tags = find_tags(evaluation)
        self._slices = usable_slices(evaluation, context.slices)
        self.slices_note = self._slices.note
        self.pictures = pictures
        self._cards = Cards(evaluation, pictures, self.tags)

    @property
    def correct(self) -> int:
        """Number of images read correctly."""
        return self.evaluation.counts[Outcome.CORRECT]

    @property
    def diagnosis(self) -> list[str]:
        """What explains a low accuracy, a sentence each, the strongest first."""
        return diagnosis(self.evaluation)

    @property
    def recipes(self) -> str:
        """Accuracy of a sample under each recipe, in a sentence; empty where they were not compared."""
        return recipes_line(self.evaluation)

    @cached_property
    def card(self) -> list[Fact]:
        """The lines of the data card."""
        return data_card(self.evaluation)

    @property
    def advice(self) -> list[str]:
        """What explains the errors, one sentence each."""
        return advice(self.evaluation)

    @property
    def scores(self) -> list[ScoreRow]:
        """Rows of the per-class table."""
        e = self.evaluation
        hits = e.confusion.diagonal().tolist()
        return [
            ScoreRow(name, scores, metrics.wilson_interval(hit, scores.support))
            for name, scores, hit in zip(e.class_names, e.per_class, hits, strict=True)
        ]

    @cached_property
    def matrix_columns(self) -> tuple[str, ...]:
        """Column names of the confusion matrix. Blank is left out where it is all 0."""
        return self.columns if self.evaluation.confusion[:, -1].any() else self.columns[:-1]

    @property
    def matrix(self) -> list[tuple[str, list[Cell]]]:
        """Rows of the confusion matrix: the class, and its cells."""
        return [(truth, list(self._cells(t, truth))) for t, truth in enumerate(self.evaluation.class_names)]

    def _cells(self, t: int, truth: str) -> Iterator[Cell]:
        counts = self.evaluation.confusion[t].tolist()
        support = sum(counts)
        for p, predicted in enumerate(self.matrix_columns):
            share = counts[p] / support if support else 0.0
            # The square root keeps a single error visible in a row of hundreds.
            heat = max(1, round(HEAT_STEPS * share**0.5)) if counts[p] else 0
            yield Cell(counts[p], heat, t == p, _anchor(t, p), truth, predicted)

    @cached_property
    def slices(self) -> list[SliceTable]:
        """Accuracy by slice. A slice with one value repeats the overall accuracy and is left out."""
        return [
            # Cut first, sorted after: the largest values are shown, the worst of them on top.
            SliceTable(b.name, tuple(sorted(b.tallies[:SLICE_VALUES_SHOWN], key=_worst_first)), len(b.tallies))
            for b in by_slice(self.evaluation, self._slices.shown)
            if len(b.tallies) > 1
        ]

    @cached_property
    def flags(self) -> list[FlagTally]:
        """Accuracy by quality flag."""
        return by_flag(self.evaluation)

    @cached_property
    def explained(self) -> list[ExplainedCard]:
        """The explained errors, most confident first."""
        e = self.evaluation
        return [
            ExplainedCard(
                *(record.id, record.truth or "", record.read_as, record.confidence, one.reason),
                self.pictures.explained(one.row, one.picture),
                *(image_size(one.picture) or (0, 0)),
            )
            for one in e.explanations
            for record in [e.record(one.row)]
        ]

    @cached_property
    def scale_floor(self) -> float:
        """Where the interval bars start, 0..0.9: 10 points or more below the lowest share, if there is room."""
        # All bars of a page share one scale. From 0, intervals of 95 and 97 % would look the same.
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
        """Points of the coverage curve."""
        return charts.coverage_curve(self.evaluation)

    @property
    def coverage_floor(self) -> float:
        """Where the coverage chart's accuracy axis starts."""
        return charts.coverage_floor(self.coverage)

    @property
    def coverage_table(self) -> list[charts.CoveragePoint]:
        """Rows of the coverage table."""
        return charts.coverage_points(self.evaluation, charts.TABLE_THRESHOLDS)

    @cached_property
    def most_confident(self) -> list[Card]:
        """Cards of the most confident errors."""
        return [self._cards.card(row) for row in errors_by_confidence(self.evaluation)[:MOST_CONFIDENT].tolist()]

    @cached_property
    def groups(self) -> list[Group]:
        """Errors by cell of the confusion matrix, largest group first. Within each, most confident first."""
        order = [(self._cell(row), row) for row in errors_by_confidence(self.evaluation).tolist()]
        # groupby joins neighbours only, so cells are sorted first. The sort is stable: confidence stays in order.
        order.sort(key=lambda pair: pair[0])
        found = [self._group(cell, [row for _, row in pairs]) for cell, pairs in groupby(order, key=lambda p: p[0])]
        return sorted(found, key=lambda group: -group.total)

    def _cell(self, row: int) -> tuple[int, int]:
        # A blank image lies in the last column.
        predicted = int(self.evaluation.records.predicted[row])
        return int(self.evaluation.truth_index[row]), predicted if predicted >= 0 else len(self.columns) - 1

    def _group(self, cell: tuple[int, int], rows: list[int]) -> Group:
        t, p = cell
        # A card has up to three pictures. Thousands would make the page slow; the gallery draws them on demand.
        limit = len(rows) if self.total_errors <= ALL_SHOWN_UP_TO else GROUP_SHOWN
        cards = tuple(self._cards.card(row) for row in rows[:limit])
        total = int(self.evaluation.confusion[t, p])
        return Group(_anchor(t, p), self.evaluation.class_names[t], self.columns[p], total, cards)

    @property
    def rows_on_page(self) -> frozenset[int]:
        """Rows whose cards the page itself holds."""
        # Of many errors, a cell shows fewer than may be among the most confident of all.
        return frozenset(card.row for cards in (self.most_confident, *(g.cards for g in self.groups)) for card in cards)


def _anchor(truth: int, predicted: int) -> str:
    """Return the id of a cell's images. It uses positions, as class names may hold anything."""
    return f"cell-{truth}-{predicted}"


def _worst_first(part: tuple[str, Tally]) -> float:
    return part[1].share
