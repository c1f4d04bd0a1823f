"""Which images several evaluations share, and what changed between two of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from batch_eval.engines.rows import Picture
from batch_eval.errors import ConfigError
from batch_eval.evaluation import metrics
from batch_eval.evaluation.breakdown import usable_slices
from batch_eval.evaluation.metrics import Tally
from batch_eval.evaluation.records import Evaluation
from batch_eval.outcome import OUTCOMES, Outcome
from batch_eval.texts import Coded, Texts
from batch_eval.wording import percent, printable

if TYPE_CHECKING:
    from batch_eval.evaluation.streamed import Changed, Joint

PICTURES_SHOWN = 300
"""Images that a page shows under Fixed and under Broke."""


@dataclass(frozen=True)
class Shared:
    """The N images that all K evaluations scored under the same truth.

    They are in the order of the first evaluation. ``rows`` (K, N) holds their rows in each evaluation. ``hits`` (K, N)
    bool tells which were read correctly. ``relabelled`` counts images that all scored, under different truths. They
    cannot be compared.
    """

    ids: Texts
    rows: NDArray[np.intp]
    hits: NDArray[np.bool_]
    relabelled: int


class NothingSharedError(ConfigError):
    """Evaluations that have no scored image in common."""


def _nothing_shared(evaluations: Sequence[Evaluation], matched: int) -> NothingSharedError:
    folders = ", ".join(repr(evaluation.provenance.folder) for evaluation in evaluations)
    return NothingSharedError(
        f"the evaluations have no scored image in common ({folders}; {matched} paths match, none with the same "
        "label). Images are matched by their path in the folder. Compare evaluations of the same folder."
    )


def shared_images(evaluations: Sequence[Evaluation]) -> Shared:
    """Return the images that can be compared. Raises ConfigError when there is none."""
    if any(evaluation.sums is not None for evaluation in evaluations):
        raise ConfigError(
            "an evaluation of a large set is compared in pairs with others of its kind, not ranked. Use --pairs."
        )
    rows = _common(evaluations)
    # Under another label the same image asks for another answer, so hits could not be compared.
    truths = Coded.joined(e.records.truth for e in evaluations).codes  # with the same codes for all
    lengths = [len(e.records) for e in evaluations]
    coded = [some[r] for some, r in zip(np.split(truths, np.cumsum(lengths)[:-1]), rows, strict=True)]
    same = np.all([codes == coded[0] for codes in coded], axis=0)
    if not same.any():
        raise _nothing_shared(evaluations, len(same))
    rows = rows[:, same]
    right = OUTCOMES.index(Outcome.CORRECT)
    hits = np.stack([e.records.outcome[r] == right for e, r in zip(evaluations, rows, strict=True)])
    return Shared(evaluations[0].records.ids.kept(_mask(evaluations[0], rows[0])), rows, hits, int((~same).sum()))


def _common(evaluations: Sequence[Evaluation]) -> NDArray[np.intp]:
    """Return (K, N) the rows of the images that all scored, in the order of the first evaluation."""
    first, *others = evaluations
    ids = first.records.ids
    found = [first.scored_rows]
    for other in others:
        scored = other.scored_rows
        if other.records.ids == ids:  # the same set in the same order, as it mostly is
            own = np.where(_mask(other, scored), np.arange(len(ids)), -1)[found[0]]
        else:
            names = other.records.ids.kept(_mask(other, scored))
            places = dict(zip(names, scored.tolist(), strict=True))
            own = np.array([places.get(name, -1) for name in ids.kept(_mask(first, found[0]))], np.intp)
        found = [rows[own >= 0] for rows in (*found, own)]
    return np.stack(found)


def _mask(evaluation: Evaluation, rows: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Return (N,) bool: some rows of an evaluation."""
    mask = np.zeros(len(evaluation.records), np.bool_)
    mask[rows] = True
    return mask


