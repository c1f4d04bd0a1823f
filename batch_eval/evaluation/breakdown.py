"""Accuracy by slice, by quality flag and by confidence."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from batch_eval.errors import ConfigError
from batch_eval.evaluation import metrics
from batch_eval.evaluation.metrics import ReliabilityBin, Tally
from batch_eval.evaluation.records import Evaluation
from batch_eval.evaluation.sums import MOST_VALUES, THRESHOLDS, Counts
from batch_eval.outcome import OUTCOMES, Outcome
from batch_eval.texts import Coded
from batch_eval.wording import printable

MAX_VALUES = 20
"""Values of a slice up to which reports show it. A comment or a time has many more, and groups nothing."""


@dataclass(frozen=True, slots=True)
class Slices:
    """The slices that reports show, and those left out.

    ``shown`` holds N values of each slice, ``left_out`` the number of distinct values. Of a large set, ``shown`` holds
    each value once, and ``left_out`` None where there are too many to count.
    """

    shown: Mapping[str, Coded[str]]
    left_out: Mapping[str, int | None]

    @property
    def note(self) -> str:
        """Return the sentence about slices that are left out; empty where none is."""
        if not self.left_out:
            return ""
        counts = {name: f"{count:,}" if count else f"over {MOST_VALUES:,}" for name, count in self.left_out.items()}
        names = ", ".join(f"{printable(name)} ({count} values)" for name, count in counts.items())
        return f"Not shown, as they have more than {MAX_VALUES} values: {names}. Choose slices with --slice."


def usable_slices(evaluation: Evaluation, chosen: Sequence[str] = ()) -> Slices:
    """Return the chosen slices, or those with at most ``MAX_VALUES`` values.

    Raises ConfigError when a chosen slice does not exist.
    """
    slices = {name: Coded.of(values) for name, values in evaluation.slice_values.items()}
    sums = evaluation.sums
    counts = {
        name: len(values.values) for name, values in slices.items() if sums is None or sums.slices[name] is not None
    }
    if chosen:
        check_slices(chosen, slices)
        return Slices(
            {name: slices[name] for name in chosen if name in counts},
            {name: None for name in chosen if name not in counts},
        )
    return Slices(
        {name: values for name, values in slices.items() if counts.get(name, MOST_VALUES) <= MAX_VALUES},
        {name: counts.get(name) for name in slices if counts.get(name, MOST_VALUES) > MAX_VALUES},
    )


def check_slices(chosen: Sequence[str], known: Collection[str]) -> None:
    """Raise ConfigError when a chosen slice does not exist."""
    for name in chosen:
        if name not in known:
            found = ", ".join(map(repr, known)) or "none"
            raise ConfigError(f"--slice names {name!r}, which is no slice. Found: {found}.")


@dataclass(frozen=True, slots=True)
class Breakdown:
    """A slice: the tally of each of its values, largest first."""

    name: str
    tallies: tuple[tuple[str, Tally], ...]


@dataclass(frozen=True, slots=True)
class FlagTally:
    """The tally of scored images with a quality flag, and of those without it."""

    name: str
    having: Tally
    lacking: Tally


def _hits(evaluation: Evaluation, rows: NDArray[np.intp]) -> NDArray[np.bool_]:
    return np.asarray(evaluation.records.outcome[rows] == OUTCOMES.index(Outcome.CORRECT))


def by_slice(evaluation: Evaluation, slices: Mapping[str, Coded[str]] | None = None) -> list[Breakdown]:
    """Return the tallies of each slice's values; ``slices`` are those to look at, by default all."""
    if evaluation.sums is not None:
        counted = {name: counts for name, counts in evaluation.sums.slices.items() if counts is not None}
        return [_counted(name, counted[name]) for name in (counted if slices is None else slices)]
    rows = evaluation.scored_rows
    hits = _hits(evaluation, rows)
    found = []
    for name, values in (evaluation.records.slices if slices is None else slices).items():
        tallies = metrics.tally_by(values.at(rows), hits)
        found.append(Breakdown(name, tuple(sorted(tallies.items(), key=lambda part: -part[1].n))))
    return found


def _counted(name: str, counts: Counts) -> Breakdown:
    tallies = {value: Tally(hits, n) for value, (hits, n, _) in counts.items() if n}
    return Breakdown(name, tuple(sorted(tallies.items(), key=lambda part: -part[1].n)))


def by_flag(evaluation: Evaluation) -> list[FlagTally]:
    """Return the tallies with and without each quality flag that occurs, most frequent first."""
    if evaluation.sums is not None:
        right, n = evaluation.counts[Outcome.CORRECT], evaluation.scored
        counted = [
            FlagTally(name, Tally(hits, having), Tally(right - hits, n - having))
            for name, (hits, having) in evaluation.sums.flags.items()
            if having
        ]
        return sorted(counted, key=lambda flag: -flag.having.n)
    rows = evaluation.scored_rows
    hits = _hits(evaluation, rows)
    found = []
    for name, flag in evaluation.records.flags.items():
        has = flag[rows]
        if has.any():
            found.append(FlagTally(name, _tally(hits[has]), _tally(hits[~has])))
    return sorted(found, key=lambda flag: -flag.having.n)


def _tally(hits: NDArray[np.bool_]) -> Tally:
    return Tally(int(hits.sum()), len(hits))


def calibration(evaluation: Evaluation) -> tuple[ReliabilityBin, ...]:
    """Return the reliability bins of the scored images that have a prediction."""
    if evaluation.sums is not None:
        return metrics.reliability_of(*zip(*evaluation.sums.bins, strict=True))
    return metrics.reliability(*scored_predictions(evaluation))


def scored_predictions(evaluation: Evaluation) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return the confidence of the scored images that have a prediction, and which are hits."""
    rows = evaluation.scored_rows
    # A blank image is an error with confidence 0. It would fill the lowest bin, though no model read it.
    rows = rows[evaluation.records.has_prediction[rows]]
    return evaluation.records.confidence[rows], _hits(evaluation, rows)


def calibration_error(evaluation: Evaluation) -> float:
    """Return the expected calibration error; NaN without predictions."""
    return metrics.expected_calibration_error(calibration(evaluation))


def coverage(evaluation: Evaluation, thresholds: tuple[float, ...]) -> tuple[Tally, ...]:
    """Return the tally of images kept at each confidence threshold. Blank images have confidence 0.

    Of a large set, thresholds must be among `THRESHOLDS`.
    """
    if evaluation.sums is not None:
        kept = dict(zip(THRESHOLDS, evaluation.sums.coverage, strict=True))
        return tuple(Tally(*kept[threshold]) for threshold in thresholds)
    rows = evaluation.scored_rows
    return metrics.coverage_curve(evaluation.records.confidence[rows], _hits(evaluation, rows), thresholds)


def suspects(evaluation: Evaluation) -> NDArray[np.bool_]:
    """Return (N,) bool: errors whose label is more likely wrong than the model. None is found in a large set."""
    if evaluation.sums is not None:  # the classes' thresholds come from all rows
        return np.zeros(len(evaluation.records), dtype=np.bool_)
    rows = evaluation.scored_rows
    rows = rows[evaluation.records.has_prediction[rows]]
    suspect = np.zeros(len(evaluation.records), dtype=np.bool_)
    # Class thresholds come from all scored predictions. Only errors can be suspects: a blank image has no prediction.
    suspect[rows] = metrics.label_suspects(evaluation.records.probabilities[rows], evaluation.truth_index[rows])
    suspect &= evaluation.records.outcome == OUTCOMES.index(Outcome.WRONG)
    return suspect
