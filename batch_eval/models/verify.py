"""Compare a Classifier with TensorFlow on the user's own model and images: ``--verify``."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from batch_eval.errors import ModelError
from batch_eval.models.architectures import config
from batch_eval.models.classifier import Classifier, Images, to_probabilities
from batch_eval.models.keras_file import KerasFile, read_keras, read_weights
from batch_eval.models.keras_safety import check_safe
from batch_eval.models.loading import DEFAULT_MODEL
from batch_eval.models.options import ModelOptions

TOLERANCE = 1e-5


@dataclass(frozen=True)
class Verification:
    """What a comparison found: over ``images``, the largest difference of a probability, and changed predictions."""

    images: int
    max_difference: float
    changed: int

    @property
    def passed(self) -> bool:
        """Whether every probability agrees within 1e-5 and every prediction is the same."""
        return self.changed == 0 and self.max_difference <= TOLERANCE

    def __str__(self) -> str:
        """Return the line that the user sees."""
        return (
            f"On {self.images} images, the largest difference of a probability from TensorFlow's is "
            f"{self.max_difference:.1e} (at most {TOLERANCE:.0e} is allowed), and {self.changed} predictions differ."
        )


def check_verifiable(model: ModelOptions | str | Path | None) -> KerasFile:
    """Return what a model file holds when TensorFlow can open it too; does not import TensorFlow.

    Raises:
        UntrustedModelError: The model holds a program and is not trusted.
        ModelError: The file is of a kind that only its own runtime opens.

    """
    options = ModelOptions.of(model)
    file = options.path or DEFAULT_MODEL
    if options.network:
        return read_weights(file, config(options.network))
    saved = None if file.is_dir() else read_keras(file)
    if saved is None:
        raise ModelError(
            f"{file} is no Keras file. Only .keras and .h5 models can be verified against TensorFlow: "
            "leave out --verify."
        )
    check_safe(saved.config, file, trust=options.trust)
    return saved


def verify(
    classifier: Classifier, model: ModelOptions | str | Path | None, images: Images | Iterable[Images]
) -> Verification:
    """Run the same prepared images through Keras, and compare.

    Args:
        classifier: What ``open_model(model)`` returned.
        model: A ``.keras`` or ``.h5`` file; other formats run on their own runtime anyway.
        images: (N, h, w) or (N, h, w, 3) uint8, or batches of such.

    Raises:
        ModelError: The results differ, or the model cannot be opened with TensorFlow.

    """
    options = ModelOptions.of(model)
    file = options.path or DEFAULT_MODEL
    saved = check_verifiable(options)
    from batch_eval.models.tensorflow_runtime import open_keras, open_weights

    reference = (
        open_weights(saved, file) if options.network else open_keras(saved, file, reason="", trust=options.trust)
    )
    difference, changed, count = 0.0, 0, 0
    for batch in [images] if isinstance(images, np.ndarray) else images:
        expected = to_probabilities(
            reference.run(classifier.prepare(batch)).reshape(len(batch), -1), classifier.output_kind
        )
        actual = classifier.predict(batch)
        difference = max(difference, float(np.abs(actual - expected).max(initial=0)))
        changed += int((actual.argmax(axis=1) != expected.argmax(axis=1)).sum())
        count += len(batch)
    result = Verification(count, difference, changed)
    if not result.passed:
        raise ModelError(f"{file} does not compute the same on {classifier.runtime} as on TensorFlow. {result}")
    return result
