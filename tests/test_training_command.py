"""batch-eval train, as it is typed."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from batch_eval.cli.train import train
from batch_eval.errors import TrainingError
from batch_eval.models import open_model
from batch_eval.training.batches import drawn_digits
from batch_eval.training.networks import NETWORKS

app = typer.Typer()
app.command()(train)


@pytest.fixture
def npz(tmp_path: Path) -> Path:
    digits = drawn_digits(1, 100)
    path = tmp_path / "digits.npz"
    np.savez(path, x_train=digits.images, y_train=digits.labels, x_test=digits.images, y_test=digits.labels)
    return path


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # in Keras itself, when it saves
def test_train_writes_a_model_and_says_its_accuracy(npz: Path, tmp_path: Path):
    out = tmp_path / "m.keras"
    result = CliRunner().invoke(
        app, ["--data", str(npz), "--out", str(out), "--epochs", "1", "--drawn", "50", "--batch-size", "32"]
    )

    assert result.exit_code == 0, result.output
    assert out.is_file()
    assert result.stdout.startswith("Accuracy on the test digits: ")
    assert "Epoch 1 of 1: loss " in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--network", "resnet"], "no network 'resnet'"),
        (["--out", "model.pb"], r"Must end in \.weights\.h5, \.keras"),
        (["--data", "missing.npz"], r"missing\.npz does not exist"),
        (["--augment", "much"], "--augment much is invalid. Must be one of none, light, strong"),
        (["--optimizer", "best"], "--optimizer best is invalid. Must be one of adam"),
    ],
)
def test_a_mistake_is_said_before_anything_is_drawn(arguments: list[str], message: str):
    result = CliRunner().invoke(app, arguments)

    with pytest.raises(TrainingError, match=message):
        raise result.exception


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # in Keras itself, when it saves
@pytest.mark.parametrize("name", [name for name in NETWORKS if name != "default"])
def test_every_network_trains_two_epochs_and_is_opened_by_run(name: str, npz: Path, tmp_path: Path):
    out = tmp_path / "m.keras"
    result = CliRunner().invoke(
        app, ["--network", name, "--data", str(npz), "--out", str(out), "--epochs", "2", "--batch-size", "32"]
    )

    assert 0 == result.exit_code, result.output
    assert "Epoch 2 of 2: loss " in result.stderr
    assert "onnxruntime" == open_model(out).runtime


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # in Keras itself, when it saves
@pytest.mark.parametrize("ending", [".keras", ".h5", ".hdf5", ".weights.h5"])
def test_every_kind_of_model_file_is_reported_on_and_opened_again(ending: str, npz: Path, tmp_path: Path):
    out = tmp_path / f"m{ending}"
    result = CliRunner().invoke(
        app, ["-n", "mlp-512", "--data", str(npz), "--out", str(out), "--epochs", "1", "--batch-size", "32"]
    )

    assert 0 == result.exit_code, result.output
    assert {"m.card.json", "m.history.csv", "m.history.svg", "m.report"} < {path.name for path in tmp_path.iterdir()}
    assert (tmp_path / "m.report" / "report.html").is_file()
    assert "Accuracy on the sample images, read as photos: " in result.stdout
    assert "onnxruntime" == open_model(out, network="mlp-512" if "weights" in ending else None).runtime


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # in Keras itself, when it saves
def test_every_epoch_leaves_a_checkpoint_and_a_stall_stops_the_training(npz: Path, tmp_path: Path):
    checkpoints = tmp_path / "checkpoints"
    options = ["--epochs", "9", "--batch-size", "32", "--learning-rate", "1e-9", "--augment", "none"]
    chosen = ["--early-stopping", "1", "--reduce-lr", "1", "--validation", "0.2", "--checkpoints", str(checkpoints)]
    result = CliRunner().invoke(
        app, ["-n", "mlp-512", "--data", str(npz), "--out", str(tmp_path / "m.keras"), *options, *chosen]
    )

    assert 0 == result.exit_code, result.output
    files = sorted(path.name for path in checkpoints.iterdir())
    assert all(re.fullmatch(r"\d\d-\d+\.\d{4}\.keras", name) for name in files)
    assert 2 <= len(files) < 9


def test_importing_the_training_modules_does_not_import_tensorflow():
    modules = ["batches", "card", "data", "networks", "samples", "saving", "settings", "trainer"]
    imports = ", ".join(f"batch_eval.training.{name}" for name in modules)
    code = f"import sys, batch_eval.cli.train, {imports}; print({{'tensorflow', 'keras', 'jinja2'}} & set(sys.modules))"

    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert result.stdout.strip() == "set()"
