"""Metrics against scikit-learn and statsmodels, and their properties."""

import math
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from batch_eval import metrics

proportion = pytest.importorskip("statsmodels.stats.proportion")
peer = pytest.importorskip("sklearn.metrics")
counts = st.integers(0, 10**6)
confusions = st.integers(2, 5).flatmap(lambda c: arrays(np.int64, (c, c), elements=st.integers(0, 30)))
with_blanks = st.integers(2, 5).flatmap(lambda c: arrays(np.int64, (c, c + 1), elements=st.integers(0, 30)))


def samples(confusion):
    """Return the (truth, predicted) pairs that a confusion matrix counts."""
    truth, predicted = np.indices(confusion.shape)
    times = confusion.ravel()
    return np.repeat(truth.ravel(), times), np.repeat(predicted.ravel(), times)


@given(st.tuples(counts, counts).map(sorted))
def test_wilson_interval_is_statsmodels(pair):
    successes, n = pair[0], pair[1] + 1
    expected = proportion.proportion_confint(successes, n, alpha=0.05, method="wilson")

    assert pytest.approx(expected, abs=1e-12) == metrics.wilson_interval(successes, n)


@given(st.tuples(counts, counts).map(sorted))
def test_wilson_interval_contains_its_estimate_and_lies_in_0_to_1(pair):
    successes, n = pair[0], pair[1] + 1
    low, high = metrics.wilson_interval(successes, n)

    assert 0 <= low <= successes / n <= high <= 1


@given(st.integers(1, 1000))
def test_wilson_interval_of_failures_mirrors_that_of_successes(n):
    low, high = metrics.wilson_interval(n // 3, n)

    assert pytest.approx((1 - high, 1 - low)) == metrics.wilson_interval(n - n // 3, n)


def test_wilson_interval_of_nothing_is_undefined():
    assert all(map(math.isnan, metrics.wilson_interval(0, 0)))


@given(confusions.filter(lambda c: c.sum() > 0))
def test_class_scores_are_scikit_learns(confusion):
    truth, predicted = samples(confusion)
    scores = metrics.class_scores(confusion)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of undefined scores, which are NaN on both sides
        expected = peer.precision_recall_fscore_support(
            truth, predicted, labels=range(len(confusion)), zero_division=np.nan
        )
    actual = [(s.precision, s.recall, s.f1, s.support) for s in scores]

    np.testing.assert_allclose(np.array(actual).T, np.array(expected), atol=1e-12)


@given(confusions.filter(lambda c: c.sum() > 0))
def test_macro_f1_is_scikit_learns_over_the_classes_that_occur(confusion):
    truth, predicted = samples(confusion)

    assert pytest.approx(peer.f1_score(truth, predicted, average="macro")) == metrics.macro_f1(
        metrics.class_scores(confusion)
    )


def test_macro_f1_of_nothing_is_undefined():
    assert math.isnan(metrics.macro_f1(metrics.class_scores(np.zeros((3, 3), dtype=np.int64))))


@given(with_blanks)
def test_blanks_lower_recall_but_no_precision(confusion):
    without = confusion.copy()
    without[:, -1] = 0
    blank, seen = metrics.class_scores(confusion), metrics.class_scores(without)

    assert np.array_equal([s.precision for s in blank], [s.precision for s in seen], equal_nan=True)
    assert all(not b.recall > s.recall for b, s in zip(blank, seen, strict=True))


@given(confusions, st.randoms(use_true_random=False))
def test_renaming_the_classes_changes_nothing(confusion, random):
    order = list(range(len(confusion)))
    random.shuffle(order)
    renamed = metrics.class_scores(confusion[np.ix_(order, order)])

    assert repr([metrics.class_scores(confusion)[i] for i in order]) == repr(list(renamed))
