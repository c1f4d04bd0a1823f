"""batch-eval train, as it is typed."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from batch_eval.cli.train import train
from batch_eval.errors import TrainingError
from batch_eval.training.batches import drawn_digits

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
        (["--out", "model.h5"], r"Must end in \.keras"),
        (["--data", "missing.npz"], r"missing\.npz does not exist"),
    ],
)
def test_a_mistake_is_said_before_anything_is_drawn(arguments: list[str], message: str):
    result = CliRunner().invoke(app, arguments)

    with pytest.raises(TrainingError, match=message):
        raise result.exception


def test_importing_the_training_modules_does_not_import_tensorflow():
    modules = ["batches", "card", "data", "networks", "samples", "saving", "trainer"]
    imports = ", ".join(f"batch_eval.training.{name}" for name in modules)
    code = f"import sys, batch_eval.cli.train, {imports}; print({{'tensorflow', 'keras', 'jinja2'}} & set(sys.modules))"

    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert result.stdout.strip() == "set()"
