"""The score: a digit has a high one, a scribble gets the flag; models of other classes and recipes get none."""

import math

import cv2
import numpy as np
import pytest
from drawn_digits import ink, on_paper

from batch_eval.api import open_reader
from batch_eval.engines.scoring import FLAG, digit_scores
from batch_eval.errors import ModelError
from batch_eval.imaging import preprocessor
from batch_eval.models.score_model import NOT_A_DIGIT, ScoreModel, open_score_model
from batch_eval.training.score.saving import auroc


def scribble():
    image = np.full((300, 300), 235, np.uint8)
    points = np.random.default_rng(4).integers(60, 240, (14, 1, 2)).astype(np.int32)
    return cv2.polylines(image, [points], isClosed=False, color=40, thickness=7, lineType=cv2.LINE_AA)


def read(image):
    return open_reader().read(cv2.imencode(".png", image)[1].tobytes(), 1)


def test_a_digit_has_a_high_score_and_no_flag():
    reading = read(on_paper(ink(3)))

    assert reading.score > 0.5
    assert FLAG not in reading.flags


def test_a_scribble_is_flagged():
    reading = read(scribble())

    assert reading.score < NOT_A_DIGIT
    assert FLAG in reading.flags


def test_a_surer_model_raises_the_score():
    images = np.repeat(np.asarray(preprocessor("photo")(on_paper(ink(3))).image, np.uint8)[None], 2, axis=0)
    low, high = open_score_model().scores(images, np.array([0.4, 0.99], np.float32))

    assert low < high


@pytest.mark.parametrize(("recipe", "names"), [("simple", "0123456789"), ("photo", "ABCDEFGHIJ")])
def test_other_recipes_and_classes_have_no_score(recipe: str, names: str):
    reader = open_reader()
    classifier = type("Other", (), {"class_names": tuple(names)})() if names != "0123456789" else reader.classifier
    scores = digit_scores(preprocessor(recipe), classifier, np.zeros((2, 28, 28), np.uint8), np.ones((2, 10)))

    assert all(math.isnan(score) for score in scores)


def test_another_file_is_no_score_model(tmp_path):
    with pytest.raises(ModelError, match="no Keras file"):
        ScoreModel(tmp_path / "none.keras")


def test_auroc_counts_pairs_in_order():
    # of the 4 pairs of a digit and something else, 2 are in order and 1 is equal
    assert auroc(np.array([0.9, 0.4, 0.4, 0.5]), np.array([1, 1, 0, 0])) == (2 + 0.5) / 4
