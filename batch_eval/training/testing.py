"""Evaluate a trained model file as ``batch-eval run`` does.

Its test set and the sample images are read.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from batch_eval.api import evaluate
from batch_eval.evaluation import Evaluation
from batch_eval.imaging.files import encode
from batch_eval.models import ModelOptions
from batch_eval.training.batches import Digits
from batch_eval.training.data import CLASS_NAMES
from batch_eval.training.samples import write_samples


def evaluate_digits(
    model: Path, digits: Digits, *, network: str | None = None, class_names: Sequence[str] = CLASS_NAMES
) -> Evaluation:
    """Evaluate a model on (N, 28, 28) images without preprocessing.

    ``network`` names the architecture of a file that holds weights only.
    """
    # Through real files and the public `evaluate`, so that the card's figure is the one that `run` gives.
    with TemporaryDirectory() as folder:
        root = Path(folder, "test digits" if class_names == CLASS_NAMES else "test images")
        _write(digits, root, class_names)
        return evaluate(root, _trained(model, network, tuple(class_names)), preprocess="none")


def evaluate_samples(model: Path, *, network: str | None = None) -> Evaluation:
    """Evaluate a model on the sample images, drawn anew and preprocessed as photos."""
    with TemporaryDirectory() as folder:
        root = Path(folder, "sample_images")
        write_samples(root)
        return evaluate(root, _trained(model, network, CLASS_NAMES))


def _trained(model: Path, network: str | None, class_names: tuple[str, ...]) -> ModelOptions:
    """Return the options of a model that was trained here. Its convention is known."""
    return ModelOptions(model, network, class_names, input_range="0..1", ink="bright", transposed=False)


def _write(digits: Digits, folder: Path, class_names: Sequence[str]) -> None:
    """Write each digit as a PNG named by its row, and a label file."""
    folder.mkdir()
    names = [f"{row:05d}.png" for row in range(len(digits))]
    for name, image in zip(names, digits.images, strict=True):
        (folder / name).write_bytes(encode(image))
    with (folder / "labels.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(("filename", "label"))
        table.writerows(zip(names, (class_names[label] for label in digits.labels), strict=True))
