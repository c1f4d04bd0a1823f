"""Training itself: small runs on drawn digits through the real functions, and the files they leave."""

import csv
import hashlib
import importlib
import io
import json
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree

import numpy as np
import pytest

from batch_eval.cli import _interrupted
from batch_eval.errors import ModelError, TrainingError
from batch_eval.evaluation import Outcome
from batch_eval.models import open_model
from batch_eval.training.batches import Digits, drawn_digits, lightly_augmented
from batch_eval.training.card import Card, card_markdown, history_csv
from batch_eval.training.data import TrainingData
from batch_eval.training.history import Epoch, best_of
from batch_eval.training.networks import NETWORKS, Plateau, network
from batch_eval.training.plot import ERROR, history_svg
from batch_eval.training.saving import save_training, stem_of
from batch_eval.training.settings import Settings, hyperparameters_of
from batch_eval.training.splitting import split
from batch_eval.training.trainer import TrainingResult, train

pytestmark = pytest.mark.slow

SMALL = Settings(epochs=2, batch_size=32, drawn=100, seed=7)
EPOCHS = (Epoch(1, 0.5, 0.9, 0.4, 0.95, 10.0), Epoch(2, 0.25, 0.95, 0.2, 0.975, 9.5))


def split_as(digits: Digits, settings: Settings) -> tuple[Digits, Digits]:
    return split(digits, hyperparameters_of(settings), settings)


def silent(line: str, epoch: Epoch | None) -> None:
    """Report nothing."""


@pytest.fixture(scope="module")
def data() -> TrainingData:
    return TrainingData(drawn_digits(11, 200), drawn_digits(12, 50), "drawn")


class Run(NamedTuple):
    training: TrainingResult
    reports: list[tuple[str, Epoch | None]]


@pytest.fixture(scope="module")
def run(data: TrainingData) -> Run:
    """One finished training, shared by the tests that only look at it."""
    reports: list[tuple[str, Epoch | None]] = []
    return Run(train(data.train, SMALL, on_progress=lambda line, epoch: reports.append((line, epoch))), reports)


def test_an_unknown_network_is_refused_with_the_known_ones():
    with pytest.raises(TrainingError, match=r"unknown network 'resnet'\. Must be one of default"):
        network("resnet")


def test_settings_take_the_rest_from_the_networks_hyperparameters():
    hyperparameters = hyperparameters_of(Settings(epochs=3))

    assert (hyperparameters.epochs, hyperparameters.learning_rate) == (3, NETWORKS["default"].defaults.learning_rate)


def test_another_optimizer_brings_its_usual_learning_rate():
    hyperparameters = hyperparameters_of(Settings("mlp-512", optimizer="sgd"))

    assert ("sgd", 0.01) == (hyperparameters.optimizer, hyperparameters.learning_rate)


def test_a_networks_own_patience_and_share_are_used():
    hyperparameters = hyperparameters_of(Settings("cnn-fashion"))

    assert (hyperparameters.early_stopping, hyperparameters.validation, hyperparameters.best_by) == (
        10,
        0.2,
        "accuracy",
    )
    assert hyperparameters.plateau == Plateau(5, 0.5, 1e-4)


def test_options_change_when_and_how_far_the_rate_falls():
    given = Settings("mlp-512", reduce_lr=3, reduce_lr_factor=0.5, reduce_lr_floor=1e-5)

    assert Plateau(3, 0.5, 1e-5) == hyperparameters_of(given).plateau
    assert Plateau(5, 0.2, 1e-4) == hyperparameters_of(Settings("cnn-fashion", reduce_lr_factor=0.2)).plateau
    assert hyperparameters_of(Settings("cnn-fashion", reduce_lr=0, early_stopping=0)).plateau is None
    assert hyperparameters_of(Settings("cnn-fashion", early_stopping=0)).early_stopping is None


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"reduce_lr_factor": 0.5}, "--reduce-lr-factor needs --reduce-lr PATIENCE"),
        ({"reduce_lr": 2, "reduce_lr_factor": 2}, "--reduce-lr-factor must lie between 0 and 1"),
        ({"best_by": "luck"}, "--best-by luck is invalid. Must be one of loss, accuracy"),
    ],
)
def test_a_plateau_that_cannot_be_is_refused(changed: dict[str, Any], message: str):
    with pytest.raises(TrainingError, match=message):
        hyperparameters_of(Settings("mlp-512", **changed))


def test_a_validation_share_is_taken_from_every_class_alike(data: TrainingData):
    train_set, val_set = split_as(data.train, Settings("mlp-512", validation=0.25))

    assert [5] * 10 == np.bincount(val_set.labels).tolist()
    assert [15] * 10 == np.bincount(train_set.labels).tolist()


