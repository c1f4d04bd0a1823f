"""Conformal sets: they miss the truth as seldom as was promised, whatever the model; ties get two classes."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from report_examples import small

from batch_eval.errors import ConfigError
from batch_eval.evaluation import Evaluation
from batch_eval.evaluation.calibration import Calibration
from batch_eval.evaluation.conformal import calibrate, check_fits, set_figures, sets_line
from batch_eval.evaluation.saved import dump_evaluation, parse_evaluation
from batch_eval.outcome import OUTCOMES, Outcome
from batch_eval.reports.json_files import flat_metrics

CLASSES = tuple("0123456789")


def evaluation_of(probabilities: NDArray[np.float32], truth: NDArray[np.intp]) -> Evaluation:
    """An evaluation of images that a model read with these probabilities."""
    base = small()
    right = probabilities.argmax(axis=1) == truth
    outcome = np.where(right, OUTCOMES.index(Outcome.CORRECT), OUTCOMES.index(Outcome.WRONG)).astype(np.uint8)
    records = replace(
        base.records,
        ids=tuple(f"{i}.png" for i in range(len(truth))),
        truth=tuple(CLASSES[t] for t in truth),
        outcome=outcome,
        probabilities=probabilities,
        reasons={},
        slices={},
        flags={},
        pictures={},
        groups=(),
        scores=None,
    )
    return Evaluation(CLASSES, records, base.provenance)


def drawn(rng: np.random.Generator, count: int) -> Evaluation:
    """Images of a model that is right as often as it says, now and then hardly sure."""
    probabilities = rng.dirichlet(np.full(10, 0.15), count).astype(np.float32)
    truth = np.array([rng.choice(10, p=p / p.sum()) for p in probabilities.astype(float)])
    return evaluation_of(probabilities, truth)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.02, 0.05, 0.2]))
def test_sets_miss_the_truth_as_often_as_allowed(seed: int, alpha: float):
    rng = np.random.default_rng(seed)
    calibration = calibrate(drawn(rng, 1000), alpha)

    found = set_figures(drawn(rng, 1000), calibration)

    # two samples of 1000 each: four standard deviations of both together
    assert abs(found.coverage - (1 - alpha)) < 4 * math.sqrt(2 * alpha * (1 - alpha) / 1000)


def test_the_threshold_is_the_quantile_of_the_papers():
    probabilities = np.zeros((9, 10), np.float32)
    probabilities[:, 0] = np.linspace(0.1, 0.9, 9)
    probabilities[:, 1] = 1 - probabilities[:, 0]

    found = calibrate(evaluation_of(probabilities, np.zeros(9, int)), 0.2)

    # rank ceil(10 * 0.8) = 8 of the falling probabilities of the truth: 0.9, 0.8, …, 0.2
    assert found.threshold == pytest.approx(0.2)
    assert found.images == 9


def test_a_tie_gets_two_classes_and_certainty_one():
    tie, sure, blank = np.zeros((3, 10), np.float32)
    tie[[1, 7]] = 0.49, 0.51
    sure[3] = 1

    sets = Calibration(0.1, 0.3, 100, "photos").sets(np.stack([tie, sure, blank]))

    assert [np.flatnonzero(row).tolist() for row in sets] == [[1, 7], [3], []]


def test_an_image_that_the_model_is_unsure_of_gets_no_class_where_many_may_be_missed():
    flat = np.full((1, 10), 0.1, np.float32)

    assert not Calibration(0.5, 0.9, 100, "photos").sets(flat).any()


def test_the_table_lists_the_sets_by_falling_probability():
    probabilities = np.zeros((1, 10), np.float32)
    probabilities[0, [1, 7]] = 0.4, 0.6
    evaluation = replace(evaluation_of(probabilities, np.array([1])), calibration=Calibration(0.1, 0.3, 100, "photos"))

    assert evaluation.columns()["set"] == ["7 1"]
    assert sets_line(evaluation, evaluation.calibration).endswith("100.00 % of 1 sets hold the label.")
    assert flat_metrics(evaluation)["sets_of_one"] == 0


def test_a_saved_evaluation_keeps_its_calibration():
    evaluation = replace(small(), calibration=Calibration(0.05, 0.123, 400, "photos"))

    assert parse_evaluation(dump_evaluation(evaluation)).calibration == evaluation.calibration


@pytest.mark.parametrize(("alpha", "message"), [(0, "out of range"), (1.2, "out of range"), (0.01, "at least 99")])
def test_what_cannot_be_promised_is_refused(alpha: float, message: str):
    with pytest.raises(ConfigError, match=message):
        calibrate(drawn(np.random.default_rng(0), 50), alpha)


def test_another_model_or_recipe_is_refused():
    evaluation = small()
    own = evaluation.provenance

    check_fits(evaluation, own.model_sha256, own.preprocess_sha256)
    with pytest.raises(ConfigError, match="another model"):
        check_fits(evaluation, "0" * 64, own.preprocess_sha256)
    with pytest.raises(ConfigError, match="older revision"):
        check_fits(evaluation, own.model_sha256, "0" * 64)
