"""Tags that the gallery shows on images and filters by.

They are quality flags, near-duplicates, and groups of similar errors.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from batch_eval.evaluation import Evaluation
from batch_eval.evaluation.records import BLANK
from batch_eval.evaluation.similarity import near_duplicates

NEAR_DUPLICATE = "near-duplicate"
PICTURES_SHOWN = 16
"""Pictures of one group that the page shows."""


@dataclass(frozen=True, slots=True)
class Tag:
    """A name and the rows that have it."""

    name: str
    rows: frozenset[int]


@dataclass(frozen=True, slots=True)
class SimilarErrors:
    """Similar errors of one confusion. ``place`` is the index of their tag among all tags."""

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
        """The tag's text."""
        return f"alike: {len(self.rows):,} × {self.truth} read as {self.predicted}"


@dataclass(frozen=True, slots=True)
class Tags:
    """All tags of an evaluation, the groups that some of them name, and the number of near-duplicates."""

    all: tuple[Tag, ...]
    groups: tuple[SimilarErrors, ...]
    duplicates: int

    def of(self, row: int) -> tuple[str, ...]:
        """Return the names of a row's tags."""
        return tuple(tag.name for tag in self.all if row in tag.rows)


def find_tags(evaluation: Evaluation) -> Tags:
    """Return the tags of an evaluation's images."""
    found = [Tag(name, frozenset(np.flatnonzero(flag).tolist())) for name, flag in evaluation.records.flags.items()]
    # near-duplicates among all errors would need all errors
    alike = near_duplicates(evaluation) if evaluation.sums is None else ()
    twins = frozenset(row for group in alike for row in group)
    if twins:
        found.append(Tag(NEAR_DUPLICATE, twins))
    # Groups come last: their links name a tag by its index, `#tag-N`, as class names may hold anything.
    groups = tuple(
        _similar_errors(evaluation, place, rows) for place, rows in enumerate(evaluation.records.groups, len(found))
    )
    return Tags((*found, *(Tag(group.name, frozenset(group.rows)) for group in groups)), groups, len(twins))


def _similar_errors(evaluation: Evaluation, place: int, rows: tuple[int, ...]) -> SimilarErrors:
    predicted = int(evaluation.records.predicted[rows[0]])
    name = evaluation.class_names[predicted] if predicted >= 0 else BLANK
    return SimilarErrors(place, str(evaluation.records.truth[rows[0]]), name, rows)
