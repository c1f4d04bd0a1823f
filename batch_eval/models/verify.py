"""Compare a classifier with TensorFlow on the user's model and images (``--verify``)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from batch_eval.errors import ModelError
from batch_eval.models.classifier import Classifier
from batch_eval.models.failures import model_errors
from batch_eval.models.input_range import Images
from batch_eval.models.keras_file import KerasFile, parse_model
from batch_eval.models.keras_safety import check_safe
from batch_eval.models.model_file import ModelFile
from batch_eval.models.options import DEFAULT_MODEL, ModelOptions

TOLERANCE = 1e-5
"""Largest allowed difference of a probability: sums of float32 in another order end in other bits."""


@dataclass(frozen=True)
class Verification:
    """The result of a comparison."""

    images: int
    """Images compared."""
    max_difference: float
    """Largest absolute difference of a probability."""
    changed: int
    """Images with another predicted class."""

    @property
    def passed(self) -> bool:
        """Whether all probabilities agree within 1e-5 and all predictions are the same."""
        return self.changed == 0 and self.max_difference <= TOLERANCE

    def __str__(self) -> str:
        """Return the line for the user."""
        return (
            f"On {self.images} images, the largest difference from TensorFlow's probabilities is "
            f"{self.max_difference:.1e} (limit {TOLERANCE:.0e}), and {self.changed} predictions differ."
        )


def check_verifiable(model: ModelOptions | str | Path | None) -> KerasFile:
    """Check that a file can be verified, without importing TensorFlow, and return what it holds.

    Raises:
        UntrustedModelError: The model holds a program, and is not trusted.
        ModelError: The file is not a Keras file, or TensorFlow is not installed.

    """
    from batch_eval.models.tensorflow_runtime import require_tensorflow

    saved = _verifiable(ModelOptions.of(model))
    require_tensorflow("--verify", " to compare with")
    return saved


def _verifiable(options: ModelOptions) -> KerasFile:
    """Return what a file holds, where TensorFlow opens such files."""
    file = options.path or DEFAULT_MODEL
    with model_errors(file):
        saved = None if file.is_dir() else parse_model(ModelFile.read(file, options.limits), options)
        if saved is None:
            raise ModelError(
                f"{file} is not a Keras file. Only .keras and .h5 models can be verified against TensorFlow: "
                "leave out --verify."
            )
        check_safe(saved.config, file, trust=options.trust)
        return saved


def verify(
    classifier: Classifier, model: ModelOptions | str | Path | None, images: Images | Iterable[Images]
) -> Verification:
    """Run images through a classifier and through Keras, and compare the probabilities.

    Both get the same prepared images, so that only the computation can differ.

    Args:
        classifier: The result of ``open_model(model)``.
        model: The ``.keras`` or ``.h5`` file, or a file with options; None is the model that ships with the package.
        images: (N, h, w) or (N, h, w, 3) uint8, or batches of such.

    Raises:
        UntrustedModelError: The model holds a program, and is not trusted.
        ModelError: The results differ, or TensorFlow cannot open the model.

    """
    options = ModelOptions.of(model)
    file = options.path or DEFAULT_MODEL
    saved = check_verifiable(options)
    from batch_eval.models.tensorflow_runtime import open_keras

    with model_errors(file):
        reference = open_keras(saved, file, reason="", trust=options.trust)
    difference, changed, count = 0.0, 0, 0
    for batch in [images] if isinstance(images, np.ndarray) else images:
        with model_errors(file):
            outputs = reference.run(classifier.prepare(batch)).reshape(len(batch), -1)
        expected = classifier.probabilities(outputs)
        actual = classifier.predict(batch)
        difference = max(difference, float(np.abs(actual - expected).max(initial=0)))
        changed += int((actual.argmax(axis=1) != expected.argmax(axis=1)).sum())
        count += len(batch)
    result = Verification(count, difference, changed)
    if not result.passed:
        raise ModelError(f"{file} gives other results on {classifier.runtime} than on TensorFlow. {result}")
    return result
