"""How far a model is from breaking: its accuracy on the same images, plain and distorted at growing levels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from batch_eval.distortions.distortion import Distortion, Setting
from batch_eval.evaluation.metrics import SIGNIFICANCE, Tally
from batch_eval.evaluation.paired import PairedCounts
from batch_eval.evaluation.records import Provenance, above
from batch_eval.wording import percent, printable

SHOWN_FALLS = 24
"""Images that a page shows among the first to fall."""
MONTAGE = 3
"""Images that a page shows at every setting."""


@dataclass(frozen=True, slots=True)
class Point:
    """A distortion at one level. ``pair`` compares the plain reading (first) with the distorted one (second)."""

    setting: Setting
    column: int
    """Its column in `StressTest.read`."""
    pair: PairedCounts

    @property
    def tally(self) -> Tally:
        """Images read correctly at this level."""
        return self.pair.second

    @property
    def broken(self) -> bool:
        """Whether the accuracy is significantly below the plain one: McNemar's exact test, p < 0.05."""
        return self.pair.broke > self.pair.fixed and self.pair.p_value < SIGNIFICANCE


@dataclass(frozen=True, slots=True)
class Curve:
    """A distortion at all its levels, from mild to harsh."""

    distortion: Distortion
    points: tuple[Point, ...]

    @property
    def first_broken(self) -> int | None:
        """Index of the first level at which the accuracy is significantly below the plain one."""
        return next((i for i, point in enumerate(self.points) if point.broken), None)

    @property
    def holds(self) -> Point | None:
        """The last level before that; None where the first level breaks."""
        broken = self.first_broken
        if broken == 0:
            return None
        return self.points[-1 if broken is None else broken - 1]

    @property
    def breaks(self) -> Point | None:
        """The first level at which the accuracy is significantly below the plain one; None where all levels hold."""
        return None if self.first_broken is None else self.points[self.first_broken]


class Fall(NamedTuple):
    """An image that is read plain, and misread at ``falls`` settings.

    ``place`` is its row in `StressTest.read`. ``column`` is the mildest setting at which it is misread: mild as the
    share of the distortion's levels up to it.
    """

    place: int
    falls: int
    column: int


