"""Pure functions over counts and probabilities: rates, intervals, per-class scores, calibration, suspect labels."""

from __future__ import annotations

import math
from collections import Counter
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


@dataclass(frozen=True, slots=True)
class Tally:
    """``hits`` of ``n`` images; tallies of disjoint images add up."""

    hits: int
    n: int

    @property
    def share(self) -> float:
        """Hits / n; NaN of nothing."""
        return ratio(self.hits, self.n)

    @property
    def interval(self) -> tuple[float, float]:
        """95 % Wilson interval of the share."""
        return wilson_interval(self.hits, self.n)


def tally_by(values: Sequence[str], hits: NDArray[np.bool_]) -> dict[str, Tally]:
    """Return the tally of each distinct value; ``values`` and ``hits`` have one entry for each of N images.

    >>> tally_by(["ruled", "plain", "ruled"], np.array([True, True, False]))
    {'ruled': Tally(hits=1, n=2), 'plain': Tally(hits=1, n=1)}
    """
    hit = Counter(value for value, good in zip(values, hits.tolist(), strict=True) if good)
    return {value: Tally(hit[value], n) for value, n in Counter(values).items()}


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """The images whose confidence lies in (low, high]: how sure the model was on average, and how often right."""

    low: float
    high: float
    confidence: float
    tally: Tally


def reliability(confidence: NDArray[np.float32], hits: NDArray[np.bool_], bins: int = 15) -> tuple[ReliabilityBin, ...]:
    """Return the bins of a reliability diagram, equally wide over 0..1; ``confidence`` and ``hits`` are (N,).

    Source: M. H. DeGroot and S. E. Fienberg, The comparison and evaluation of forecasters, The Statistician 32 (1983).
    """
    place = np.clip(np.ceil(confidence.astype(np.float64) * bins).astype(np.intp) - 1, 0, bins - 1)
    n = np.bincount(place, minlength=bins).tolist()
    right = np.bincount(place[hits], minlength=bins).tolist()
    total = np.bincount(place, weights=confidence, minlength=bins).tolist()
    return tuple(
        ReliabilityBin(i / bins, (i + 1) / bins, total[i] / n[i] if n[i] else math.nan, Tally(right[i], n[i]))
        for i in range(bins)
    )


def expected_calibration_error(bins: Sequence[ReliabilityBin]) -> float:
    """Return ECE in 0..1: the mean over the images of how far their bin's confidence is from its accuracy.

    Formula: Σ nᵢ/N · |accuracyᵢ - confidenceᵢ|; NaN of no images.
    Source: M. P. Naeini, G. F. Cooper and M. Hauskrecht, Obtaining well calibrated probabilities using Bayesian
    binning, AAAI 2015; C. Guo et al., On calibration of modern neural networks, ICML 2017 (15 bins).

    >>> round(expected_calibration_error(reliability(np.float32([0.9, 0.9]), np.array([True, False]))), 3)
    0.4
    """
    filled = [b for b in bins if b.tally.n]
    n = sum(b.tally.n for b in filled)
    return sum(b.tally.n * abs(b.tally.share - b.confidence) for b in filled) / n if n else math.nan


def coverage_curve(
    confidence: NDArray[np.float32], hits: NDArray[np.bool_], thresholds: Sequence[float]
) -> tuple[Tally, ...]:
    """Return the tally of the images that are kept when those below each confidence threshold are refused.

    Coverage is a tally's n over the number of images, selective accuracy its share.
    Source: Y. Geifman and R. El-Yaniv, Selective classification for deep neural networks, NeurIPS 2017.

    >>> coverage_curve(np.float32([0.5, 0.9, 0.7]), np.array([False, True, True]), [0.0, 0.6])
    (Tally(hits=2, n=3), Tally(hits=2, n=2))
    """
    order = np.argsort(confidence, kind="stable")
    refused = np.searchsorted(confidence[order], np.asarray(thresholds, dtype=np.float32)).tolist()
    hits_from = np.append(np.cumsum(hits[order][::-1])[::-1], 0).tolist()
    return tuple(Tally(hits_from[start], len(order) - start) for start in refused)


def label_suspects(probabilities: NDArray[np.float32], truth: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Return (N,) bool: images whose label is likelier wrong than the model, by confident learning.

    ``probabilities`` is (N, C), ``truth`` (N,) class indices. An image is suspect when the likeliest class whose
    probability reaches that class's threshold is not its label; the threshold of a class is the mean probability
    that images with its label get for it.
    Source: C. Northcutt, L. Jiang and I. Chuang, Confident learning, JAIR 70 (2021), equations 1 and 2.

    >>> sure = np.float32([[0.9, 0.1], [0.8, 0.2], [0.99, 0.01], [0.1, 0.9], [0.2, 0.8]])
    >>> label_suspects(sure, np.array([0, 0, 1, 1, 1])).tolist()
    [False, False, True, False, False]
    """
    classes = probabilities.shape[1]
    support = np.bincount(truth, minlength=classes)
    own = np.bincount(truth, weights=probabilities[np.arange(len(truth)), truth], minlength=classes)
    threshold = np.divide(own, support, out=np.full(classes, np.inf), where=support > 0)
    confident = np.where(probabilities >= threshold, probabilities, -1)
    suspect: NDArray[np.bool_] = (confident.argmax(axis=1) != truth) & (confident.max(axis=1, initial=-1) >= 0)
    return suspect
