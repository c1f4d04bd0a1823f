"""Files that Keras 2.15 saved, compared with its predictions."""

from pathlib import Path

import numpy as np
import pytest

from batch_eval.errors import ModelError, UntrustedModelError
from batch_eval.models import ModelOptions, open_model

FAST = [f"{name}.{suffix}" for name in ("cnn", "dw", "func", "logits", "rescale") for suffix in ("keras", "h5")]
TRUSTED = ["lam.keras", "lam.h5", "custom_sm", "func_sm", "logits_sm"]


def softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def largest_difference(folder: Path, file: str, *, trust: bool = False) -> tuple[str, float, bool]:
    """Return the runtime, the largest difference from Keras 2.15, and whether all predictions are the same."""
    images = np.rint(np.load(folder / "x.npy")[..., 0] * 255).astype(np.uint8)
    name = file.partition(".")[0].removesuffix("_sm")
    expected = np.load(folder / f"{name}.ref.npy")
    if name == "logits":
        expected = softmax(expected)
    classifier = open_model(ModelOptions(folder / file, trust=trust))
    actual = classifier.predict(images)
    same = (expected.argmax(axis=1) == actual.argmax(axis=1)).all()
    return classifier.runtime, float(np.abs(expected - actual).max()), bool(same)


@pytest.mark.parametrize("file", FAST)
def test_files_of_standard_layers_run_without_tensorflow(data: Path, file: str) -> None:
    runtime, difference, same = largest_difference(data / "models" / "keras2", file)

    assert runtime == "onnxruntime"
    assert difference <= 1e-5
    assert same


@pytest.mark.slow
@pytest.mark.parametrize("file", ["lstm.keras", "lstm.h5"])
def test_other_layers_run_on_tensorflow(data: Path, file: str) -> None:
    runtime, difference, same = largest_difference(data / "models" / "keras2", file)

    assert runtime == "tensorflow"
    assert difference <= 1e-5
    assert same


@pytest.mark.slow
@pytest.mark.parametrize("file", TRUSTED)
def test_programs_run_when_they_are_trusted(data: Path, file: str) -> None:
    runtime, difference, same = largest_difference(data / "models" / "keras2", file, trust=True)

    assert runtime == "tensorflow"
    assert difference <= 1e-5
    assert same


@pytest.mark.parametrize("file", TRUSTED)
def test_programs_are_refused_by_default(data: Path, file: str) -> None:
    with pytest.raises(UntrustedModelError, match="--trust-model"):
        open_model(data / "models" / "keras2" / file)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "reason"),
    [
        ("custom.keras", "MyLayer, which is not part of Keras"),
        ("custom.h5", "MyLayer, which is not part of Keras"),
        ("sub.keras", "Sub, which is not part of Keras"),
        ("tfop.keras", "which only Keras 2 opens"),
        ("tfop.h5", "which only Keras 2 opens"),
        ("func.weights.h5", "weights only"),
    ],
)
@pytest.mark.parametrize("trust", [False, True])
def test_models_without_their_code_are_refused(data: Path, file: str, reason: str, trust: bool) -> None:
    with pytest.raises(ModelError, match=reason):
        open_model(ModelOptions(data / "models" / "keras2" / file, trust=trust))