@dataclass(frozen=True, repr=False)
class StressTest:
    """What a model reads in N images, plain and at S settings of a suite. Its ``repr`` is one line.

    ``read`` (N, 1 + S) int16 holds numbers of ``class_names``; negative ones are not read. Column 0 is plain.
    ``pictures`` holds those of `pictured` that could be made, by place and column.
    """

    suite: str
    seed: int
    distortions: tuple[Distortion, ...]
    class_names: tuple[str, ...]
    ids: tuple[str, ...]
    truths: tuple[str, ...]
    read: NDArray[np.int16]
    provenance: Provenance
    images: int
    """Labelled images of the set, of which N were drawn."""
    pictures: Mapping[tuple[int, int], bytes] = field(default_factory=dict)

    def __repr__(self) -> str:
        """Return the accuracy and what breaks it first, in one line."""
        first = next((curve.breaks for curve in self.ranked if curve.breaks), None)
        broken = f"breaks first at {first.setting}" if first else "nothing breaks it"
        return f"<StressTest {printable(self.provenance.model)}: {percent(self.plain.share)} plain, {broken}>"

    def report(self, folder: str | Path, formats: Sequence[str] = ("html",)) -> list[Path]:
        """Write reports into a folder; return their paths. ``formats`` are those of `batch-eval stress`.

        Raises ReportError when the folder cannot be written, ConfigError for an unknown format.
        """
        kind = above("reports.registry", "Kind").STRESS
        written: list[Path] = above("reports.writing", "write_reports")(self, Path(folder), formats, kind=kind)
        return written

    @cached_property
    def settings(self) -> tuple[Setting, ...]:
        """The setting of each column but the first."""
        return tuple(Setting(one, level) for one in self.distortions for level in one.levels)

    @cached_property
    def hits(self) -> NDArray[np.bool_]:
        """(N, 1 + S) whether each image was read correctly."""
        number = {name: i for i, name in enumerate(self.class_names)}
        return np.asarray(self.read == np.array([number[truth] for truth in self.truths])[:, None])

    @property
    def plain(self) -> Tally:
        """Images read correctly without a distortion."""
        return Tally(int(self.hits[:, 0].sum()), len(self.ids))

    @cached_property
    def curves(self) -> tuple[Curve, ...]:
        """Each distortion, in the order of the suite."""
        columns = {str(setting): column for column, setting in enumerate(self.settings, start=1)}
        return tuple(
            Curve(one, tuple(self._point(Setting(one, level), columns) for level in one.levels))
            for one in self.distortions
        )

    def _point(self, setting: Setting, columns: Mapping[str, int]) -> Point:
        column = columns[str(setting)]
        return Point(setting, column, PairedCounts.of(self.hits[:, 0], self.hits[:, column]))

    @property
    def ranked(self) -> list[Curve]:
        """The distortions, that which breaks the model first at the front.

        Levels of different distortions have no common unit. So the first is the one that breaks at the smallest share
        of its levels, then the one with the lowest accuracy there. Those that hold follow by their lowest accuracy.
        """
        return sorted(self.curves, key=_order)

    @property
    def mean(self) -> float:
        """Mean accuracy of all settings, as papers report MNIST-C."""
        return float(self.hits[:, 1:].mean())

    def read_as(self, place: int, column: int) -> str | None:
        """Return what was read in an image, None where no ink was found."""
        number = int(self.read[place, column])
        return self.class_names[number] if number >= 0 else None

    @cached_property
    def falls(self) -> tuple[Fall, ...]:
        """Images that are read plain and misread at a setting. Those that fall at most settings come first."""
        # Levels have no common unit, so a setting is as mild as its place among its distortion's levels.
        severity = np.array([(i + 1) / len(one.levels) for one in self.distortions for i in range(len(one.levels))])
        found = []
        for place in np.flatnonzero(self.hits[:, 0]).tolist():
            fallen = np.flatnonzero(~self.hits[place, 1:])
            if len(fallen):
                mildest = int(fallen[np.argmin(severity[fallen])])
                found.append(Fall(place, len(fallen), mildest + 1))
        return tuple(sorted(found, key=lambda fall: -fall.falls))

    @property
    def montage(self) -> list[int]:
        """Places of the images that are shown at every setting.

        All are read plain. One falls early, one falls about as early as half of the others, one falls late.
        """
        read = np.flatnonzero(self.hits[:, 0])
        order = read[np.argsort(self.hits[read].sum(axis=1), kind="stable")].tolist()
        chosen = [order[round(share * (len(order) - 1))] for share in np.linspace(0, 1, MONTAGE)] if order else [0]
        return list(dict.fromkeys(chosen))

    @property
    def pictured(self) -> list[tuple[int, int]]:
        """Place and column of each picture that pages show."""
        columns = range(1 + len(self.settings))
        shown = [(place, column) for place in self.montage for column in columns]
        falls = [(fall.place, column) for fall in self.falls[:SHOWN_FALLS] for column in (0, fall.column)]
        return list(dict.fromkeys([*shown, *falls]))


def _order(curve: Curve) -> tuple[float, float]:
    lowest = min(point.tally.share for point in curve.points)
    if curve.breaks is None or curve.first_broken is None:
        return 2.0, lowest
    return (curve.first_broken + 1) / len(curve.points), curve.breaks.tally.share


def find_points(test: StressTest, wanted: Sequence[Setting]) -> list[Point]:
    """Return the points of settings, in their order."""
    points = {str(point.setting): point for curve in test.curves for point in curve.points}
    return [points[str(setting)] for setting in wanted]
