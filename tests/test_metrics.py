"""Metrics against scikit-learn and statsmodels, and their properties."""

import math
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from batch_eval.evaluation import metrics
from batch_eval.texts import Coded

proportion = pytest.importorskip("statsmodels.stats.proportion")
peer = pytest.importorskip("sklearn.metrics")
calibration = pytest.importorskip("sklearn.calibration")
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


confidences = st.lists(st.tuples(st.floats(0, 1, width=32), st.booleans()), max_size=40)


def columns(pairs):
    """Return (N,) float32 and (N,) bool."""
    return np.array([c for c, _ in pairs], dtype=np.float32), np.array([hit for _, hit in pairs], dtype=np.bool_)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans())))
def test_tallies_add_up_to_the_whole(pairs):
    values = [value for value, _ in pairs]
    hits = np.array([hit for _, hit in pairs], dtype=np.bool_)
    tallies = metrics.tally_by(Coded.of(values), hits).values()

    assert (int(hits.sum()), len(pairs)) == (sum(t.hits for t in tallies), sum(t.n for t in tallies))


@given(confidences, st.integers(1, 20))
def test_reliability_bins_hold_every_image_once(pairs, bins):
    confidence, hits = columns(pairs)
    found = metrics.reliability(confidence, hits, bins)

    assert (len(pairs), int(hits.sum())) == (sum(b.tally.n for b in found), sum(b.tally.hits for b in found))
    assert all(b.low - 1e-6 <= b.confidence <= b.high + 1e-6 for b in found if b.tally.n)


@given(st.integers(0, 2**32 - 1), st.sampled_from([5, 10, 15]))
def test_reliability_bins_are_scikit_learns(seed, bins):
    rng = np.random.default_rng(seed)
    confidence = rng.uniform(0, 1, 50).astype(np.float32)
    hits = rng.uniform(0, 1, 50) < confidence
    accuracies, confidences = calibration.calibration_curve(hits, confidence.astype(np.float64), n_bins=bins)
    filled = [b for b in metrics.reliability(confidence, hits, bins) if b.tally.n]

    assert pytest.approx(accuracies) == [b.tally.share for b in filled]
    assert pytest.approx(confidences, abs=1e-6) == [b.confidence for b in filled]


@given(confidences.filter(len))
def test_calibration_error_is_the_mean_gap_of_the_bins(pairs):
    confidence, hits = columns(pairs)
    edges = np.linspace(0, 1, 16)[1:-1]
    place = np.digitize(confidence.astype(np.float64), edges, right=True)
    gaps = [abs(confidence[place == b].sum(dtype=np.float64) - hits[place == b].sum()) for b in range(15)]
    actual = metrics.expected_calibration_error(metrics.reliability(confidence, hits))

    assert pytest.approx(sum(gaps) / len(pairs), abs=1e-9) == actual


@given(confidences, st.lists(st.floats(0, 1, width=32), max_size=5))
def test_coverage_counts_what_a_threshold_keeps(pairs, thresholds):
    confidence, hits = columns(pairs)
    expected = [
        metrics.Tally(int(hits[confidence >= np.float32(t)].sum()), int((confidence >= np.float32(t)).sum()))
        for t in thresholds
    ]

    assert expected == list(metrics.coverage_curve(confidence, hits, thresholds))


def test_a_confident_reading_against_its_label_is_suspect():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 3, 300)
    probabilities = np.full((300, 3), 0.05, dtype=np.float32)
    probabilities[np.arange(300), truth] = rng.uniform(0.7, 0.9, 300)
    label = truth.copy()
    label[:10] = (truth[:10] + 1) % 3
    probabilities[np.arange(10), truth[:10]] = 0.95

    assert list(range(10)) == np.flatnonzero(metrics.label_suspects(probabilities, label)).tolist()


def test_an_image_that_no_class_claims_is_not_suspect():
    probabilities = np.array([[0.9, 0.1], [0.9, 0.1], [0.5, 0.5]], dtype=np.float32)

    assert not metrics.label_suspects(probabilities, np.array([0, 0, 0])).any()


def test_a_model_that_is_often_sure_and_wrong_makes_no_label_suspect():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 3, 300)
    probabilities = np.full((300, 3), 0.01, dtype=np.float32)
    guess = np.where(rng.random(300) < 0.65, truth, (truth + 1) % 3)
    probabilities[np.arange(300), guess] = 0.98

    assert not metrics.label_suspects(probabilities, truth).any()


@pytest.mark.parametrize(("contradictions", "expected"), [(66, 66), (67, 0)])
def test_a_model_is_believed_up_to_twice_the_usual_share_of_wrong_labels(contradictions, expected):
    probabilities = np.full((1000, 2), [0.9, 0.1], dtype=np.float32)
    label = (np.arange(1000) < contradictions).astype(np.intp)

    assert expected == metrics.label_suspects(probabilities, label).sum()


def test_no_images_have_no_suspects():
    assert [] == metrics.label_suspects(np.zeros((0, 3), np.float32), np.zeros(0, np.intp)).tolist()