def test_a_validation_share_without_room_for_every_class_is_refused(data: TrainingData):
    with pytest.raises(TrainingError, match=r"--validation 0\.01 cannot be taken from 200 digits"):
        split_as(data.train, Settings("mlp-512", validation=0.01))


def test_light_augmentation_keeps_the_digit_and_changes_the_image():
    image = drawn_digits(3, 1).images[0]
    varied = lightly_augmented(np.random.default_rng(0), image)

    assert (28, 28) == varied.shape
    assert not np.array_equal(image, varied)
    assert 0.7 * image.sum() < varied.sum() < 1.4 * image.sum()


def test_training_reports_every_epoch(run: Run):
    assert [line for line, _ in run.reports] == ["Drawing 100 digits", "Epoch 1 of 2", "Epoch 2 of 2"]
    assert [epoch for _, epoch in run.reports[1:]] == list(run.training.epochs)
    assert run.training.epochs[1].loss < run.training.epochs[0].loss


def test_the_same_seed_gives_the_same_weights(data: TrainingData, run: Run):
    again = train(data.train, SMALL, on_progress=silent)

    for a, b in zip(run.training.model.get_weights(), again.model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_ctrl_c_keeps_the_best_so_far(data: TrainingData):
    def stop(line: str, epoch: Epoch | None) -> None:
        if epoch:
            raise KeyboardInterrupt

    training = train(data.train, SMALL, on_progress=stop)

    assert training.interrupted
    assert len(training.epochs) == 1


def test_ctrl_c_while_a_library_is_imported_keeps_the_best_so_far(
    data: TrainingData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "pressing.py").write_text("import signal; signal.raise_signal(signal.SIGINT)")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(os, "_exit", lambda code: pytest.fail(f"the process ended at once, with {code}"))
    before = signal.signal(signal.SIGINT, _interrupted)

    def stop(line: str, epoch: Epoch | None) -> None:
        if epoch:
            importlib.import_module("pressing")

    try:
        training = train(data.train, SMALL, on_progress=stop)
        assert _interrupted is signal.getsignal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)

    assert training.interrupted
    assert len(training.epochs) == 1


def test_ctrl_c_pressed_twice_stops_at_once(data: TrainingData):
    reached: list[str] = []

    def stop(line: str, epoch: Epoch | None) -> None:
        if epoch:
            signal.raise_signal(signal.SIGINT)
            reached.append("once")
            signal.raise_signal(signal.SIGINT)
            reached.append("twice")

    assert train(data.train, SMALL, on_progress=stop).interrupted
    assert reached == ["once"]


def test_ctrl_c_in_the_first_epoch_stops(data: TrainingData):
    def stop(line: str, epoch: Epoch | None) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(data.train, SMALL, on_progress=stop)


