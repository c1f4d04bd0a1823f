"""What the gallery marks images with, and filters them by: quality flags, near-duplicates, groups that look alike."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from batch_eval.evaluation import Evaluation
from batch_eval.evaluation.records import BLANK
from batch_eval.evaluation.similarity import near_duplicates

NEAR_DUPLICATE = "near-duplicate"
PICTURES_SHOWN = 16


@dataclass(frozen=True, slots=True)
class Mark:
    """A name and the rows that bear it."""

    name: str
    rows: frozenset[int]


@dataclass(frozen=True, slots=True)
class LookAlikes:
    """Errors of one confusion that look alike; ``place`` is their mark's among all marks."""

    place: int
    truth: str
    predicted: str
    rows: tuple[int, ...]

    @property
    def shown(self) -> tuple[int, ...]:
        """The rows whose pictures the page shows."""
        return self.rows[:PICTURES_SHOWN]

    @property
    def name(self) -> str:
        """What the mark says."""
        return f"alike: {len(self.rows):,} × {self.truth} read as {self.predicted}"


@dataclass(frozen=True, slots=True)
class Marks:
    """All marks of an evaluation, and the groups that some of them stand for."""

    all: tuple[Mark, ...]
    groups: tuple[LookAlikes, ...]
    duplicates: int

    def of(self, row: int) -> tuple[str, ...]:
        """Return the names of a row's marks."""
        return tuple(mark.name for mark in self.all if row in mark.rows)


def marks(evaluation: Evaluation) -> Marks:
    """Return the marks of an evaluation's images."""
    found = [Mark(name, frozenset(np.flatnonzero(flag).tolist())) for name, flag in evaluation.records.flags.items()]
    twins = frozenset(row for group in near_duplicates(evaluation) for row in group)
    if twins:
        found.append(Mark(NEAR_DUPLICATE, twins))
    groups = tuple(
        _look_alikes(evaluation, place, rows) for place, rows in enumerate(evaluation.records.groups, len(found))
    )
    return Marks((*found, *(Mark(group.name, frozenset(group.rows)) for group in groups)), groups, len(twins))


def _look_alikes(evaluation: Evaluation, place: int, rows: tuple[int, ...]) -> LookAlikes:
    predicted = int(evaluation.records.predicted[rows[0]])
    name = evaluation.class_names[predicted] if predicted >= 0 else BLANK
    return LookAlikes(place, str(evaluation.records.truth[rows[0]]), name, rows)
