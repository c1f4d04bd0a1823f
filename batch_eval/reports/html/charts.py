"""The numbers behind the page's charts. The templates draw them as SVG."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from batch_eval.evaluation import Evaluation
from batch_eval.evaluation.breakdown import calibration, calibration_error, coverage
from batch_eval.evaluation.metrics import ReliabilityBin, Tally

COVERAGE_THRESHOLDS = tuple(i / 100 for i in range(101))
"""Confidence thresholds of the slider: 0 to 100 %, in steps of 1 %."""
CURVE_STEPS = 100
"""Points of the drawn curve, about."""
TABLE_THRESHOLDS = (0.0, 0.5, 0.7, 0.8, 0.9, 0.95, 0.99)
"""Confidence thresholds of the table below the curve. They are denser where models put most images."""


@dataclass(frozen=True, slots=True)
class CoveragePoint:
    """The images kept when those below ``threshold`` are rejected.

    ``coverage`` is their share of all, in 0..1.
    """

    threshold: float
    coverage: float
    tally: Tally


@dataclass(frozen=True, slots=True)
class Reliability:
    """A reliability diagram. ``most`` is the image count of the fullest bin, ``error`` the calibration error."""

    bins: tuple[ReliabilityBin, ...]
    most: int
    error: float
    n: int


def reliability(evaluation: Evaluation) -> Reliability:
    """Return the reliability diagram of an evaluation."""
    bins = calibration(evaluation)
    counts = [b.tally.n for b in bins]
    return Reliability(bins, max(counts), calibration_error(evaluation), sum(counts))


def coverage_points(evaluation: Evaluation, thresholds: tuple[float, ...]) -> list[CoveragePoint]:
    """Return the coverage at each threshold."""
    tallies = coverage(evaluation, thresholds)
    return [
        CoveragePoint(t, tally.n / evaluation.scored if evaluation.scored else math.nan, tally)
        for t, tally in zip(thresholds, tallies, strict=True)
    ]


def coverage_curve(evaluation: Evaluation) -> list[CoveragePoint]:
    """Return the coverage curve, from all images kept to nearly none."""
    # Thresholds are quantiles of the confidence, so each step rejects about as many images. Most confidences lie close
    # to 1: evenly spaced thresholds would leave most of the curve without a point.
    if evaluation.sums is not None:
        return [p for p in coverage_points(evaluation, COVERAGE_THRESHOLDS) if p.tally.n]
    confidence = np.sort(evaluation.records.confidence[evaluation.scored_rows])
    steps = sorted(set(confidence[:: max(1, len(confidence) // CURVE_STEPS)].tolist()))
    return [p for p in coverage_points(evaluation, (0.0, *steps)) if p.tally.n]


def coverage_floor(points: list[CoveragePoint]) -> float:
    """Return where the accuracy axis starts: the lowest accuracy, rounded down to 5 %, at most 95 %."""
    # In steps of a twentieth. 19 is the highest, so that the axis has a length even where all images are read.
    lowest = min((p.tally.share for p in points if p.tally.n), default=0)
    return min(19, math.floor(20 * lowest)) / 20
