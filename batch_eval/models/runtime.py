"""The result of opening a model, whatever its format."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Batch = NDArray[np.float32]
INTEGER_DTYPES = ("uint8", "int8", "uint16", "int16", "int32", "int64")
"""Input types of models that expect pixels from 0 to 255. Pixels from 0 to 1 would be rounded to 0 or 1."""
DEFAULT_SIDE = 28
"""Height or width, in pixels, where a model accepts any: the size of prepared images."""


@dataclass(frozen=True)
class Runtime:
    """A model that is ready to run."""

    name: str
    """``onnxruntime``, ``tensorflow`` or ``tflite``."""
    run: Callable[[Batch], Batch]
    """Maps a (B, *input_shape) float32 batch to (B, …) float32 outputs. Threads may share it."""
    input_shape: tuple[int, ...]
    """Shape of one image, without the batch."""
    activation: str = ""
    """Name of the last activation function; empty if unknown."""
    pixel_range: str | None = None
    """Range suggested by the first layers: ``0..1``, ``0..255`` or ``-1..1``. None if unknown."""
    batch: int | None = None
    """The only batch size that the model accepts. None if it accepts any."""
    notes: tuple[str, ...] = ()
    """Lines for the user."""
    one_process: bool = False
    """Whether every process that runs it would take much time and memory to start."""
    clock: Callable[[], float] | None = None
    """Tells the seconds that an isolated model has taken so far. None for models that run in this process."""
    seconds: float = 0.0
    """Time that an isolated model may take for a batch."""
    parameters: int | None = None
    """Number of weights. None if unknown."""