@dataclass(frozen=True, slots=True)
class PairedCounts:
    """How many of ``n`` images both evaluations read correctly, only the second, or only the first.

    McNemar's test and Tango's interval start from this 2 × 2 table. ``fixed`` counts images that only the second read
    correctly, ``broke`` those that only the first did.
    """

    n: int
    both: int
    fixed: int
    broke: int

    @classmethod
    def of(cls, first: NDArray[np.bool_], second: NDArray[np.bool_]) -> PairedCounts:
        """Count the hits of two evaluations, each (n,) bool."""
        both, fixed, broke = first & second, ~first & second, first & ~second
        return cls(len(first), int(both.sum()), int(fixed.sum()), int(broke.sum()))

    @classmethod
    def of_cells(cls, cells: NDArray[np.int64]) -> PairedCounts:
        """Return the counts of a (2, 2) table: read correctly by the first, by the second."""
        (_, fixed), (broke, both) = cells.tolist()
        return cls(int(cells.sum()), both, fixed, broke)

    @property
    def first(self) -> Tally:
        """Tally of the first evaluation."""
        return Tally(self.both + self.broke, self.n)

    @property
    def second(self) -> Tally:
        """Tally of the second evaluation."""
        return Tally(self.both + self.fixed, self.n)

    @property
    def difference(self) -> float:
        """Second accuracy minus the first, in -1..1."""
        return metrics.ratio(self.fixed - self.broke, self.n)

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval of the difference (Tango)."""
        return metrics.tango_interval(self.fixed, self.broke, self.n)

    @property
    def p_value(self) -> float:
        """Two-sided p-value of McNemar's exact test."""
        return metrics.mcnemar_exact(self.fixed, self.broke)


@dataclass(frozen=True, slots=True)
class Subgroup:
    """The images of one class or slice value. ``group`` is `class` or the name of the slice."""

    group: str
    value: str
    pair: PairedCounts


@dataclass(frozen=True, slots=True)
class Change:
    """An image that only one of two evaluations read correctly.

    ``first`` and ``second`` are the predictions, None where blank. ``rows`` are its rows in the two evaluations.
    """

    id: str
    truth: str
    first: str | None
    second: str | None
    rows: tuple[int, int]


@dataclass(frozen=True, repr=False)
class Comparison:
    """Several evaluations of the same images. Each further one is compared with the first. Its ``repr`` is one line."""

    names: tuple[str, ...]
    evaluations: tuple[Evaluation, ...]
    shared: Shared

    def __repr__(self) -> str:
        """Return the accuracies on the shared images, in one line."""
        each = ", ".join(f"{name} {percent(t.share)}" for name, t in zip(self.names, self.tallies, strict=True))
        return printable(f"<Comparison (n = {len(self.shared.ids):,}): {each}>")

    @property
    def images(self) -> int:
        """Number of images that are compared."""
        return len(self.shared.ids)

    @property
    def relabelled(self) -> int:
        """Number of images that all scored under different truths."""
        return self.shared.relabelled

    @cached_property
    def tallies(self) -> tuple[Tally, ...]:
        """Tally of each evaluation on the shared images."""
        return tuple(Tally(int(hits.sum()), len(hits)) for hits in self.shared.hits)

    def pair(self, other: int) -> PairedCounts:
        """Return the counts of the first evaluation and number ``other``."""
        return PairedCounts.of(self.shared.hits[0], self.shared.hits[other])

    def fixed(self, other: int) -> list[Change]:
        """Return the images that only ``other`` read correctly."""
        return self._changes(other, ~self.shared.hits[0] & self.shared.hits[other])

    def broke(self, other: int) -> list[Change]:
        """Return the images that only the first read correctly."""
        return self._changes(other, self.shared.hits[0] & ~self.shared.hits[other])

    @property
    def pictured(self) -> list[list[int]]:
        """Rows of each evaluation whose pictures reports show: errors that another one did not make."""
        # The picture is of the evaluation that misread the image: the first where another fixed it, else the other.
        rows = [[change.rows[0] for i in range(1, len(self.names)) for change in self.fixed(i)[:PICTURES_SHOWN]]]
        rows += [[change.rows[1] for change in self.broke(i)[:PICTURES_SHOWN]] for i in range(1, len(self.names))]
        return [list(dict.fromkeys(some)) for some in rows]

    def with_pictures(self, pictures: Sequence[Mapping[int, Picture]]) -> Comparison:
        """Return the comparison with these pictures of each evaluation, by row."""
        evaluations = tuple(
            replace(evaluation, records=replace(evaluation.records, pictures=some))
            for evaluation, some in zip(self.evaluations, pictures, strict=True)
        )
        return replace(self, evaluations=evaluations)

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
        """Return each class, then each value of the first evaluation's slices that have few values."""
        # A slice may be named `class` too. The prefix keeps it apart from the classes.
        slices = [
            ("slice_class" if name == "class" else name, values)
            for name, values in usable_slices(self.evaluations[0]).shown.items()
        ]
        groups: list[tuple[str, Coded[Any]]] = [("class", self.evaluations[0].records.truth), *slices]
        return [found for name, values in groups for found in self._of_group(name, values, other)]

    def _of_group(self, group: str, column: Coded[Any], other: int) -> list[Subgroup]:
        first, second = self.shared.hits[0], self.shared.hits[other]
        values = column.at(self.shared.rows[0])
        members = {str(value): values.codes == code for code, value in enumerate(values.values)}
        return [Subgroup(group, value, PairedCounts.of(first[at], second[at])) for value, at in sorted(members.items())]


