"""The ink network is trained, written small, and read without TensorFlow as Keras computes it."""

import json
from pathlib import Path

import numpy as np
import pytest
import typer
from click.testing import Result
from typer.testing import CliRunner

from batch_eval.cli.train import train
from batch_eval.errors import ModelError, TrainingError
from batch_eval.models.ink_model import SIDES, InkModel
from batch_eval.training.batches import Digits
from batch_eval.training.ink import saving
from batch_eval.training.ink.compact import BITS, compact_bytes, rounded
from batch_eval.training.ink.training import InkSettings, train_ink

pytest.importorskip("tensorflow")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings(
        "ignore:__array__ implementation:DeprecationWarning"  # in Keras itself, when it saves
    ),
]


@pytest.fixture(scope="module")
def given() -> Digits:
    y, x = np.mgrid[:28, :28]
    ring = abs(np.hypot(y - 13.5, x - 13.5) - 8) < 2
    return Digits(ring[None].astype(np.uint8) * np.uint8(255), np.zeros(1, np.uint8))


@pytest.fixture(scope="module")
def trained(given: Digits):
    """A network after a few steps, with the lines that were reported."""
    lines: list[str] = []
    return train_ink(given, InkSettings(steps=4, seed=3), lines.append), lines


@pytest.fixture(scope="module")
def model_file(trained, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("ink") / "ink.keras"
    path.write_bytes(compact_bytes(trained[0].model))
    return path


def test_training_sees_small_and_large_scenes(trained):
    assert set(trained[0].missed) == set(SIDES)
    assert all(share < 1 for share in trained[0].missed.values())


def test_the_same_seed_gives_the_same_weights(trained, given: Digits):
    again = train_ink(given, InkSettings(steps=4, seed=3), lambda _: None)

    pairs = zip(trained[0].model.get_weights(), again.model.get_weights(), strict=True)
    assert all(np.array_equal(a, b) for a, b in pairs)


@pytest.mark.parametrize("side", SIDES)
def test_the_file_is_computed_as_keras_computes_it(model_file: Path, side: int):
    import keras
    import tensorflow as tf

    from batch_eval.training.ink.network import build

    images = np.random.default_rng(0).integers(0, 256, (3, side, side, 3), dtype=np.uint8)
    network = build(side)
    network.set_weights(keras.models.load_model(model_file, compile=False).get_weights())
    expected = tf.sigmoid(tf.nn.depth_to_space(network(images.astype(np.float32)), 2)).numpy()

    assert np.abs(InkModel(model_file).maps(images) - expected).max() < 1e-4


def test_the_file_is_small(model_file: Path):
    assert model_file.stat().st_size < 600_000


def test_weights_are_rounded_alike_at_every_size():
    weights = np.float32([0.0, 1.0, -1.0, 1e-8, 3.14159, -123.456, 1e-30])

    assert rounded(weights)[:3].tolist() == [0, 1, -1]
    assert np.allclose(rounded(weights), weights, rtol=2.0**-BITS, atol=0)


def test_an_infinite_loss_ends_the_training(given: Digits):
    with pytest.raises(TrainingError, match="smaller --learning-rate"):
        train_ink(given, InkSettings(steps=30, learning_rate=1e30), lambda _: None)


def test_a_file_that_is_no_model_is_refused(tmp_path: Path):
    path = tmp_path / "ink.keras"
    path.write_bytes(b"nothing")

    with pytest.raises(ModelError, match="--network ink"):
        InkModel(path)


@pytest.fixture
def npz(given: Digits, tmp_path: Path) -> Path:
    path = tmp_path / "digits.npz"
    arrays = {"x": given.images, "y": given.labels}
    np.savez(path, **{f"{key}_{part}": array for key, array in arrays.items() for part in ("train", "test")})
    return path


def command(*options: str) -> Result:
    app = typer.Typer()
    app.command()(train)
    return CliRunner().invoke(app, ["--network", "ink", *options])


def test_the_command_writes_model_and_card(npz: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("batch_eval.training.ink.training.EPOCH", 3)
    monkeypatch.setattr(saving, "TESTED", 4)
    out = tmp_path / "mine" / "ink.keras"

    result = command("--data", str(npz), "--out", str(out), "--epochs", "1", "--seed", "5")

    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("Mean overlap of found and true ink, on drawn scenes: 0.")
    card = json.loads(out.with_suffix(".card.json").read_text())
    assert (card["steps"], card["seed"], set(card["overlap"])) == (3, 5, {"64", "128"})
    assert InkModel(out).maps(np.zeros((1, 64, 64, 3), np.uint8)).shape == (1, 64, 64, 3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--augment", "light"), "does not take --augment"),
        (("--out", "ink.h5"), "Must end in .keras"),
    ],
)
def test_the_command_refuses_what_does_not_apply(npz: Path, options: tuple[str, ...], message: str):
    result = command("--data", str(npz), *options)

    assert isinstance(result.exception, TrainingError)
    assert message in str(result.exception)
