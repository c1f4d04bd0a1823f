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
SIGNIFICANCE = 0.05
"""The p-value below which chance is not taken for the cause of a difference."""


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
    prediction, which lower recall but no class's precision.
    Formula: precision TP / (TP + FP), recall TP / (TP + FN), F1 2·TP / (2·TP + FP + FN).
    Source: C. J. van Rijsbergen, Information Retrieval, 2nd edition, Butterworths (1979), chapter 7.
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
    """Return the unweighted mean F1 over the classes that occur as truth or as prediction; NaN when none does.

    Formula: Σ F1ᵢ / C over those C classes.
    Source: J. Opitz and S. Burst, Macro F1 and Macro F1, arXiv:1911.03347 (2019), the averaged F1.
    """
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

    Formula: of the nᵢ images in bin i, accuracyᵢ = hitsᵢ / nᵢ and confidenceᵢ = Σ confidence / nᵢ.
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

    Formula: coverage n / N, selective accuracy hits / n.
    Source: Y. Geifman and R. El-Yaniv, Selective classification for deep neural networks, NeurIPS 2017.

    >>> coverage_curve(np.float32([0.5, 0.9, 0.7]), np.array([False, True, True]), [0.0, 0.6])
    (Tally(hits=2, n=3), Tally(hits=2, n=2))
    """
    order = np.argsort(confidence, kind="stable")
    refused = np.searchsorted(confidence[order], np.asarray(thresholds, dtype=np.float32)).tolist()
    hits_from = np.append(np.cumsum(hits[order][::-1])[::-1], 0).tolist()
    return tuple(Tally(hits_from[start], len(order) - start) for start in refused)


WRONG_LABELS = 0.033
"""Share of wrong labels that is taken as usual: the mean of ten test sets (Northcutt, Athalye and Mueller 2021)."""


def label_suspects(probabilities: NDArray[np.float32], truth: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Return (N,) bool: images whose label is likelier wrong than the model, by confident learning.

    ``probabilities`` is (N, C), ``truth`` (N,) class indices. An image is suspect when the model is as sure of another
    class than its label as it is of that class's own images on average, and sure enough to be believed: a model that
    contradicts more than 2λ of the labels when it is so sure makes more mistakes itself than labels usually hold.
    Formula: jᵢ ≠ labelᵢ, pᵢ ≥ tⱼ and pᵢ ≥ c, where jᵢ is the likeliest class and pᵢ its probability, tⱼ the mean of
    pᵢⱼ over the images i with label j, and c the lowest value for which jᵢ ≠ labelᵢ holds for at most 2λ of the
    images with pᵢ ≥ c; λ = 3.3 %, the mean share of wrong labels in ten test sets.
    Source: C. Northcutt, L. Jiang and I. Chuang, Confident learning, JAIR 70 (2021), equations 1 and 2, for tⱼ;
    C. Northcutt, A. Athalye and J. Mueller, Pervasive label errors in test sets, NeurIPS Datasets and Benchmarks
    (2021), for λ.

    >>> sure = np.float32([[0.9, 0.1]] * 20 + [[0.95, 0.05], [0.1, 0.9]])
    >>> np.flatnonzero(label_suspects(sure, np.array([0] * 20 + [1, 1]))).tolist()
    [20]
    """
    classes = probabilities.shape[1]
    best, sure = probabilities.argmax(axis=1), probabilities.max(axis=1)
    own = np.bincount(truth, weights=probabilities[np.arange(len(truth)), truth], minlength=classes)
    support = np.bincount(truth, minlength=classes)
    threshold = np.divide(own, support, out=np.full(classes, np.inf), where=support > 0)
    contradicts = best != truth
    suspect: NDArray[np.bool_] = contradicts & (sure >= threshold[best]) & (sure >= _believed_from(sure, contradicts))
    return suspect


