"""Statistics as pure functions of counts and probabilities: shares, intervals, scores, calibration, label suspects."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from batch_eval.texts import Coded

Z_95 = 1.959963984540054
"""97.5 % quantile of the standard normal distribution, for two-sided 95 % intervals."""
SIGNIFICANCE = 0.05
"""p-value below which a difference is called significant."""


def ratio(part: int, whole: int) -> float:
    """Return part / whole, or NaN when the whole is 0: 0 of 0 is not 0 %.

    >>> ratio(3, 4)
    0.75
    """
    return part / whole if whole else math.nan


def wilson_interval(successes: int, n: int, z: float = Z_95) -> tuple[float, float]:
    """Return the Wilson score interval (low, high) of a proportion, 95 % unless ``z`` is given.

    Both bounds lie in 0..1; both are NaN when n is 0.
    Formula: (p + z²/2n ± z·√(p(1-p)/n + z²/4n²)) / (1 + z²/n).
    Source: E. B. Wilson, Probable inference, the law of succession, and statistical inference, JASA 22 (1927).

    >>> [round(x, 3) for x in wilson_interval(190, 200)]
    [0.91, 0.973]
    """
    if n == 0:
        return math.nan, math.nan
    # The textbook interval p ± z·√(p(1-p)/n) takes the variance at the observed p, so it has no width at p = 0 or 1.
    # Wilson asks which true proportions a score test would not reject, each with the variance at that proportion. The
    # bounds are the two roots of a quadratic equation; they always lie within 0..1.
    p = successes / n
    centre = p + z * z / (2 * n)
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    # Exactly 0 at no success and 1 at n successes. Floating point may miss them by the last bit.
    low = 0.0 if successes == 0 else (centre - half) / scale
    high = 1.0 if successes == n else (centre + half) / scale
    return low, high


@dataclass(frozen=True, slots=True)
class ClassScores:
    """Scores of one class: precision, recall and F1 in 0..1, NaN where undefined. ``support`` counts its images."""

    precision: float
    recall: float
    f1: float
    support: int


def class_scores(confusion: NDArray[np.int64]) -> tuple[ClassScores, ...]:
    """Return the scores of each class from a confusion matrix.

    ``confusion`` holds (C, C) or (C, C + 1) counts, truth by predicted. An extra last column counts images without a
    prediction. They lower the recall of their class, and no precision.
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
    """Return the unweighted mean F1 of the classes that occur as truth or prediction; NaN when none does.

    Formula: Σ F1ᵢ / C over those C classes.
    Source: J. Opitz and S. Burst, Macro F1 and Macro F1, arXiv:1911.03347 (2019), the averaged F1.
    """
    # Two formulas carry this name: the mean of F1s, and the F1 of mean precision and mean recall. They can rank models
    # differently. This is the first, which scikit-learn computes too.
    defined = [s.f1 for s in scores if not math.isnan(s.f1)]
    return sum(defined) / len(defined) if defined else math.nan


@dataclass(frozen=True, slots=True)
class Tally:
    """``hits`` of ``n`` images. Tallies of disjoint images add up."""

    hits: int
    n: int

    @property
    def share(self) -> float:
        """Hits / n; NaN when n is 0."""
        return ratio(self.hits, self.n)

    @property
    def interval(self) -> tuple[float, float]:
        """95 % Wilson interval of the share."""
        return wilson_interval(self.hits, self.n)


def tally_by(values: Coded[str], hits: NDArray[np.bool_]) -> dict[str, Tally]:
    """Return the tally of each distinct value. ``values`` and ``hits`` have length N.

    >>> tally_by(Coded.of(["ruled", "plain", "ruled"]), np.array([True, True, False]))
    {'ruled': Tally(hits=1, n=2), 'plain': Tally(hits=1, n=1)}
    """
    right = np.bincount(values.codes[hits], minlength=len(values.values)).tolist()
    return {value: Tally(hit, n) for (value, n), hit in zip(values.counts().items(), right, strict=True)}


CONFIDENCE_UNITS = 1 << 40
"""Units of a confidence of 1 where confidences are added as integers."""


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """The images with a confidence in (low, high]: their mean confidence, and how many were correct."""

    low: float
    high: float
    confidence: float
    tally: Tally


