"""Pure functions over counts: rates, intervals and per-class scores."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Z_95 = 1.959963984540054
"""The 97.5 % quantile of the standard normal distribution: two-sided 95 %."""


def ratio(part: int, whole: int) -> float:
    """Return part / whole, or NaN when there is no whole: 0 of 0 is not 0 %.

    >>> ratio(3, 4)
    0.75
    """
    return part / whole if whole else math.nan


def wilson_interval(successes: int, n: int, z: float = Z_95) -> tuple[float, float]:
    """Return the Wilson score interval (low, high) of a proportion, each in 0..1; (NaN, NaN) when n is 0.

    Formula: (p + z²/2n ± z·√(p(1-p)/n + z²/4n²)) / (1 + z²/n).
    Source: E. B. Wilson, Probable inference, the law of succession, and statistical inference, JASA 22 (1927).

    >>> [round(x, 3) for x in wilson_interval(190, 200)]
    [0.91, 0.973]
    """
    if n == 0:
        return math.nan, math.nan
    p = successes / n
    centre = p + z * z / (2 * n)
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    # the bounds at 0 and n successes are exactly 0 and 1; floating point may miss them by an ulp
    low = 0.0 if successes == 0 else (centre - half) / scale
    high = 1.0 if successes == n else (centre + half) / scale
    return low, high


@dataclass(frozen=True, slots=True)
class ClassScores:
    """One class's scores: precision, recall and F1 in 0..1 (NaN where undefined), support = images of the class."""

    precision: float
    recall: float
    f1: float
    support: int


def class_scores(confusion: NDArray[np.int64]) -> tuple[ClassScores, ...]:
    """Return the scores of each class from a confusion matrix.

    ``confusion`` is (C, C) or (C, C + 1) counts, truth by predicted; a last extra column counts images without a
    prediction, which lower recall but no class's precision. F1 = 2·TP / (2·TP + FP + FN).
    """
    classes = len(confusion)
    scores = []
    for i in range(classes):
        hit = int(confusion[i, i])
        support = int(confusion[i].sum())
        claimed = int(confusion[:, i].sum())
        scores.append(ClassScores(ratio(hit, claimed), ratio(hit, support), ratio(2 * hit, support + claimed), support))
    return tuple(scores)


def macro_f1(scores: Sequence[ClassScores]) -> float:
    """Return the unweighted mean F1 over the classes that occur as truth or as prediction; NaN when none does."""
    defined = [s.f1 for s in scores if not math.isnan(s.f1)]
    return sum(defined) / len(defined) if defined else math.nan
