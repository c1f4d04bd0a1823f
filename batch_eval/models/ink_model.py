"""The ink model. Each pixel of an image is ink of the digit, other writing, or print."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from batch_eval.errors import ModelError
from batch_eval.models.conversion import convert
from batch_eval.models.keras_file import KerasFile, read_keras
from batch_eval.models.layers import Unsupported
from batch_eval.models.onnx_runtime import open_converted
from batch_eval.models.opened_once import opened_once
from batch_eval.models.runtime import Runtime

INK_MODEL = Path(__file__).parent / "data" / "ink.keras"
SIDES = (64, 128)
"""Sides in pixels of the images that it takes: small ones, and all others."""
PATCH = 2
"""Side in pixels of the patch that each place of its output tells of."""


class InkModel:
    """An opened ink model. One set of weights serves both sizes; it may be called from several threads."""

    def __init__(self, file: Path, threads: int = 1) -> None:
        """Open ``file``, which `batch-eval train --network ink` wrote; raises ModelError when it is none."""
        saved = read_keras(file) if file.is_file() else None
        if saved is None:
            raise ModelError(f"{file} is no Keras file. Expected what batch-eval train --network ink writes.")
        self.file, self._saved, self._threads = file, saved, threads
        self._runtimes: dict[int, Runtime] = {}
        self._lock = Lock()

    def _runtime(self, side: int) -> Runtime:
        """Return what computes images of one size, opened when the first one comes."""
        with self._lock:
            if side not in self._runtimes:
                try:
                    self._runtimes[side] = open_converted(convert(_of_side(self._saved, side)), self._threads)
                except Unsupported as error:
                    raise ModelError(f"{self.file} is no ink model: {error}.") from error
            return self._runtimes[side]

    def maps(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return (N, S, S, 3) probabilities for (N, S, S, 3) BGR uint8 images with a side of 64 or 128 pixels.

        The three maps are the digit's ink, everything written, and everything printed.
        """
        patches = self._runtime(images.shape[1]).run(images.astype(np.float32))
        count, rows, columns, _ = patches.shape
        # each place holds the maps of its patch, row by row: move the patch's rows and columns between the places
        parted = patches.reshape(count, rows, columns, PATCH, PATCH, -1).transpose(0, 1, 3, 2, 4, 5)
        logits = parted.reshape(count, rows * PATCH, columns * PATCH, -1)
        return np.asarray(1 / (1 + np.exp(-logits)), np.float32)


@opened_once
def open_ink_model(file: Path = INK_MODEL, threads: int = 1) -> InkModel:
    """Return the opened ink model, by default the one that ships with the package."""
    return InkModel(file, threads)


def _of_side(saved: KerasFile, side: int) -> KerasFile:
    """Return a fully convolutional model for images of another size."""
    network = saved.config["config"]
    layers = [
        {**layer, "config": {**layer["config"], "batch_shape": [None, side, side, 3]}}
        if layer["class_name"] == "InputLayer"
        else layer
        for layer in network["layers"]
    ]
    return replace(saved, config={**saved.config, "config": {**network, "layers": layers}})
