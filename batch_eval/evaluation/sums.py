"""Sums: figures of an evaluation as integers, so that those of its parts add up to the same bits in any order.

They hold everything that follows from counts. What needs the rows, such as suspect labels, does not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

import numpy as np

from batch_eval.dataset.sample import LABEL_SUMS, label_sum
from batch_eval.evaluation import metrics
from batch_eval.evaluation.breakdown import by_slice, coverage, scored_predictions
from batch_eval.evaluation.records import Evaluation
from batch_eval.outcome import OUTCOMES, Outcome

BINS = 15
"""Bins of the reliability diagram."""
THRESHOLDS = tuple(i / 100 for i in range(101))
"""Confidences at which the coverage is counted."""
MOST_VALUES = 1000
"""Values of a slice that are counted. A slice with more groups nothing, and would make the sums as long as the rows."""

Tallies = dict[str, tuple[int, int]]
"""Hits and number of scored images by value."""


@dataclass(frozen=True)
class Sums:
    """Counts of an evaluation, or of a part of one.

    - ``outcomes``: images by outcome.
    - ``confusion``: C · (C + 1) counts, as in Evaluation, row by row.
    - ``slices``: tallies by slice. None where a slice has more than ``MOST_VALUES`` values.
    - ``flags``: the tally of scored images with each flag.
    - ``bins``: images, hits and units of confidence of each bin.
    - ``coverage``: hits and images that are kept at each of ``THRESHOLDS``.
    - ``labels``: the `label_sum` of ids and truths.
    """

    outcomes: tuple[int, ...]
    confusion: tuple[int, ...]
    slices: Mapping[str, Tallies | None] = field(default_factory=dict)
    flags: Tallies = field(default_factory=dict)
    bins: tuple[tuple[int, int, int], ...] = ((0, 0, 0),) * BINS
    coverage: tuple[tuple[int, int], ...] = ((0, 0),) * len(THRESHOLDS)
    labels: int = 0

    @classmethod
    def of(cls, evaluation: Evaluation) -> Sums:
        """Return the sums of an evaluation."""
        r, rows = evaluation.records, evaluation.scored_rows
        hits = r.outcome[rows] == OUTCOMES.index(Outcome.CORRECT)
        return cls(
            outcomes=tuple(evaluation.counts[outcome] for outcome in OUTCOMES),
            confusion=tuple(evaluation.confusion.ravel().tolist()),
            slices={
                one.name: _bounded({value: (tally.hits, tally.n) for value, tally in one.tallies})
                for one in by_slice(evaluation)
            },
            flags={name: (int(hits[flag[rows]].sum()), int(flag[rows].sum())) for name, flag in r.flags.items()},
            bins=tuple(
                (n, right, units)
                for n, right, units in zip(*metrics.reliability_sums(*scored_predictions(evaluation)), strict=True)
            ),
            coverage=tuple((tally.hits, tally.n) for tally in coverage(evaluation, THRESHOLDS)),
            labels=label_sum(zip(r.ids, r.truth, strict=True)),
        )

    def __add__(self, other: Sums) -> Sums:
        """Return the sums of both together."""
        return Sums(
            outcomes=_added(self.outcomes, other.outcomes),
            confusion=_added(self.confusion, other.confusion),
            slices={
                name: _bounded_sum(self.slices.get(name, {}), other.slices.get(name, {}))
                for name in {**self.slices, **other.slices}
            },
            flags=_tallies(self.flags, other.flags),
            bins=tuple((a[0] + b[0], a[1] + b[1], a[2] + b[2]) for a, b in zip(self.bins, other.bins, strict=True)),
            coverage=tuple((a[0] + b[0], a[1] + b[1]) for a, b in zip(self.coverage, other.coverage, strict=True)),
            labels=(self.labels + other.labels) % LABEL_SUMS,
        )

    @classmethod
    def total(cls, parts: Iterable[Sums], classes: int) -> Sums:
        """Return the sums of all parts together."""
        empty = cls((0,) * len(OUTCOMES), (0,) * (classes * (classes + 1)))
        return reduce(cls.__add__, parts, empty)

    def to_json(self) -> dict[str, Any]:
        """Return what JSON holds of them. Keys are in order, so that equal sums have equal texts."""
        return {
            "outcomes": dict(zip(OUTCOMES, self.outcomes, strict=True)),
            "confusion": self.confusion,
            "slices": {name: _sorted(tallies) for name, tallies in sorted(self.slices.items())},
            "flags": _sorted(self.flags),
            "bins": self.bins,
            "coverage": self.coverage,
            "labels_sha256": f"{self.labels:064x}",
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Sums:
        """Return the sums that `to_json` wrote. Raises KeyError, TypeError or ValueError for anything else."""
        return cls(
            outcomes=tuple(int(stored["outcomes"][outcome]) for outcome in OUTCOMES),
            confusion=tuple(map(int, stored["confusion"])),
            slices={name: None if tallies is None else _parsed(tallies) for name, tallies in stored["slices"].items()},
            flags=_parsed(stored["flags"]),
            bins=tuple((int(n), int(hits), int(units)) for n, hits, units in stored["bins"]),
            coverage=tuple((int(hits), int(n)) for hits, n in stored["coverage"]),
            labels=int(stored["labels_sha256"], 16),
        )


def _added(one: tuple[int, ...], other: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(a + b for a, b in zip(one, other, strict=True))


def _tallies(one: Tallies, other: Tallies) -> Tallies:
    hits, n = (Counter({name: tally[i] for name, tally in one.items()}) for i in (0, 1))
    for name, tally in other.items():
        hits[name] += tally[0]
        n[name] += tally[1]
    return {name: (hits[name], n[name]) for name in n}


def _bounded(tallies: Tallies) -> Tallies | None:
    return tallies if len(tallies) <= MOST_VALUES else None


def _bounded_sum(one: Tallies | None, other: Tallies | None) -> Tallies | None:
    return None if one is None or other is None else _bounded(_tallies(one, other))


def _sorted(tallies: Tallies | None) -> Tallies | None:
    return None if tallies is None else dict(sorted(tallies.items()))


def _parsed(stored: Mapping[str, Any]) -> Tallies:
    return {name: (int(hits), int(n)) for name, (hits, n) in stored.items()}


def confusion_matrix(sums: Sums, classes: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return the (C, C + 1) confusion matrix."""
    return np.array(sums.confusion, np.int64).reshape(classes, classes + 1)
