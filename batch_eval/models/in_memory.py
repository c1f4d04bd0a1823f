"""Open a Keras model that is in memory, as a notebook has it after training."""

from __future__ import annotations

import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

from batch_eval.errors import ModelError
from batch_eval.models.classifier import Classifier
from batch_eval.models.loading import open_model
from batch_eval.models.options import ModelOptions


class KerasModel(Protocol):
    """What is needed of a Keras model."""

    name: str

    def save(self, filepath: str) -> None:
        """Write the model into a file of the format that its suffix names."""


def open_in_memory(model: KerasModel, *, threads: int = 0) -> Classifier:
    """Open a model from a temporary file, so that it is read exactly as the saved one would be.

    It is trusted, Lambda layers included: whoever has it in memory runs it already.
    Raises ModelError for anything but a Keras model.
    """
    if not callable(getattr(model, "save", None)) or not isinstance(getattr(model, "name", None), str):
        raise ModelError(
            f"an object of class {type(model).__name__} is not a model. Expected a file, a Keras model or ModelOptions."
        )
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"{re.sub(r'[^A-Za-z0-9_.-]', '_', model.name)}.keras"
        model.save(str(path))
        return open_model(ModelOptions(path, trust=True), threads=threads)
