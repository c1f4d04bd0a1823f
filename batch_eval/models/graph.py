"""A network under construction: operations on tensors that remember how their axes lie in memory.

Keras keeps channels last, ONNX Runtime computes on channels first. To transpose around every layer would cost more
than the layers, so a tensor here has its Keras shape, and beside it the way its numbers really lie; a transposition is
added only where an operation needs the other order.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod

import numpy as np
from numpy.typing import ArrayLike, NDArray

from batch_eval.models.onnx_writer import Attribute, Node, Value, encode_model

Shape = tuple[int, ...]
CHANNELS_LAST, CHANNELS_FIRST = "channels_last", "channels_first"


@dataclass(frozen=True)
class Tensor:
    """A value in the graph.

    ``shape`` is Keras' shape without the batch. ``transposed`` says that the last axis of it lies first in memory;
    ``flattened_from`` is the (channels, *space) block that a flattened tensor still lies in the order of.
    ``activation`` names the function that made the values ("" when none is known), ``raw`` marks the untouched pixels.
    """

    name: str
    shape: Shape
    transposed: bool = False
    flattened_from: Shape | None = None
    activation: str = ""
    raw: bool = False

    @property
    def memory_shape(self) -> Shape:
        """The shape in memory, without the batch."""
        return (self.shape[-1], *self.shape[:-1]) if self.transposed else self.shape


class Graph:
    """Collects nodes and constants, and writes them as an ONNX model."""

    def __init__(self) -> None:
        self._nodes: list[Node] = []
        self._constants: dict[str, NDArray[np.generic]] = {}
        self._names = 0
        self.pixel_range: str | None = None  # what a leading Rescaling or Normalization tells

    def new_name(self) -> str:
        """Return a name that no other value of the graph has."""
        self._names += 1
        return f"v{self._names}"

    def constant(self, value: ArrayLike, dtype: str = "float32") -> str:
        """Add a constant and return its name."""
        name = self.new_name()
        self._constants[name] = np.asarray(value, dtype=dtype, order="C")
        return name

    def ops(self, outputs: int, op_type: str, *inputs: str, **attributes: Attribute) -> list[str]:
        """Add an operation with several outputs and return their names."""
        names = [self.new_name() for _ in range(outputs)]
        self._nodes.append(Node(op_type, inputs, names, attributes))
        return names

    def op(self, op_type: str, *inputs: str, **attributes: Attribute) -> str:
        """Add an operation with one output and return its name."""
        return self.ops(1, op_type, *inputs, **attributes)[0]

    def elementwise(self, op_type: str, tensor: Tensor, *constants: str, **attributes: Attribute) -> Tensor:
        """Apply an operation that keeps shape and order; constants must be scalars or come from ``parameter``."""
        return replace(_new(tensor), name=self.op(op_type, tensor.name, *constants, **attributes))

    def parameter(self, array: NDArray[np.floating], tensor: Tensor) -> str:
        """Add a constant that broadcasts against ``tensor`` as ``array`` does against its Keras shape."""
        array = array.reshape((1,) * (len(tensor.shape) - array.ndim) + array.shape)
        if tensor.transposed:
            array = np.moveaxis(array, -1, 0)
        elif tensor.flattened_from is not None and array.size > 1:
            array = array[keras_flat_index(tensor.flattened_from)]
        return self.constant(array)

    def as_keras_layout(self, tensor: Tensor) -> Tensor:
        """Return the tensor with its numbers in the order of its Keras shape."""
        if tensor.transposed:
            return replace(tensor, name=self._move(tensor, to_front=False), transposed=False)
        if tensor.flattened_from is not None:
            block = self._reshape(tensor.name, tensor.flattened_from)
            channels_last = replace(
                tensor, name=block, shape=(*tensor.flattened_from[1:], tensor.flattened_from[0]), transposed=True
            )
            name = self._reshape(self._move(channels_last, to_front=False), tensor.shape)
            return replace(tensor, name=name, flattened_from=None)
        return tensor

    def as_channels_first(self, tensor: Tensor, data_format: str) -> Tensor:
        """Return the tensor in the order (channels, *space), whichever axis Keras calls the channels."""
        if data_format == CHANNELS_FIRST:
            return self.as_keras_layout(tensor)
        return tensor if tensor.transposed else replace(tensor, name=self._move(tensor, to_front=True), transposed=True)

    def reshape(self, tensor: Tensor, shape: Shape) -> Tensor:
        """Return the tensor with another Keras shape of as many numbers."""
        plain = self.as_keras_layout(tensor)
        return replace(plain, name=self._reshape(plain.name, shape), shape=shape)

    def model(self, source: Tensor, target: Tensor) -> bytes:
        """Return the ONNX model that computes ``target`` from ``source``, with any number of images a batch."""
        target = self.as_keras_layout(target)
        output = Value(self.op("Identity", target.name), ("batch", *target.shape))
        return encode_model(self._nodes, self._constants, [Value(source.name, ("batch", *source.shape))], [output])

    def _move(self, tensor: Tensor, *, to_front: bool) -> str:
        space, channels = tensor.shape[:-1], tensor.shape[-1]
        if channels == 1 or prod(space) == 1:  # nothing changes places in memory
            return self._reshape(tensor.name, (channels, *space) if to_front else tensor.shape)
        last = len(tensor.shape)
        order = (0, last, *range(1, last)) if to_front else (0, *range(2, last + 1), 1)
        return self.op("Transpose", tensor.name, perm=order)

    def _reshape(self, name: str, shape: Shape) -> str:
        return self.op("Reshape", name, self.constant([0, *shape], "int64"))  # 0 keeps the batch


def from_channels_first(name: str, channels: int, space: Shape, data_format: str) -> Tensor:
    """Return the tensor for a value that lies as (channels, *space)."""
    if data_format == CHANNELS_FIRST:
        return Tensor(name, (channels, *space))
    return Tensor(name, (*space, channels), transposed=True)


def keras_flat_index(block: Shape) -> NDArray[np.intp]:
    """Return, for each number of a (channels, *space) block in memory, its index in Keras' order (*space, channels)."""
    keras_order = np.arange(prod(block)).reshape((*block[1:], block[0]))
    return np.moveaxis(keras_order, -1, 0).ravel()


def _new(tensor: Tensor) -> Tensor:
    return replace(tensor, activation="", raw=False)
