"""Sums: figures of an evaluation as integers, so that those of its parts add up to the same bits in any order.

They hold everything that follows from counts. What needs the rows, such as suspect labels, does not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

from batch_eval.dataset.sample import LABEL_SUMS
from batch_eval.outcome import OUTCOMES

BINS = 15
"""Bins of the reliability diagram."""
THRESHOLDS = tuple(i / 100 for i in range(101))
"""Confidences at which the coverage is counted."""
MOST_VALUES = 1000
"""Values of a slice that are counted. A slice with more groups nothing, and would make the sums as long as the rows."""

Counts = dict[str, tuple[int, ...]]
"""Counts by name: hits, and number of scored images. Of a slice's value, a third is the number of files."""


@dataclass(frozen=True)
class Sums:
    """Counts of an evaluation, or of a part of one.

    - ``outcomes``: images by outcome.
    - ``confusion``: C · (C + 1) counts, as in Evaluation, row by row.
    - ``slices``: counts of each value by slice. None where a slice has more than ``MOST_VALUES`` values.
    - ``flags``: counts of the images with each flag.
    - ``truths``: files with each label.
    - ``bins``: images, hits and units of confidence of each bin.
    - ``coverage``: hits and images that are kept at each of ``THRESHOLDS``.
    - ``labels``: the `label_sum` of ids and truths.
    """

    outcomes: tuple[int, ...]
    confusion: tuple[int, ...]
    slices: Mapping[str, Counts | None] = field(default_factory=dict)
    flags: Counts = field(default_factory=dict)
    truths: Counts = field(default_factory=dict)
    bins: tuple[tuple[int, int, int], ...] = ((0, 0, 0),) * BINS
    coverage: tuple[tuple[int, int], ...] = ((0, 0),) * len(THRESHOLDS)
    labels: int = 0

    def __add__(self, other: Sums) -> Sums:
        """Return the sums of both together."""
        return Sums(
            outcomes=_added(self.outcomes, other.outcomes),
            confusion=_added(self.confusion, other.confusion),
            slices={
                name: _bounded_sum(self.slices.get(name, {}), other.slices.get(name, {}))
                for name in {**self.slices, **other.slices}
            },
            flags=_sum(self.flags, other.flags),
            truths=_sum(self.truths, other.truths),
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
            "truths": _sorted(self.truths),
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
            truths=_parsed(stored["truths"]),
            bins=tuple((int(n), int(hits), int(units)) for n, hits, units in stored["bins"]),
            coverage=tuple((int(hits), int(n)) for hits, n in stored["coverage"]),
            labels=int(stored["labels_sha256"], 16),
        )


def _added(one: tuple[int, ...], other: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(a + b for a, b in zip(one, other, strict=True))


def _sum(one: Counts, other: Counts) -> Counts:
    found = dict(one)
    for name, counts in other.items():
        found[name] = _added(found[name], counts) if name in found else counts
    return found


def bounded(tallies: Counts) -> Counts | None:
    """Return the counts of a slice's values, or None where they are too many."""
    return tallies if len(tallies) <= MOST_VALUES else None


def _bounded_sum(one: Counts | None, other: Counts | None) -> Counts | None:
    return None if one is None or other is None else bounded(_sum(one, other))


def _sorted(tallies: Counts | None) -> Counts | None:
    return None if tallies is None else dict(sorted(tallies.items()))


def _parsed(stored: Mapping[str, Any]) -> Counts:
    return {name: tuple(map(int, counts)) for name, counts in stored.items()}
