"""Accuracy by slice, by quality flag and by confidence."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from batch_eval.evaluation import metrics
from batch_eval.evaluation.metrics import ReliabilityBin, Tally
from batch_eval.evaluation.records import Evaluation
from batch_eval.outcome import OUTCOMES, Outcome


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


def by_slice(evaluation: Evaluation) -> list[Breakdown]:
    """Return the tallies of each slice's values."""
    rows = evaluation.scored_rows
    hits, places = _hits(evaluation, rows), rows.tolist()
    found = []
    for name, values in evaluation.records.slices.items():
        tallies = metrics.tally_by([values[i] for i in places], hits)
        found.append(Breakdown(name, tuple(sorted(tallies.items(), key=lambda part: -part[1].n))))
    return found


def by_flag(evaluation: Evaluation) -> list[FlagTally]:
    """Return the tallies with and without each quality flag that occurs, most frequent first."""
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
    rows = evaluation.scored_rows
    rows = rows[evaluation.records.has_prediction[rows]]
    return metrics.reliability(evaluation.records.confidence[rows], _hits(evaluation, rows))


def calibration_error(evaluation: Evaluation) -> float:
    """Return the expected calibration error; NaN without predictions."""
    return metrics.expected_calibration_error(calibration(evaluation))


def coverage(evaluation: Evaluation, thresholds: tuple[float, ...]) -> tuple[Tally, ...]:
    """Return the tally of images kept at each confidence threshold. Blank images have confidence 0."""
    rows = evaluation.scored_rows
    return metrics.coverage_curve(evaluation.records.confidence[rows], _hits(evaluation, rows), thresholds)


def suspects(evaluation: Evaluation) -> NDArray[np.bool_]:
    """Return (N,) bool: errors whose label is more likely wrong than the model."""
    rows = evaluation.scored_rows
    rows = rows[evaluation.records.has_prediction[rows]]
    suspect = np.zeros(len(evaluation.records), dtype=np.bool_)
    # Class thresholds come from all scored predictions. Only errors can be suspects: a blank image has no prediction.
    suspect[rows] = metrics.label_suspects(evaluation.records.probabilities[rows], evaluation.truth_index[rows])
    suspect &= evaluation.records.outcome == OUTCOMES.index(Outcome.WRONG)
    return suspect
