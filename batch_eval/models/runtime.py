"""What every way of opening a model ends in: something that computes, and what is known about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Batch = NDArray[np.float32]
INTEGER_DTYPES = ("uint8", "int8", "uint16", "int16", "int32", "int64")  # inputs of these types mean pixels 0..255
DEFAULT_SIDE = 28  # for models that take images of any size: the size that everything here is prepared in


@dataclass(frozen=True)
class Runtime:
    """An opened model.

    ``run`` maps a (B, *input_shape) float32 batch to (B, …) and may be called from several threads. ``activation`` is
    the function that makes the outputs ("" when it is not known), ``pixel_range`` what the model's first layers tell
    (None when they tell nothing), ``batch`` the only batch size that the model takes, if there is only one.
    """

    name: str
    run: Callable[[Batch], Batch]
    input_shape: tuple[int, ...]
    activation: str = ""
    pixel_range: str | None = None
    batch: int | None = None
    notes: tuple[str, ...] = ()
