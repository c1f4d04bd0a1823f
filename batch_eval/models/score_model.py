"""The score: how much an image, as the model sees it, looks like one digit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from batch_eval.errors import ModelError
from batch_eval.models.conversion import convert
from batch_eval.models.keras_file import read_keras
from batch_eval.models.layers import Unsupported
from batch_eval.models.onnx_runtime import open_converted
from batch_eval.models.opened_once import opened_once

SCORE_MODEL = Path(__file__).parent / "data" / "score.keras"
SHAPE = (28, 28, 1)
# A logistic regression on drawn digits and other things that the network had not seen.
SHAPE_WEIGHT, CONFIDENCE_WEIGHT, OFFSET = 0.71, 0.85, -1.51
"""Weights of two log odds in the score's: of the shape, and of the model's first guess."""
NOT_A_DIGIT = 0.06
"""Score below which an image gets the flag `not_a_digit`: that of one drawn digit in a hundred."""
CERTAIN = 1e-6
"""Nearest that a probability comes to 0 or 1, so that its log odds stay finite."""


class ScoreModel:
    """An opened score model; it may be called from several threads."""

    def __init__(self, file: Path, threads: int = 1) -> None:
        """Open ``file``, which `batch-eval train --network score` wrote; raises ModelError when it is none."""
        saved = read_keras(file) if file.is_file() else None
        if saved is None:
            raise ModelError(f"{file} is no Keras file. Expected what batch-eval train --network score writes.")
        try:
            self._runtime = open_converted(convert(saved), threads)
        except Unsupported as error:
            raise ModelError(f"{file} is no score model: {error}.") from error
        if self._runtime.input_shape != SHAPE:
            raise ModelError(f"{file} is no score model: it takes images of shape {self._runtime.input_shape}.")

    def shape(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return (N,) how probably the shape of each (N, 28, 28) uint8 image is one digit's, 0 to 1."""
        outputs = self._runtime.run(images[..., None].astype(np.float32) / np.float32(255))
        return np.asarray(outputs.reshape(len(images)), np.float32)

    def odds(self, images: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Return (N,) log odds that the shape of each (N, 28, 28) uint8 image is one digit's."""
        return _log_odds(self.shape(images))

    def scores(self, images: NDArray[np.uint8], confidence: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return (N,) scores of 0 to 1 for (N, 28, 28) uint8 images that a model read with this (N,) confidence."""
        odds = SHAPE_WEIGHT * self.odds(images) + CONFIDENCE_WEIGHT * _log_odds(confidence) + OFFSET
        return np.asarray(1 / (1 + np.exp(-odds)), np.float32)


def _log_odds(probability: NDArray[np.float32]) -> NDArray[np.float64]:
    clipped = np.clip(probability.astype(np.float64), CERTAIN, 1 - CERTAIN)
    return np.asarray(np.log(clipped / (1 - clipped)))


@opened_once
def open_score_model(file: Path = SCORE_MODEL, threads: int = 1) -> ScoreModel:
    """Return the opened score model, by default the one that ships with the package."""
    return ScoreModel(file, threads)
