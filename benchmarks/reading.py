"""How often models read images right: what the benchmarks of preprocessing share, and the floors of the tests."""

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
"""Left, top, right and bottom."""


def open_models(data: Path) -> dict[str, Classifier]:
    """Return the yardstick of preprocessing, which knows MNIST only, and the model that ships with the package."""
    return {"plain_cnn": open_model(data / "models" / "plain_cnn.keras"), "default": open_model(None)}


def read(
    models: Mapping[str, Classifier], recipe: Preprocessor, images: Iterable[Image], labels: Sequence[int]
) -> tuple[dict[str, NDArray[np.bool_]], NDArray[np.bool_]]:
    """Return by model (N,) whether each image is read right, and (N,) whether it is blank, which is not right."""
    prepared = [recipe(image) for image in images]
    seen, blank = np.stack([one.image for one in prepared]), np.array([one.blank for one in prepared])
    return {name: (model.predict(seen).argmax(axis=1) == labels) & ~blank for name, model in models.items()}, blank
