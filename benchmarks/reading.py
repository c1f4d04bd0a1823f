"""Read images with the models that the preprocessing benchmarks, and the tests' floors, compare."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from batch_eval.imaging import Preprocessor
from batch_eval.models import open_model
from batch_eval.models.classifier import Classifier

Image = NDArray[np.uint8]
Box = tuple[int, int, int, int]
"""Left, top, right, bottom, in pixels."""


def open_models(data: Path) -> dict[str, Classifier]:
    """Return the models by name: a plain network, trained on MNIST only, and the default model."""
    return {"plain_cnn": open_model(data / "models" / "plain_cnn.keras"), "default": open_model(None)}


def read(
    models: Mapping[str, Classifier], recipe: Preprocessor, images: Iterable[Image], labels: Sequence[int]
) -> tuple[dict[str, NDArray[np.bool_]], NDArray[np.bool_]]:
    """Prepare images and read them with each model.

    Args:
        models: Models by name.
        recipe: How to prepare the images.
        images: N images, (H, W) or (H, W, 3) BGR uint8.
        labels: N digits.

    Returns:
        By model, (N,) whether each image is read right; and (N,) whether it is blank, which counts as wrong.

    """
    prepared = [recipe(image) for image in images]
    seen, blank = np.stack([one.image for one in prepared]), np.array([one.blank for one in prepared])
    return {name: (model.predict(seen).argmax(axis=1) == labels) & ~blank for name, model in models.items()}, blank
