"""The score network learns from digits and other things, and from what is found wrongly in drawn scenes."""

import json
from pathlib import Path

import numpy as np
import pytest

from batch_eval.models.ink_model import open_ink_model
from batch_eval.models.score_model import ScoreModel
from batch_eval.training.batches import Digits
from batch_eval.training.data import TrainingData
from batch_eval.training.score.findings import difference, findings
from batch_eval.training.score.saving import save_score
from batch_eval.training.score.training import ScoreSettings, score_images, train_score

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings(
        "ignore:__array__ implementation:DeprecationWarning"  # in Keras itself, when it saves
    ),
]
SETTINGS = ScoreSettings(count=18, epochs=1, seed=3)


@pytest.fixture(scope="module")
def given() -> Digits:
    y, x = np.mgrid[:28, :28]
    ring = abs(np.hypot(y - 13.5, x - 13.5) - 8) < 2
    return Digits(ring[None].astype(np.uint8) * np.uint8(255), np.zeros(1, np.uint8))


def test_equal_images_do_not_differ_and_apart_ones_differ_wholly():
    image = np.zeros((28, 28), np.uint8)
    image[5:20, 5:8] = 200

    assert difference(image, image) == 0
    assert difference(image, np.roll(image, 10, axis=1)) == 1


def test_both_ways_find_digits_in_scenes(given: Digits):
    found = findings(1, 12, given, open_ink_model())

    assert len(found.right) + len(found.wrong) <= 2 * 12
    assert len(found.right) > len(found.wrong)
    assert found.right.shape[1:] == found.wrong.shape[1:] == (28, 28)


def test_half_of_what_it_learns_from_are_digits(given: Digits):
    images, truth = score_images(given, open_ink_model(), SETTINGS)

    assert images.shape == (2 * SETTINGS.count, 28, 28)
    assert truth.sum() == SETTINGS.count


def test_the_trained_network_is_saved_with_its_card_and_opens(given: Digits, tmp_path: Path, monkeypatch):
    pytest.importorskip("tensorflow")
    monkeypatch.setattr("batch_eval.training.score.saving.TESTED", 12)
    data = TrainingData(given, given, "rings")

    model, seconds = train_score(given, open_ink_model(), SETTINGS, lambda _: None)
    card = save_score(model, seconds, data, open_ink_model(), SETTINGS, tmp_path / "score.keras", None)

    assert json.loads((tmp_path / "score.card.json").read_text())["model_sha256"] == card.model_sha256
    np.testing.assert_allclose(
        ScoreModel(tmp_path / "score.keras").shape(given.images),
        model.predict(given.images[..., None] / np.float32(255), verbose=0)[:, 0],
        atol=2e-3,  # the file's weights are rounded
    )
