"""Resuming: a training that goes on from a checkpoint ends as one that never stopped; weights alone begin one anew."""

import re
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from batch_eval.errors import TrainingError
from batch_eval.models import open_model
from batch_eval.training.batches import Digits, drawn_digits
from batch_eval.training.checkpoint import ENTRY
from batch_eval.training.history import Epoch, best_of
from batch_eval.training.networks import network
from batch_eval.training.settings import Settings
from batch_eval.training.trainer import TrainingResult, train

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings(
        "ignore:__array__ implementation:DeprecationWarning"  # in Keras itself, when it saves
    ),
]
DIGITS = drawn_digits(11, 120)
# strong augmentation, drawn digits, and the mean of the weights, which is kept beside them
AVERAGED = Settings("default", epochs=2, batch_size=32, drawn=40, seed=7)
# dropout, and a learning rate so high that some epochs are worse than the one before and it is reduced
PATIENT = Settings("cnn-flask", epochs=5, batch_size=32, learning_rate=1.0, optimizer="sgd", seed=7, reduce_lr=1)
SMALL = Settings("mlp-512", epochs=2, batch_size=32, seed=7)
STOPPED = replace(SMALL, epochs=40, learning_rate=0.1, early_stopping=2)


def silent(line: str, epoch: Epoch | None) -> None:
    """Report nothing."""


def trained(settings: Settings, digits: Digits = DIGITS) -> TrainingResult:
    return train(digits, settings, on_progress=silent)


def timeless(training: TrainingResult) -> list[Epoch]:
    return [replace(epoch, seconds=0) for epoch in training.epochs]


def assert_same(expected: TrainingResult, actual: TrainingResult) -> None:
    assert timeless(expected) == timeless(actual)
    for a, b in zip(expected.model.get_weights(), actual.model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("settings", [AVERAGED, PATIENT], ids=lambda settings: settings.network)
def test_a_resumed_training_equals_an_uninterrupted_one(settings: Settings, tmp_path: Path):
    whole = trained(replace(settings, checkpoints=tmp_path))

    assert_same(whole, trained(replace(settings, resume=sorted(tmp_path.iterdir())[-2])))


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> tuple[TrainingResult, list[Path]]:
    """A training that early stopping has ended after its best epoch, and its checkpoints."""
    folder = tmp_path_factory.mktemp("stopped")
    return trained(replace(STOPPED, checkpoints=folder)), sorted(folder.iterdir())


def test_a_resumed_training_stops_where_it_would_have_stopped(stopped: tuple[TrainingResult, list[Path]]):
    whole, checkpoints = stopped

    assert len(whole.epochs) < 40
    assert_same(whole, trained(replace(STOPPED, resume=checkpoints[-2])))


def test_a_training_that_had_stopped_is_not_resumed_at_its_end(stopped: tuple[TrainingResult, list[Path]]):
    with pytest.raises(TrainingError, match=r"is where --early-stopping ended the training\. Give it more patience"):
        trained(replace(STOPPED, resume=stopped[1][-1]))


def test_the_best_epochs_checkpoint_must_be_there(stopped: tuple[TrainingResult, list[Path]], tmp_path: Path):
    whole, checkpoints = stopped
    moved = tmp_path / checkpoints[-2].name
    moved.write_bytes(checkpoints[-2].read_bytes())

    assert best_of(whole.epochs).epoch < len(whole.epochs) - 1
    with pytest.raises(TrainingError, match=r"The best epoch before .* but \d\d-.*\.keras is not beside it"):
        trained(replace(STOPPED, resume=moved))


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The checkpoint after the first of two epochs."""
    folder = tmp_path_factory.mktemp("kept")
    trained(replace(SMALL, checkpoints=folder))
    return min(folder.iterdir())


def test_a_checkpoint_is_named_after_epoch_and_loss(checkpoint: Path):
    assert re.fullmatch(r"01-\d\.\d{4}\.keras", checkpoint.name)


def test_a_checkpoint_is_a_model_like_any_other(checkpoint: Path):
    assert "onnxruntime" == open_model(checkpoint).runtime


def test_a_resumed_training_says_where_it_went_on(checkpoint: Path):
    training = trained(replace(SMALL, resume=checkpoint))

    assert f"Training was resumed from {checkpoint.name} after epoch 1." == training.origin


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"seed": 8}, "--seed was 7 and is 8"),
        ({"network": "cnn-64-32"}, "--network was mlp-512 and is cnn-64-32"),
        ({"reduce_lr": 3}, "--reduce-lr was off and is 3"),
        ({"validation": 0.2}, "the hash of the digits was"),
        ({"epochs": 1}, r"is the checkpoint after epoch 1 of 1\. Give a higher --epochs"),
    ],
)
def test_a_checkpoint_goes_on_only_with_its_own_options(changed: dict[str, Any], message: str, checkpoint: Path):
    with pytest.raises(TrainingError, match=message):
        trained(replace(SMALL, resume=checkpoint, **changed))


def test_a_damaged_checkpoint_is_refused(checkpoint: Path, tmp_path: Path):
    damaged = tmp_path / checkpoint.name
    with zipfile.ZipFile(damaged, "w") as archive:
        archive.writestr(ENTRY, '{"format": 1}')

    with pytest.raises(TrainingError, match=r"is a damaged checkpoint: its entry training\.json cannot be read"):
        trained(replace(SMALL, resume=damaged))


@pytest.mark.parametrize("ending", [".keras", ".h5", ".hdf5", ".weights.h5"])
def test_a_training_begins_with_the_weights_of_any_model_file(ending: str, tmp_path: Path):
    model = network("mlp-512").build()
    path = tmp_path / f"m{ending}"
    (model.save_weights if ending == ".weights.h5" else model.save)(path)

    training = trained(replace(SMALL, epochs=1, optimizer="sgd", learning_rate=1e-30, resume=path))

    assert [1] == [epoch.epoch for epoch in training.epochs]
    for a, b in zip(model.get_weights(), training.model.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-20)


def test_weights_of_another_network_are_refused(tmp_path: Path):
    network("cnn-64-32").build().save_weights(tmp_path / "m.weights.h5")

    with pytest.raises(TrainingError, match=r"does not hold the weights of mlp-512 .*--network"):
        trained(replace(SMALL, resume=tmp_path / "m.weights.h5"))


@pytest.mark.parametrize("name", ["m.keras", "m.h5", "m.weights.h5", "m.txt"])
def test_a_file_that_is_no_model_is_refused(name: str, tmp_path: Path):
    (tmp_path / name).write_text("no model")

    with pytest.raises(TrainingError, match="does not hold the weights of mlp-512"):
        trained(replace(SMALL, resume=tmp_path / name))


def test_a_missing_file_is_refused(tmp_path: Path):
    with pytest.raises(TrainingError, match=r"nothing\.keras does not exist\. Give a checkpoint, or a model file"):
        trained(replace(SMALL, resume=tmp_path / "nothing.keras"))
