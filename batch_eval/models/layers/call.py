"""What a layer's conversion gets to see, and the register of the layers that can be converted.

Everything here fails closed: a key, a type or a value that was not asked for raises ``Unsupported``, and the model is
then opened with TensorFlow.
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

_TRAINING_ONLY = ("_initializer", "_regularizer", "_constraint")
_MAX_INTEGER = 1 << 20  # of any size in a config: a wrong number must not fill the memory
_FLOAT_DTYPES = ("float32", "float64")
_REQUIRED: Any = object()


class Unsupported(Exception):  # noqa: N818 - no error for people: it chooses the way a model is opened
    """The conversion does not know something in the model; the message says what."""


def converts(*class_names: str) -> Callable[[Converter], Converter]:
    """Register a function as the conversion of these Keras classes."""

    def register(converter: Converter) -> Converter:
        CONVERTERS.update(dict.fromkeys(class_names, converter))
        return converter

    return register


class LayerConfig:
    """A layer's config, of which every key must be taken, by name and with a type."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._left = {key: value for key, value in config.items() if not key.endswith(_TRAINING_ONLY)}
        self.ignore("name", "trainable", "batch_input_shape", "batch_shape")
        _check_precision(self._left.pop("dtype", "float32"))
        self.choice("quantization_config", (None,), None)

    def ignore(self, *keys: str) -> None:
        """Pass over keys that only matter while training."""
        for key in keys:
            self._left.pop(key, None)

    def has(self, key: str) -> bool:
        """Whether the key is there with a value other than null; a null is passed over."""
        if self._left.get(key) is None:
            self.ignore(key)
        return key in self._left

    def value(self, key: str, default: Any = _REQUIRED) -> Any:
        """Take a value as it is."""
        if key not in self._left and default is _REQUIRED:
            raise Unsupported(f"the setting {key} is missing")
        return self._left.pop(key, default)

    def choice(self, key: str, allowed: Sequence[T], default: Any = _REQUIRED) -> T:
        """Take a value that must be one of ``allowed``, True and 1 being different."""
        value = self.value(key, default)
        for option in allowed:
            if type(option) is type(value) and option == value:
                return option
        raise Unsupported(f"{key}={value!r}")

    def flag(self, key: str, default: Any = _REQUIRED) -> bool:
        """Take a bool."""
        return self.choice(key, (False, True), default)

    def number(self, key: str, default: Any = _REQUIRED) -> float:
        """Take a finite number."""
        value = self.value(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not np.isfinite(value):
            raise Unsupported(f"{key}={value!r}")
        return float(value)

    def integer(self, key: str, default: Any = _REQUIRED, *, minimum: int = 0) -> int:
        """Take a whole number of at least ``least``."""
        value = self.value(key, default)
        if type(value) is not int or not minimum <= value <= _MAX_INTEGER:
            raise Unsupported(f"{key}={value!r}")
        return value

    def integers(self, key: str, count: int, default: Any = _REQUIRED, *, minimum: int = 1) -> Shape:
        """Take ``count`` whole numbers; a single one stands for all."""
        value = self.value(key, default)
        values = [value] * count if type(value) is int else value
        if not isinstance(values, list | tuple) or len(values) != count:
            raise Unsupported(f"{key}={value!r}")
        if any(type(item) is not int or not minimum <= item <= _MAX_INTEGER for item in values):
            raise Unsupported(f"{key}={value!r}")
        return tuple(values)

    def data_format(self) -> str:
        """Take ``data_format``."""
        return self.choice("data_format", (CHANNELS_LAST, CHANNELS_FIRST), CHANNELS_LAST)

    def check_all_read(self) -> None:
        """Check that no key is left."""
        for key, value in self._left.items():
            raise Unsupported(f"the setting {key}={value!r}")


def _check_precision(dtype: Any) -> None:
    """Accept the policies in which Keras computes with at least the precision that ONNX Runtime will use."""
    if isinstance(dtype, dict) and dtype.get("class_name") in ("DTypePolicy", "Policy"):
        dtype = dtype.get("config", {}).get("name")
    if dtype not in _FLOAT_DTYPES:
        raise Unsupported(f"the precision {dtype!r}")


class Weights:
    """A layer's weights in the order of the file, taken one after the other."""

    def __init__(self, entries: Sequence[tuple[str | None, Array]]) -> None:
        self._left = list(entries)

    def take(self, shape: Sequence[int], *names: str) -> Array:
        """Take the next weight; its shape, and its name where the file records one, must be as expected."""
        if not self._left:
            raise Unsupported(f"the weight {names[0]} is missing")
        name, array = self._left.pop(0)
        if name is not None and name not in names:
            raise Unsupported(f"a weight called {name} where {names[0]} was expected")
        if array.shape != tuple(shape):
            raise Unsupported(f"the weight {names[0]} has the shape {array.shape}, expected {tuple(shape)}")
        return array

    def ignore(self, name: str) -> None:
        """Pass over the next weight if it is the one that inference does not need."""
        if self._left and self._left[0][0] in (None, name):
            self._left.pop(0)

    def check_all_read(self) -> None:
        """Check that no weight is left."""
        if self._left:
            raise Unsupported(f"{len(self._left)} unexpected weights")


@dataclass(frozen=True)
class LayerCall:
    """One call of one layer: add its operations to ``graph`` and return its output."""

    class_name: str
    config: LayerConfig
    weights: Weights
    graph: Graph
    inputs: tuple[Tensor, ...]
    keras_major: int

    @property
    def input(self) -> Tensor:
        """The only input."""
        if len(self.inputs) != 1:
            raise Unsupported(f"{len(self.inputs)} inputs")
        return self.inputs[0]

    def input_of_rank(self, rank: int) -> Tensor:
        """Return the only input, which must have ``rank`` axes beside the batch."""
        if len(self.input.shape) != rank:
            raise Unsupported(f"an input of shape {self.input.shape}")
        return self.input


def axis_index(axis: Any, rank: int) -> int:
    """Return Keras' axis, where the batch is 0 and -1 the last, as an index into the shape without the batch."""
    if type(axis) is not int or not (1 <= axis <= rank or -rank <= axis <= -1):
        raise Unsupported(f"axis={axis!r}")
    return axis - 1 if axis > 0 else rank + axis