@dataclass(frozen=True)
class LargeComparison:
    """A comparison of large sets: as `Comparison`, but the images that changed are a sample."""

    names: tuple[str, ...]
    evaluations: tuple[Evaluation, ...]
    joint: Joint

    @property
    def images(self) -> int:
        """Number of images that are compared."""
        return self.joint.images

    @property
    def relabelled(self) -> int:
        """Number of images that all scored under different truths."""
        return self.joint.matched - self.joint.images

    @property
    def tallies(self) -> tuple[Tally, ...]:
        """Tally of each evaluation on the shared images."""
        return tuple(Tally(hits, self.joint.images) for hits in self.joint.hits)

    def pair(self, other: int) -> PairedCounts:
        """Return the counts of the first evaluation and number ``other``."""
        return PairedCounts.of_cells(self.joint.pairs[other - 1].counts)

    def fixed(self, other: int) -> list[Change]:
        """Return a sample of the images that only ``other`` read correctly."""
        return self._changes(other, self.joint.pairs[other - 1].fixed)

    def broke(self, other: int) -> list[Change]:
        """Return a sample of the images that only the first read correctly."""
        return self._changes(other, self.joint.pairs[other - 1].broke)

    def subgroups(self, other: int) -> list[Subgroup]:
        """Return each class, then each value of the first evaluation's slices that have few values."""
        groups = self.joint.pairs[other - 1].groups
        order = {group: place for place, group in enumerate(dict.fromkeys(group for group, _ in groups))}
        return [
            Subgroup(group, value, PairedCounts.of_cells(groups[group, value]))
            for group, value in sorted(groups, key=lambda name: (order[name[0]], name[1]))
        ]

    def _changes(self, other: int, kept: Sequence[tuple[int, Changed]]) -> list[Change]:
        places = [{id_: row for row, id_ in enumerate(e.records.ids)} for e in self.evaluations]
        # -1 is no row: only those in both samples of errors have a picture
        return [
            Change(
                *(one.id, one.truth, one.first, one.second),
                (places[0].get(one.id, -1), places[other].get(one.id, -1)),
            )
            for _, one in sorted(kept, key=lambda pair: -pair[0])
        ]


def paired_counts(first: Evaluation, second: Evaluation) -> PairedCounts:
    """Return the counts of two evaluations on the images that both scored. Raises `NothingSharedError`."""
    if first.sums is None and second.sums is None:
        hits = shared_images([first, second]).hits
        return PairedCounts.of(hits[0], hits[1])
    return _large([first, second], ["", ""]).pair(1)


def _large(evaluations: Sequence[Evaluation], names: Sequence[str]) -> LargeComparison:
    """Compare evaluations, of which some are of large sets. Raises ConfigError where their rows are not there."""
    from batch_eval.evaluation.streamed import joint  # late: it needs pyarrow

    streams = tuple(evaluation.every_row for evaluation in evaluations)
    if any(stream is None for stream in streams):
        raise ConfigError(
            "an evaluation of a large set is compared with others of its kind, each with its predictions.parquet. "
            "Merge the parts of both with the same --whole-up-to."
        )
    slices = tuple(usable_slices(evaluations[0]).shown) if any(names) else ()
    found = joint(tuple(stream for stream in streams if stream is not None), slices)
    if not found.images:
        raise _nothing_shared(evaluations, found.matched)
    return LargeComparison(tuple(names), tuple(evaluations), found)


def compare(evaluations: Sequence[Evaluation], names: Sequence[str]) -> Comparison | LargeComparison:
    """Compare evaluations on the images that all of them scored under the same truth.

    Raises ConfigError for fewer than two evaluations, or when they share no image.
    """
    if len(evaluations) < 2:
        raise ConfigError("a comparison needs two or more evaluations. Name another.")
    if any(evaluation.sums is not None for evaluation in evaluations):
        return _large(evaluations, names)
    return compare_whole(evaluations, names)


def compare_whole(evaluations: Sequence[Evaluation], names: Sequence[str]) -> Comparison:
    """Compare evaluations whose rows are in memory. Raises ConfigError when they share no image."""
    return Comparison(tuple(names), tuple(evaluations), shared_images(evaluations))