def test_losses_are_written_for_tensorboard(data: TrainingData, tmp_path: Path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.util.tensor_util import make_ndarray

    training = train(data.train, replace(SMALL, network="mlp-512", drawn=0, tensorboard=tmp_path), on_progress=silent)

    events = EventAccumulator(str(tmp_path / "validation"), size_guidance={"tensors": 0})
    events.Reload()
    written = [float(make_ndarray(event.tensor_proto)) for event in events.Tensors("epoch_loss")]
    assert written == pytest.approx([epoch.val_loss for epoch in training.epochs])


def test_a_missing_tensorboard_is_named_before_training(
    data: TrainingData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(sys.modules, "tensorboard", None)

    with pytest.raises(TrainingError, match=r"--tensorboard needs tensorboard .*pip install .+\[tensorboard\]"):
        train(data.train, replace(SMALL, tensorboard=tmp_path), on_progress=silent)


def test_too_few_digits_are_refused():
    few = Digits(np.zeros((5, 28, 28), np.uint8), np.zeros(5, np.uint8))

    with pytest.raises(TrainingError, match="do not fill one batch of 128"):
        train(few, Settings(drawn=0), on_progress=silent)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # in Keras itself, when it saves
def test_a_training_is_saved_with_its_card_and_history(data: TrainingData, run: Run, tmp_path: Path):
    import keras

    out = tmp_path / "models" / "mine.keras"
    card, evaluation = save_training(run.training, data, SMALL, out)

    loaded = keras.models.load_model(out)
    images = data.test.images[..., None].astype(np.float32) / 255
    correct = int((loaded.predict(images, verbose=0).argmax(axis=1) == data.test.labels).sum())
    stored = json.loads((out.parent / "mine.card.json").read_text())
    assert sorted(path.name for path in out.parent.iterdir()) == [
        "mine.card.json",
        "mine.card.md",
        "mine.history.csv",
        "mine.history.svg",
        "mine.keras",
    ]
    assert correct == card.test_correct == evaluation.counts[Outcome.CORRECT] == stored["test_correct"]
    assert stored["model_sha256"] == hashlib.sha256(out.read_bytes()).hexdigest()
    assert stored["data_sha256"] == data.sha256
    assert out.stat().st_size < 2_000_000
    assert not loaded.compiled


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # in Keras itself, when it saves
def test_a_training_is_kept_when_its_evaluation_fails(data: TrainingData, run: Run, tmp_path: Path):
    out = tmp_path / "mine.keras"
    spoiled = replace(data, class_names=tuple("0123456789x"))  # a name too many for ten outputs

    with pytest.raises(ModelError, match="11"):
        save_training(run.training, spoiled, SMALL, out)
    assert [out] == list(tmp_path.iterdir())
    assert open_model(out).class_names == tuple("0123456789")


@pytest.mark.parametrize("name", ["model.pb", ".keras"])
def test_a_model_must_be_called_as_keras_saves_it(name: str):
    with pytest.raises(TrainingError, match=r"Must end in \.weights\.h5, \.keras"):
        stem_of(Path(name))


def test_the_history_has_one_row_an_epoch():
    rows = list(csv.DictReader(io.StringIO(history_csv(EPOCHS).decode())))

    assert [row["loss"] for row in rows] == ["0.5", "0.25"]
    shares = ["precision", "recall", "val_precision", "val_recall"]
    assert list(rows[0]) == ["epoch", "loss", "accuracy", "val_loss", "val_accuracy", "seconds", *shares]


@pytest.mark.parametrize("epochs", [EPOCHS[:1], EPOCHS])
def test_the_plot_is_an_svg_with_four_lines(epochs: tuple[Epoch, ...]):
    plot = ElementTree.fromstring(history_svg(epochs))

    lines = plot.findall(".//{http://www.w3.org/2000/svg}polyline")
    assert [len(line.attrib["points"].split()) for line in lines] == [len(epochs)] * 4


def test_precision_and_recall_have_plots_of_their_own():
    known = [replace(epoch, precision=0.99, recall=0.98, val_precision=0.97, val_recall=0.96) for epoch in EPOCHS]

    found = labels(history_svg(known))

    assert "100 – precision, in %" in found
    assert "100 – recall, in %" in found


def test_the_best_epoch_is_that_of_the_highest_accuracy_if_wanted():
    worse_loss = [Epoch(1, 0.5, 0.9, 0.3, 0.96, 1.0), Epoch(2, 0.5, 0.9, 0.2, 0.95, 1.0)]

    assert (1, 2) == (best_of(worse_loss, "accuracy").epoch, best_of(worse_loss).epoch)


def labels(plot: bytes) -> list[str]:
    return [text.text or "" for text in ElementTree.fromstring(plot).findall(".//{http://www.w3.org/2000/svg}text")]


def test_the_plots_scales_hold_all_values():
    found = labels(history_svg(EPOCHS))

    assert ["0.2", "0.5", "1"] == found[2:5]  # losses from 0.2 to 0.5
    assert ["2", "5", "10", "20"] == found[found.index(ERROR) + 2 :][:4]  # errors from 2.5 to 10 %


def test_a_plot_without_any_error_has_a_scale():
    assert ERROR in labels(history_svg([Epoch(1, 0.5, 1.0, 0.4, 1.0, 10.0)]))


def test_the_plot_numbers_no_more_epochs_than_have_room():
    found = labels(history_svg([replace(EPOCHS[0], epoch=number) for number in range(1, 41)]))

    assert ["1", "5", "9"] == found[found.index("best") + 1 :][:3]


def test_the_card_says_what_made_the_model():
    card = Card(
        network="default",
        summary="a network",
        parameters=320_722,
        model_sha256="ab" * 32,
        version="1.2.3",
        data="mnist.npz",
        data_sha256="cd" * 32,
        given_digits=60_000,
        drawn_digits=60_000,
        seed=5,
        epochs=3,
        epochs_planned=24,
        batch_size=128,
        learning_rate=0.003,
        optimizer="adamw",
        augmentation="strong",
        test_digits=10_000,
        test_correct=9_965,
        seconds=125,
        libraries={"Keras": "3.15"},
        notes=("stopped by hand",),
    )

    text = card_markdown(card).decode()

    for expected in ("99.65 %", "60,000 from mnist.npz", "3 of 24", "128, 0.003, 5", "2 min 05 s", "stopped by hand"):
        assert expected in text
