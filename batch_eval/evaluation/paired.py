"""Which images several evaluations share, and what changed between two of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from batch_eval.errors import ConfigError
from batch_eval.evaluation import metrics
from batch_eval.evaluation.metrics import Tally
from batch_eval.evaluation.records import Evaluation
from batch_eval.outcome import OUTCOMES, Outcome


@dataclass(frozen=True)
class Shared:
    """The N images that all K evaluations scored under the same truth, in the order of the first one.

    ``rows`` (K, N) says where each evaluation records them, ``hits`` (K, N) bool which were read right.
    ``relabelled`` counts images that all of them scored, but whose truth differs: they cannot be compared.
    """

    ids: tuple[str, ...]
    rows: NDArray[np.intp]
    hits: NDArray[np.bool_]
    relabelled: int


def shared_images(evaluations: Sequence[Evaluation]) -> Shared:
    """Return the images that can be compared; raises ConfigError when there is none."""
    places = [_places(evaluation) for evaluation in evaluations]
    common = [name for name in places[0] if all(name in place for place in places[1:])]
    rows = np.array([[place[name] for name in common] for place in places], dtype=np.intp)
    same = np.array([_same_truth(evaluations, column) for column in rows.T.tolist()], dtype=np.bool_)
    if not same.any():
        folders = ", ".join(repr(evaluation.provenance.folder) for evaluation in evaluations)
        raise ConfigError(
            f"the evaluations have no scored image in common ({folders}; {len(common)} names, none with the same "
            "label). Images are matched by their path in the folder: compare evaluations of the same folder."
        )
    rows = rows[:, same]
    right = OUTCOMES.index(Outcome.CORRECT)
    hits = np.stack([e.records.outcome[r] == right for e, r in zip(evaluations, rows, strict=True)])
    ids = tuple(name for name, good in zip(common, same.tolist(), strict=True) if good)
    return Shared(ids, rows, hits, int((~same).sum()))


def _places(evaluation: Evaluation) -> dict[str, int]:
    """Return the row of each scored image by its id."""
    return {evaluation.records.ids[row]: row for row in evaluation.scored_rows.tolist()}


def _same_truth(evaluations: Sequence[Evaluation], rows: Sequence[int]) -> bool:
    return len({e.records.truth[row] for e, row in zip(evaluations, rows, strict=True)}) == 1


@dataclass(frozen=True, slots=True)
class PairedCounts:
    """How two evaluations read ``n`` images: both right, only the second (``fixed``), only the first (``broke``)."""

    n: int
    both: int
    fixed: int
    broke: int

    @classmethod
    def of(cls, first: NDArray[np.bool_], second: NDArray[np.bool_]) -> PairedCounts:
        """Count (n,) bool hits of the same images."""
        both, fixed, broke = first & second, ~first & second, first & ~second
        return cls(len(first), int(both.sum()), int(fixed.sum()), int(broke.sum()))

    @property
    def first(self) -> Tally:
        """What the first one read right."""
        return Tally(self.both + self.broke, self.n)

    @property
    def second(self) -> Tally:
        """What the second one read right."""
        return Tally(self.both + self.fixed, self.n)

    @property
    def difference(self) -> float:
        """The second accuracy minus the first, in -1..1."""
        return metrics.ratio(self.fixed - self.broke, self.n)

    @property
    def interval(self) -> tuple[float, float]:
        """95 % score interval (Tango) of the difference."""
        return metrics.tango_interval(self.fixed, self.broke, self.n)

    @property
    def p_value(self) -> float:
        """McNemar's exact two-sided test that neither is better."""
        return metrics.mcnemar_exact(self.fixed, self.broke)


@dataclass(frozen=True, slots=True)
class Subgroup:
    """The images of one class (``group`` is `class`) or of one value of a slice."""

    group: str
    value: str
    pair: PairedCounts


@dataclass(frozen=True, slots=True)
class Change:
    """An image that one evaluation read right and the other did not; None is an image found blank.

    ``rows`` says where the two record it.
    """

    id: str
    truth: str
    first: str | None
    second: str | None
    rows: tuple[int, int]


@dataclass(frozen=True)
class Comparison:
    """Several evaluations of the same images; every other one is compared with the first."""

    names: tuple[str, ...]
    evaluations: tuple[Evaluation, ...]
    shared: Shared

    @cached_property
    def tallies(self) -> tuple[Tally, ...]:
        """What each evaluation read right of the shared images."""
        return tuple(Tally(int(hits.sum()), len(hits)) for hits in self.shared.hits)

    def pair(self, other: int) -> PairedCounts:
        """Return how the evaluation numbered ``other`` differs from the first."""
        return PairedCounts.of(self.shared.hits[0], self.shared.hits[other])

    def fixed(self, other: int) -> list[Change]:
        """Return the images that ``other`` read right and the first did not."""
        return self._changes(other, ~self.shared.hits[0] & self.shared.hits[other])

    def broke(self, other: int) -> list[Change]:
        """Return the images that the first read right and ``other`` did not."""
        return self._changes(other, self.shared.hits[0] & ~self.shared.hits[other])

    def _changes(self, other: int, chosen: NDArray[np.bool_]) -> list[Change]:
        records = self.evaluations[0].records
        return [
            Change(
                self.shared.ids[place],
                str(records.truth[self.shared.rows[0, place]]),
                self._read(0, place),
                self._read(other, place),
                (int(self.shared.rows[0, place]), int(self.shared.rows[other, place])),
            )
            for place in np.flatnonzero(chosen).tolist()
        ]

    def _read(self, evaluation: int, place: int) -> str | None:
        return self.evaluations[evaluation].record(int(self.shared.rows[evaluation, place])).predicted

    def subgroups(self, other: int) -> list[Subgroup]:
        """Return the pair of each class, then of each value of each slice that the first evaluation knows."""
        records, rows = self.evaluations[0].records, self.shared.rows[0].tolist()
        truths = [str(records.truth[row]) for row in rows]
        slices = [
            ("slice_class" if name == "class" else name, [values[row] for row in rows])
            for name, values in records.slices.items()
        ]
        groups = [("class", truths), *slices]
        return [found for name, values in groups for found in self._of_group(name, values, other)]

    def _of_group(self, group: str, values: Sequence[str], other: int) -> list[Subgroup]:
        first, second = self.shared.hits[0], self.shared.hits[other]
        members: dict[str, list[int]] = {}
        for place, value in enumerate(values):
            members.setdefault(value, []).append(place)
        return [Subgroup(group, value, PairedCounts.of(first[at], second[at])) for value, at in sorted(members.items())]


def compare(evaluations: Sequence[Evaluation], names: Sequence[str]) -> Comparison:
    """Compare two evaluations or more on the images that all of them scored under the same truth.

    Raises ConfigError when there are fewer than two, or when they share no image.
    """
    if len(evaluations) < 2:
        raise ConfigError("one evaluation cannot be compared. Name two or more.")
    return Comparison(tuple(names), tuple(evaluations), shared_images(evaluations))
