"""batch-eval train, as it is typed."""

import csv
import json
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest
import typer
from click.testing import Result
from typer.testing import CliRunner

from batch_eval.cli.run import run
from batch_eval.cli.train import train
from batch_eval.errors import ReportError, TrainingError
from batch_eval.models import ModelOptions, open_model
from batch_eval.training import testing
from batch_eval.training.batches import drawn_digits
from batch_eval.training.networks import NETWORKS

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings(
        "ignore:__array__ implementation:DeprecationWarning"  # in Keras itself, when it saves
    ),
]
app = typer.Typer()
app.command()(train)
evaluating = typer.Typer()
evaluating.command()(run)
CLOTHES = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")


@pytest.fixture(scope="module", autouse=True)
def samples_drawn_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Every training is tried on the same sample images. Draw and compress them once, and copy them."""
    drawn = tmp_path_factory.mktemp("samples")
    testing.write_samples(drawn)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(testing, "write_samples", partial(shutil.copytree, drawn))
        yield


@pytest.fixture
def npz(tmp_path: Path) -> Path:
    digits = drawn_digits(1, 100)
    path = tmp_path / "digits.npz"
    np.savez(path, x_train=digits.images, y_train=digits.labels, x_test=digits.images, y_test=digits.labels)
    return path


def trained(npz: Path, out: Path, *options: str) -> Result:
    """Train a small network through the command, for one epoch unless the options say otherwise."""
    usual = ["--network", "mlp-512", "--data", str(npz), "--out", str(out), "--epochs", "1", "--batch-size", "32"]
    result = CliRunner().invoke(app, [*usual, *options])
    assert 0 == result.exit_code, result.output
    return result


def test_train_writes_a_model_and_says_its_accuracy(npz: Path, tmp_path: Path):
    out = tmp_path / "m.keras"
    result = CliRunner().invoke(
        app, ["--data", str(npz), "--out", str(out), "--epochs", "1", "--drawn", "50", "--batch-size", "32"]
    )

    assert result.exit_code == 0, result.output
    assert out.is_file()
    assert result.stdout.startswith("Accuracy on the test set: ")
    assert "Epoch 1 of 1: loss " in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--network", "resnet"], "unknown network 'resnet'"),
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


@pytest.mark.parametrize(("option", "path"), [("--out", "file/m.keras"), ("--report", "file")])
def test_a_folder_that_cannot_be_written_is_said_with_its_option(option: str, path: str, tmp_path: Path):
    (tmp_path / "file").write_bytes(b"")
    result = CliRunner().invoke(app, ["--out", str(tmp_path / "m.keras"), option, str(tmp_path / path)])

    with pytest.raises(ReportError, match=rf"is a file\. Choose another folder with {option}\."):
        raise result.exception


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """The test digits of the .npz as a folder of images."""
    folder = tmp_path / "images"
    folder.mkdir()
    digits = drawn_digits(1, 100)
    for i, (image, label) in enumerate(zip(digits.images, digits.labels, strict=True)):
        cv2.imwrite(str(folder / f"{label}_{i}.png"), image)
    return folder


def assert_run_agrees(model: Path, images: Path, *options: str) -> None:
    """Evaluate a trained model on its test digits by the command, and compare with its card."""
    card = json.loads(model.with_name("m.card.json").read_text())
    out = model.with_name("out")
    result = CliRunner().invoke(evaluating, [str(images), "-m", str(model), "-p", "none", "-o", str(out), *options])

    assert 0 == result.exit_code, result.output
    assert f"{card['test_correct']} of 100 scored images correct" in result.stdout


@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_trains_two_epochs_and_is_evaluated_by_run(name: str, npz: Path, images: Path, tmp_path: Path):
    out = tmp_path / "m.keras"
    result = trained(npz, out, "--network", name, "--epochs", "2", "--drawn", "0", "--no-report")

    assert "Epoch 2 of 2: loss " in result.stderr
    assert "onnxruntime" == open_model(out).runtime
    assert_run_agrees(out, images)


@pytest.mark.parametrize("ending", [".keras", ".h5", ".hdf5", ".weights.h5"])
def test_every_kind_of_model_file_is_reported_on_and_evaluated_by_run(
    ending: str, npz: Path, images: Path, tmp_path: Path
):
    out = tmp_path / f"m{ending}"
    result = trained(npz, out)

    assert {"m.card.json", "m.history.csv", "m.history.svg", "m.report"} < {path.name for path in tmp_path.iterdir()}
    assert (tmp_path / "m.report" / "report.html").is_file()
    assert "Accuracy on the sample images, read as photos: " in result.stdout
    assert "onnxruntime" == open_model(ModelOptions(out, network="mlp-512" if "weights" in ending else None)).runtime
    assert_run_agrees(out, images, *(["--network", "mlp-512"] if "weights" in ending else []))


def test_ctrl_c_keeps_the_best_weights_so_far(npz: Path, tmp_path: Path):
    out = tmp_path / "m.keras"
    options = ["--data", str(npz), "--out", str(out), "--epochs", "100000", "--batch-size", "32", "--no-report"]
    command = [sys.executable, "-m", "batch_eval", "train", "--network", "mlp-512", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        assert any(line.startswith("Epoch 1 of 100000: ") for line in process.stderr)
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=300)

    assert 0 == process.returncode, stderr
    assert "Accuracy on the test set: " in stdout
    assert "stopped by hand" in json.loads((tmp_path / "m.card.json").read_text())["notes"][-1]
    assert "onnxruntime" == open_model(out).runtime


def test_a_training_is_resumed_by_the_command(npz: Path, tmp_path: Path):
    whole, resumed = tmp_path / "whole.keras", tmp_path / "resumed.keras"
    options = ["--epochs", "2", "--no-report"]
    trained(npz, whole, *options, "--checkpoints", str(tmp_path / "kept"))
    first = min((tmp_path / "kept").iterdir())
    result = trained(npz, resumed, *options, "--resume", str(first))

    assert "Epoch 1 of 2" not in result.stderr
    notes = json.loads((tmp_path / "resumed.card.json").read_text())["notes"]
    assert [f"Training was resumed from {first.name} after epoch 1."] == notes
    expected, actual = (open_model(path).predict(drawn_digits(2, 20).images) for path in (whole, resumed))
    np.testing.assert_array_equal(expected, actual)


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


def test_a_validation_set_of_its_own_chooses_the_best_epoch(npz: Path, tmp_path: Path):
    result = trained(npz, tmp_path / "m.keras", "--validation", str(npz), "--no-report")

    assert "Note: validation set: 100 digits from digits.npz" in result.stderr
    assert "validation set: 100 digits from digits.npz" in json.loads((tmp_path / "m.card.json").read_text())["notes"]


@pytest.fixture(scope="module")
def clothes(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    """A folder with a network trained on classes that are no digits, and what the command said."""
    folder = tmp_path_factory.mktemp("clothes")
    digits = drawn_digits(1, 100)
    arrays = {"x_train": digits.images, "y_train": digits.labels, "x_test": digits.images, "y_test": digits.labels}
    np.savez(folder / "clothes.npz", **arrays)
    return folder, trained(folder / "clothes.npz", folder / "m.keras", "--classes", ",".join(CLOTHES))


def test_classes_have_their_names_in_summary_card_and_reports(clothes: tuple[Path, Result]):
    folder, result = clothes

    assert "Accuracy on the test set: " in result.stdout
    assert "Ankle boot" in result.stdout
    assert list(CLOTHES) == json.loads((folder / "m.card.json").read_text())["class_names"]
    assert f'`--classes "{",".join(CLOTHES)}"`' in (folder / "m.card.md").read_text()
    assert "Ankle boot" in (folder / "m.report" / "report.html").read_text()


def test_a_network_of_other_classes_is_not_tried_on_the_sample_digits(clothes: tuple[Path, Result]):
    assert "sample images" not in clothes[1].stdout


def test_a_network_of_other_classes_is_evaluated_by_run_with_their_names(clothes: tuple[Path, Result], tmp_path: Path):
    images = tmp_path / "images"
    images.mkdir()
    digits = drawn_digits(2, 10)
    for i, image in enumerate(digits.images):
        cv2.imwrite(str(images / f"{i}.png"), image)
    with (images / "labels.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("filename", "label"), *((f"{i}.png", CLOTHES[i]) for i in digits.labels)])

    arguments = [str(images), "-m", str(clothes[0] / "m.keras"), "--classes", ",".join(CLOTHES), "-p", "none"]
    result = CliRunner().invoke(evaluating, [*arguments, "--out", str(tmp_path / "out")])

    assert 0 == result.exit_code, result.output
    assert "of 10 scored images correct" in result.stdout


def test_drawn_digits_are_not_mixed_with_other_classes(npz: Path):
    arguments = ["--data", str(npz), "--classes", ",".join(CLOTHES), "--drawn", "100"]
    result = CliRunner().invoke(app, arguments)

    with pytest.raises(TrainingError, match=r"--drawn 100 adds drawn digits .* but the classes are not digits"):
        raise result.exception


def test_the_summary_of_run_is_printed_after_training(npz: Path, tmp_path: Path):
    result = trained(npz, tmp_path / "m.keras", "--no-report")

    assert re.search(r"class +precision +recall +F1 +support", result.stdout)
    assert "Worst confusions" in result.stdout


def test_importing_the_training_modules_does_not_import_tensorflow():
    modules = ["batches", "card", "data", "networks", "samples", "saving", "settings", "trainer"]
    imports = ", ".join(f"batch_eval.training.{name}" for name in modules)
    code = f"import sys, batch_eval.cli.train, {imports}; print({{'tensorflow', 'keras', 'jinja2'}} & set(sys.modules))"

    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert result.stdout.strip() == "set()"
