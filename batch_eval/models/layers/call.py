"""The input of a layer's converter, and the registry of converters.

Parsing fails closed. A converter reads each setting by name and type, and each weight by its shape. Whatever is left
or differs raises ``Unsupported``. So a setting that a new release of Keras adds is never overlooked: the model runs on
TensorFlow.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from batch_eval.models.graph import CHANNELS_FIRST, CHANNELS_LAST, Graph, Shape, Tensor

T = TypeVar("T")
Array = NDArray[np.floating[Any]]
Converter = Callable[["LayerCall"], Tensor]
CONVERTERS: dict[str, Converter] = {}
"""The converter of each Keras class, by class name; ``converts`` adds to it."""

_TRAINING_ONLY = ("_initializer", "_regularizer", "_constraint")  # endings of settings without effect at inference
_MAX_INTEGER = 1 << 20
"""Largest integer in a config: a damaged size must not fill the memory."""
_FLOAT_DTYPES = ("float32", "float64")
_REQUIRED: Any = object()  # as a default: the setting must be there


class Unsupported(Exception):  # noqa: N818 - not an error for users: TensorFlow opens the model instead
    """The converter does not know something in the model. The message names it."""


class Misfit(Unsupported):
    """Weights that are not those of the layers."""


def converts(*class_names: str) -> Callable[[Converter], Converter]:
    """Register a function as the converter of these Keras classes."""

    def register(converter: Converter) -> Converter:
        CONVERTERS.update(dict.fromkeys(class_names, converter))
        return converter

    return register


class LayerConfig:
    """The settings of a layer. Each must be read once, by name and type.

    Reading raises Unsupported for an unexpected value, and for a missing setting without a default.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._left = {key: value for key, value in config.items() if not key.endswith(_TRAINING_ONLY)}
        self.ignore("name", "trainable", "batch_input_shape", "batch_shape")
        _check_precision(self._left.pop("dtype", "float32"))
        self.choice("quantization_config", (None,), None)

    def ignore(self, *keys: str) -> None:
        """Skip settings that have no effect at inference."""
        for key in keys:
            self._left.pop(key, None)

    def has(self, key: str) -> bool:
        """Return whether a setting is there and not null. A null is skipped."""
        if self._left.get(key) is None:
            self.ignore(key)
        return key in self._left

    def value(self, key: str, default: Any = _REQUIRED) -> Any:
        """Read a setting of any type."""
        if key not in self._left and default is _REQUIRED:
            raise Unsupported(f"the setting {key} is missing")
        return self._left.pop(key, default)

    def choice(self, key: str, allowed: Sequence[T], default: Any = _REQUIRED) -> T:
        """Read a setting that must be one of ``allowed``."""
        # types are compared too: to Python, True == 1 and 1 == 1.0
        value = self.value(key, default)
        for option in allowed:
            if type(option) is type(value) and option == value:
                return option
        raise Unsupported(f"{key}={value!r}")

    def flag(self, key: str, default: Any = _REQUIRED) -> bool:
        """Read a bool."""
        return self.choice(key, (False, True), default)

    def number(self, key: str, default: Any = _REQUIRED) -> float:
        """Read a finite number."""
        value = self.value(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not np.isfinite(value):
            raise Unsupported(f"{key}={value!r}")
        return float(value)

    def integer(self, key: str, default: Any = _REQUIRED, *, minimum: int = 0) -> int:
        """Read an integer from ``minimum`` to 2²⁰."""
        value = self.value(key, default)
        if type(value) is not int or not minimum <= value <= _MAX_INTEGER:
            raise Unsupported(f"{key}={value!r}")
        return value

    def integers(self, key: str, count: int, default: Any = _REQUIRED, *, minimum: int = 1) -> Shape:
        """Read ``count`` integers. A single one stands for all, as ``strides=2`` does for (2, 2)."""
        value = self.value(key, default)
        values = [value] * count if type(value) is int else value
        if not isinstance(values, list | tuple) or len(values) != count:
            raise Unsupported(f"{key}={value!r}")
        if any(type(item) is not int or not minimum <= item <= _MAX_INTEGER for item in values):
            raise Unsupported(f"{key}={value!r}")
        return tuple(values)

    def data_format(self) -> str:
        """Read ``data_format``."""
        return self.choice("data_format", (CHANNELS_LAST, CHANNELS_FIRST), CHANNELS_LAST)

    def check_all_read(self) -> None:
        """Raise Unsupported if a setting was not read."""
        for key, value in self._left.items():
            raise Unsupported(f"the setting {key}={value!r}")


def _check_precision(dtype: Any) -> None:
    """Check that Keras computes in float32 or better: ONNX Runtime will use float32."""
    if isinstance(dtype, dict) and dtype.get("class_name") in ("DTypePolicy", "Policy"):
        dtype = dtype.get("config", {}).get("name")
    if dtype not in _FLOAT_DTYPES:
        raise Unsupported(f"the precision {dtype!r}")


class Weights:
    """The weights of a layer, read one by one in the file's order."""

    def __init__(self, entries: Sequence[tuple[str | None, Array]]) -> None:
        self._left = list(entries)
        self.taken: dict[str, Array] = {}
        """What was read or skipped, by its usual name."""
        self.size = sum(array.size for _, array in self._left)
        """Numbers in all of them."""

    def take(self, shape: Sequence[int], *names: str) -> Array:
        """Read the next weight, of a given shape.

        Args:
            shape: The expected shape.
            names: Allowed names, the usual one first; ``.keras`` files record no names.

        Raises:
            Unsupported: There is no weight left, or its shape or name differs.

        """
        if not self._left:
            raise Misfit(f"the weight {names[0]} is missing")
        name, array = self._left.pop(0)
        if name is not None and name not in names:
            raise Unsupported(f"a weight called {name} where {names[0]} was expected")
        if array.shape != tuple(shape):
            raise Misfit(f"the weight {names[0]} has the shape {array.shape}, expected {tuple(shape)}")
        self.taken[names[0]] = array
        return array

    def ignore(self, name: str) -> None:
        """Skip the next weight if it has this name, or none: inference does not need it."""
        if self._left and self._left[0][0] in (None, name):
            self.taken[name] = self._left.pop(0)[1]

    def check_all_read(self) -> None:
        """Raise Unsupported if a weight was not read."""
        if self._left:
            raise Misfit(f"{len(self._left)} unexpected weights")


@dataclass(frozen=True)
class LayerCall:
    """One call of a layer. Its converter adds operations to the graph and returns the output."""

    class_name: str
    config: LayerConfig
    weights: Weights
    graph: Graph
    inputs: tuple[Tensor, ...]
    keras_major: int
    """Major version of Keras that saved the model, 2 or 3."""

    @property
    def input(self) -> Tensor:
        """The only input; raises Unsupported if there are others."""
        if len(self.inputs) != 1:
            raise Unsupported(f"{len(self.inputs)} inputs")
        return self.inputs[0]

    def input_of_rank(self, rank: int) -> Tensor:
        """Return the only input, which must have ``rank`` axes."""
        if len(self.input.shape) != rank:
            raise Unsupported(f"an input of shape {self.input.shape}")
        return self.input


def axis_index(axis: Any, rank: int) -> int:
    """Return the index of a Keras axis in a shape without the batch."""
    # to Keras, axis 0 is the batch and -1 the last
    if type(axis) is not int or not (1 <= axis <= rank or -rank <= axis <= -1):
        raise Unsupported(f"axis={axis!r}")
    return axis - 1 if axis > 0 else rank + axis