def _believed_from(sure: NDArray[np.float32], contradicts: NDArray[np.bool_]) -> float:
    """Return the lowest confidence from which a model contradicts at most 2λ of the labels; infinity if never."""
    # the surest first; images that are equally sure are believed together or not at all
    levels, place = np.unique(-sure, return_inverse=True)
    images, wrong = np.cumsum(np.bincount(place)), np.cumsum(np.bincount(place, weights=contradicts))
    believed = -levels[wrong <= 2 * WRONG_LABELS * images]
    return float(believed[-1]) if len(believed) else math.inf


def calibration_noise(bins: Sequence[ReliabilityBin]) -> float:
    """Return the calibration error in 0..1 that chance alone gives a model that is perfectly calibrated.

    Formula: Σ nᵢ/N · √(2/π · cᵢ(1-cᵢ)/nᵢ), the mean of |N(0, σᵢ)| for each bin's confidence cᵢ; NaN of no images.
    Source: J. Bröcker and L. A. Smith, Increasing the reliability of reliability diagrams, Weather and Forecasting
    22 (2007): the spread of a bin's frequency is binomial.

    >>> round(calibration_noise(reliability(np.float32([0.9] * 100), np.array([True] * 100))), 3)
    0.024
    """
    filled = [b for b in bins if b.tally.n]
    n = sum(b.tally.n for b in filled)
    spread = sum(math.sqrt(2 / math.pi * b.tally.n * b.confidence * max(0.0, 1 - b.confidence)) for b in filled)
    return spread / n if n else math.nan


def mcnemar_exact(fixed: int, broke: int) -> float:
    """Return the two-sided p-value that ``fixed`` and ``broke`` differ by chance, as heads and tails of a fair coin.

    Formula: min(1, 2 · Σ_{k ≤ min(fixed, broke)} C(n, k) / 2ⁿ) with n = fixed + broke; 1 when n is 0.
    Source: Q. McNemar, Note on the sampling error of the difference between correlated proportions or percentages,
    Psychometrika 12 (1947); exact as in M. W. Fagerland, S. Lydersen and P. Laake, The McNemar test for binary
    matched-pairs data, BMC Medical Research Methodology 13:91 (2013).

    >>> mcnemar_exact(0, 6)
    0.03125
    """
    n = fixed + broke
    ways = term = 1
    for k in range(1, min(fixed, broke) + 1):
        term = term * (n - k + 1) // k
        ways += term
    return min(1.0, 2 * ways / (1 << n))


def tango_interval(fixed: int, broke: int, n: int, z: float = Z_95) -> tuple[float, float]:
    """Return the score interval (low, high) of the difference of two paired proportions, each in -1..1.

    Of ``n`` images judged twice, ``fixed`` were right only the second time and ``broke`` only the first, so the
    difference is (fixed - broke) / n. The interval excludes 0 exactly when McNemar's χ² exceeds z²; (NaN, NaN) when n
    is 0.
    Formula: the differences d that the score test just does not reject, (fixed - broke - n·d) / √(n(2q + d(1-d))) =
    ±z, where q is the likeliest probability of ``broke`` given d.
    Source: T. Tango, Equivalence test and confidence interval for the difference in proportions for the
    paired-sample design, Statistics in Medicine 17 (1998).

    >>> [round(x, 3) for x in tango_interval(12, 2, 50)]
    [0.061, 0.345]
    """
    if n == 0:
        return math.nan, math.nan
    high = _tango_bound(fixed, broke, n, z)
    return -_tango_bound(broke, fixed, n, z), high


def _tango_bound(fixed: int, broke: int, n: int, z: float) -> float:
    """Return the upper bound, by halving the range in which the score falls below -z."""
    low, high = (fixed - broke) / n, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        if _tango_score(fixed, broke, n, middle) > -z:
            low = middle
        else:
            high = middle
    return high


def _tango_score(fixed: int, broke: int, n: int, d: float) -> float:
    """Return Tango's score statistic of the difference ``d``; 0 where nothing was seen to vary."""
    b = (2 * n - fixed + broke) * d - fixed - broke
    q = (math.sqrt(b * b + 8 * n * broke * d * (1 - d)) - b) / (4 * n)
    variance = n * (2 * q + d * (1 - d))
    return (fixed - broke - n * d) / math.sqrt(variance) if variance > 0 else 0.0 if fixed == broke else -math.inf