def reliability(confidence: NDArray[np.float32], hits: NDArray[np.bool_], bins: int = 15) -> tuple[ReliabilityBin, ...]:
    """Return the bins of a reliability diagram. All are equally wide, and together cover 0..1.

    ``confidence`` and ``hits`` are (N,).
    Formula: of the nᵢ images in bin i, accuracyᵢ = hitsᵢ / nᵢ and confidenceᵢ = Σ confidence / nᵢ.
    Source: M. H. DeGroot and S. E. Fienberg, The comparison and evaluation of forecasters, The Statistician 32 (1983).
    """
    return reliability_of(*reliability_sums(confidence, hits, bins))


def reliability_sums(
    confidence: NDArray[np.float32], hits: NDArray[np.bool_], bins: int = 15
) -> tuple[list[int], list[int], list[int]]:
    """Return for each bin its images, its hits, and its confidence in units of 2⁻⁴⁰.

    As integers they add up to the same bits in any order.
    """
    # Bins are half-open, (low, high], as in Guo et al. (2017): rounding up places 0.2 in (0, 0.2] when there are five.
    # Clipping places 0 in the first bin.
    place = np.clip(np.ceil(confidence.astype(np.float64) * bins).astype(np.intp) - 1, 0, bins - 1)
    n = np.bincount(place, minlength=bins).tolist()
    right = np.bincount(place[hits], minlength=bins).tolist()
    # A float32 of at least 2⁻¹⁶ is a whole number of these units. bincount adds float64, which are exact up to 2⁵³:
    # two halves of 20 bits can be added 2³³ times.
    units = np.round(confidence.astype(np.float64) * CONFIDENCE_UNITS).astype(np.int64)
    high, low = (np.bincount(place, weights=half, minlength=bins).tolist() for half in (units >> 20, units & 0xFFFFF))
    return n, right, [(int(a) << 20) + int(b) for a, b in zip(high, low, strict=True)]


def reliability_of(n: Sequence[int], hits: Sequence[int], units: Sequence[int]) -> tuple[ReliabilityBin, ...]:
    """Return the bins of a reliability diagram from the sums of `reliability_sums`."""
    bins = len(n)
    return tuple(
        ReliabilityBin(
            i / bins, (i + 1) / bins, units[i] / (n[i] * CONFIDENCE_UNITS) if n[i] else math.nan, Tally(hits[i], n[i])
        )
        for i in range(bins)
    )


def expected_calibration_error(bins: Sequence[ReliabilityBin]) -> float:
    """Return the expected calibration error in 0..1; NaN of no images.

    It is the gap between a bin's confidence and its accuracy, averaged over all images.
    Formula: Σ nᵢ/N · |accuracyᵢ - confidenceᵢ|.
    Source: M. P. Naeini, G. F. Cooper and M. Hauskrecht, Obtaining well calibrated probabilities using Bayesian
    binning, AAAI 2015; C. Guo et al., On calibration of modern neural networks, ICML 2017 (15 bins).

    >>> round(expected_calibration_error(reliability(np.float32([0.9, 0.9]), np.array([True, False]))), 3)
    0.4
    """
    # An empty bin has no accuracy and no confidence. Its NaN would make the whole sum NaN.
    filled = [b for b in bins if b.tally.n]
    n = sum(b.tally.n for b in filled)
    return sum(b.tally.n * abs(b.tally.share - b.confidence) for b in filled) / n if n else math.nan


def coverage_curve(
    confidence: NDArray[np.float32], hits: NDArray[np.bool_], thresholds: Sequence[float]
) -> tuple[Tally, ...]:
    """Return, for each threshold, the tally of the images kept when less confident ones are rejected.

    Formula: coverage n / N, selective accuracy hits / n.
    Source: Y. Geifman and R. El-Yaniv, Selective classification for deep neural networks, NeurIPS 2017.

    >>> coverage_curve(np.float32([0.5, 0.9, 0.7]), np.array([False, True, True]), [0.0, 0.6])
    (Tally(hits=2, n=3), Tally(hits=2, n=2))
    """
    # One sort serves all thresholds: rejected images come first, and `hits_from[i]` counts the hits from place i on.
    order = np.argsort(confidence, kind="stable")
    rejected = np.searchsorted(confidence[order], np.asarray(thresholds, dtype=np.float32)).tolist()
    hits_from = np.append(np.cumsum(hits[order][::-1])[::-1], 0).tolist()
    return tuple(Tally(hits_from[start], len(order) - start) for start in rejected)


WRONG_LABELS = 0.033
"""λ, the usual share of wrong labels: the mean of ten test sets (Northcutt, Athalye and Mueller 2021)."""


def label_suspects(probabilities: NDArray[np.float32], truth: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Return (N,) bool: images whose label is more likely wrong than the model, by confident learning.

    ``probabilities`` is (N, C), ``truth`` holds (N,) class indices. A suspect meets three conditions. The model
    predicts another class than the label. It is at least as confident as on that class's own images on average. At
    this confidence or above, it contradicts at most 2λ of the labels: a model that contradicts more is often wrong
    itself.
    Formula: jᵢ ≠ labelᵢ, pᵢ ≥ tⱼ and pᵢ ≥ c. Here jᵢ is the most probable class and pᵢ its probability. The threshold
    tⱼ is the mean of pᵢⱼ over the images i with label j. The threshold c is the lowest value for which jᵢ ≠ labelᵢ
    holds for at most 2λ of the images with pᵢ ≥ c. λ = 3.3 % is the mean share of wrong labels in ten test sets.
    Source: C. Northcutt, L. Jiang and I. Chuang, Confident learning, JAIR 70 (2021), equations 1 and 2, for tⱼ;
    C. Northcutt, A. Athalye and J. Mueller, Pervasive label errors in test sets, NeurIPS Datasets and Benchmarks
    (2021), for λ.

    >>> sure = np.float32([[0.9, 0.1]] * 20 + [[0.95, 0.05], [0.1, 0.9]])
    >>> np.flatnonzero(label_suspects(sure, np.array([0] * 20 + [1, 1]))).tolist()
    [20]
    """
    # A fixed threshold would suit one class and fail another: models are more confident in easy classes. So each class
    # sets its own, the mean confidence on its own images. A class without images gets ∞ and makes no suspects.
    classes = probabilities.shape[1]
    best, sure = probabilities.argmax(axis=1), probabilities.max(axis=1)
    own = np.bincount(truth, weights=probabilities[np.arange(len(truth)), truth], minlength=classes)
    support = np.bincount(truth, minlength=classes)
    threshold = np.divide(own, support, out=np.full(classes, np.inf), where=support > 0)
    contradicts = best != truth
    suspect: NDArray[np.bool_] = contradicts & (sure >= threshold[best]) & (sure >= _believed_from(sure, contradicts))
    return suspect


def _believed_from(sure: NDArray[np.float32], contradicts: NDArray[np.bool_]) -> float:
    """Return the lowest confidence from which on the model contradicts at most 2λ of the labels.

    It is ∞ if there is none.
    """
    # Walk down from the highest confidence. Images of equal confidence are accepted together or not at all.
    levels, place = np.unique(-sure, return_inverse=True)
    images, wrong = np.cumsum(np.bincount(place)), np.cumsum(np.bincount(place, weights=contradicts))
    believed = -levels[wrong <= 2 * WRONG_LABELS * images]
    return float(believed[-1]) if len(believed) else math.inf


def calibration_noise(bins: Sequence[ReliabilityBin]) -> float:
    """Return the calibration error in 0..1 that a perfectly calibrated model gets by chance; NaN of no images.

    Formula: Σ nᵢ/N · √(2/π · cᵢ(1-cᵢ)/nᵢ), where cᵢ is the mean confidence of bin i.
    Source: J. Bröcker and L. A. Smith, Increasing the reliability of reliability diagrams, Weather and Forecasting
    22 (2007): the spread of a bin's frequency is binomial.

    >>> round(calibration_noise(reliability(np.float32([0.9] * 100), np.array([True] * 100))), 3)
    0.024
    """
    filled = [b for b in bins if b.tally.n]
    n = sum(b.tally.n for b in filled)
    # The hits in a bin are binomial, so its accuracy has the standard deviation σ = √(c(1-c)/n). The expected absolute
    # deviation of a normal distribution is σ·√(2/π).
    spread = sum(math.sqrt(2 / math.pi * b.tally.n * b.confidence * max(0.0, 1 - b.confidence)) for b in filled)
    return spread / n if n else math.nan


def mcnemar_exact(fixed: int, broke: int) -> float:
    """Return the two-sided p-value of McNemar's exact test; 1 when no image was fixed or broke.

    Formula: min(1, 2 · Σ_{k ≤ min(fixed, broke)} C(n, k) / 2ⁿ) with n = fixed + broke.
    Source: Q. McNemar, Note on the sampling error of the difference between correlated proportions or percentages,
    Psychometrika 12 (1947); exact as in M. W. Fagerland, S. Lydersen and P. Laake, The McNemar test for binary
    matched-pairs data, BMC Medical Research Methodology 13:91 (2013).

    >>> mcnemar_exact(0, 6)
    0.03125
    """
    # Images that both models read correctly, or neither, say nothing about which is better. If they are equally good,
    # each other image is fixed or broke like a coin toss. Integers keep the sum exact: floats overflow at 2¹⁰²⁴.
    n = fixed + broke
    ways = term = 1
    for k in range(1, min(fixed, broke) + 1):
        term = term * (n - k + 1) // k
        ways += term
    return min(1.0, 2 * ways / (1 << n))


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values adjusted for their number, in the order given: Holm's step-down method.

    Rejecting the adjusted values below 0.05 rejects any true hypothesis with a probability of at most 5 %.
    Formula: with the m values sorted, p₁ ≤ … ≤ pₘ, the adjusted pᵢ is min(1, max over j ≤ i of (m - j + 1)·pⱼ).
    Source: S. Holm, A simple sequentially rejective multiple test procedure, Scandinavian Journal of Statistics 6
    (1979).

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    # `highest` keeps the adjusted values from falling as p rises. In the example 0.04 is multiplied by 1 alone, but it
    # may not end below 0.03, which became 0.06.
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    adjusted = [0.0] * len(p_values)
    highest = 0.0
    for place, i in enumerate(order):
        highest = max(highest, min(1.0, (len(p_values) - place) * p_values[i]))
        adjusted[i] = highest
    return adjusted


def tango_interval(fixed: int, broke: int, n: int, z: float = Z_95) -> tuple[float, float]:
    """Return Tango's score interval (low, high) of the difference of two paired proportions.

    Of ``n`` images judged twice, ``fixed`` were correct only the second time, ``broke`` only the first. The difference
    is (fixed - broke) / n. Both bounds lie in -1..1; both are NaN when n is 0. The interval excludes 0 exactly when
    McNemar's χ² exceeds z².
    Formula: the bounds are the differences d with (fixed - broke - n·d) / √(n(2q + d(1-d))) = ±z. Here q is the
    maximum likelihood estimate of the probability of ``broke``, given d.
    Source: T. Tango, Equivalence test and confidence interval for the difference in proportions for the
    paired-sample design, Statistics in Medicine 17 (1998).

    >>> [round(x, 3) for x in tango_interval(12, 2, 50)]
    [0.061, 0.345]
    """
    if n == 0:
        return math.nan, math.nan
    # Two Wilson intervals would ignore that both models saw the same images. Tango inverts a paired score test, as
    # Wilson does for one proportion: the interval holds every difference that the test does not reject. Swapping the
    # models negates the difference, so one function gives both bounds.
    high = _tango_bound(fixed, broke, n, z)
    return -_tango_bound(broke, fixed, n, z), high


def _tango_bound(fixed: int, broke: int, n: int, z: float) -> float:
    """Return the upper bound by bisection."""
    # The score falls as the difference grows, so it crosses -z once. Sixty halvings reach a float's last bit.
    low, high = (fixed - broke) / n, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        if _tango_score(fixed, broke, n, middle) > -z:
            low = middle
        else:
            high = middle
    return high


def _tango_score(fixed: int, broke: int, n: int, d: float) -> float:
    """Return Tango's score statistic of the difference ``d``."""
    # q solves the likelihood equation, a quadratic whose coefficients follow from the counts and d. Without variance
    # the score is 0 where as many were fixed as broke, and else below every bound.
    b = (2 * n - fixed + broke) * d - fixed - broke
    q = (math.sqrt(b * b + 8 * n * broke * d * (1 - d)) - b) / (4 * n)
    variance = n * (2 * q + d * (1 - d))
    return (fixed - broke - n * d) / math.sqrt(variance) if variance > 0 else 0.0 if fixed == broke else -math.inf
