"""Build an ONNX graph from Keras layers, with as few transpositions as possible.

Keras puts the channels last: (height, width, channels). ONNX operations such as Conv need them first: (channels,
height, width). A transposition before and after every layer would take longer than the layers.

So a tensor has two shapes here: the Keras shape and the shape in memory. Settings such as ``axis`` refer to the Keras
shape. A convolution returns its output channels first, and the next one takes it as it is. A transposition is added
only where an operation needs Keras' order. A usual CNN needs none. After Flatten, the rows of the Dense kernel are
permuted instead, once.

Shapes leave out the batch, the first axis. ``space`` is the spatial shape: (height, width), or (steps,) in 1D.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod

import numpy as np
from numpy.typing import ArrayLike, NDArray

from batch_eval.models.budget import DEFAULT_LIMITS, FLOAT, Budget
from batch_eval.models.onnx_writer import Attribute, Node, Value, encode_model

Shape = tuple[int, ...]
CHANNELS_LAST, CHANNELS_FIRST = "channels_last", "channels_first"


@dataclass(frozen=True)
class Tensor:
    """A value in the graph."""

    name: str
    """Name in the ONNX graph."""
    shape: Shape
    """Keras shape."""
    transposed: bool = False
    """Whether the last axis of the Keras shape is the first in memory."""
    flattened_from: Shape | None = None
    """The (channels, *space) that was flattened in channels-first order. None if the order is Keras'."""
    activation: str = ""
    """Name of the activation function that made the values; empty if unknown."""
    raw: bool = False
    """Whether these are the input pixels, still unchanged."""

    @property
    def memory_shape(self) -> Shape:
        """The shape in memory."""
        return (self.shape[-1], *self.shape[:-1]) if self.transposed else self.shape


class Graph:
    """Nodes and constants of an ONNX model under construction, and what the model will take.

    Attributes:
        pixel_range: Suggested by a leading Rescaling or Normalization.
        work: Multiplications for one image, roughly.
        constant_bytes: Size of all constants.

    """

    def __init__(self, budget: Budget | None = None) -> None:
        self.pixel_range: str | None = None
        self.work = self.constant_bytes = 0
        self._nodes: list[Node] = []
        self._constants: dict[str, NDArray[np.generic]] = {}
        self._names = 0
        self.parameters: dict[int, int] = {}  # weights of each layer, by the identity of its config
        self._budget = budget or Budget(DEFAULT_LIMITS)
        self._sizes: list[int] = []  # bytes of each node's output, for one image

    def charge(self, *shapes: Shape, work: int = 0) -> None:
        """Note the largest of the tensors that the last nodes make, and the multiplications for them.

        Raises:
            ModelError: One of them, with the weights so far, is over the limit of memory.

        """
        size = FLOAT * max(map(prod, shapes))
        self._budget.check(size)
        self._sizes += [size] * (len(self._nodes) - len(self._sizes))
        self.work += work

    def image_bytes(self) -> int:
        """Return the most memory that the tensors of one image take at a time; raises ModelError over the limit."""
        # a tensor lives from the node that makes it to the last that takes it
        last = {name: i for i, node in enumerate(self._nodes) for name in (*node.outputs, *node.inputs)}
        ending: dict[int, int] = {}
        live = most = 0
        for i, node in enumerate(self._nodes):
            size = self._sizes[i] if i < len(self._sizes) else 0
            live += size * len(node.outputs)
            most = max(most, live)
            for name in node.outputs:
                ending[last[name]] = ending.get(last[name], 0) + size
            live -= ending.pop(i, 0)
        self._budget.check(most)
        return most

    def new_name(self) -> str:
        """Return an unused name."""
        self._names += 1
        return f"v{self._names}"

    def constant(self, value: ArrayLike, dtype: str = "float32") -> str:
        """Add a constant and return its name."""
        name = self.new_name()
        self._constants[name] = np.asarray(value, dtype=dtype, order="C")
        self.constant_bytes += self._constants[name].nbytes
        return name

    def ops(self, outputs: int, op_type: str, *inputs: str, **attributes: Attribute) -> list[str]:
        """Add an operation with several outputs, and return their names."""
        names = [self.new_name() for _ in range(outputs)]
        self._nodes.append(Node(op_type, inputs, names, attributes))
        return names

    def op(self, op_type: str, *inputs: str, **attributes: Attribute) -> str:
        """Add an operation with one output, and return its name."""
        return self.ops(1, op_type, *inputs, **attributes)[0]

    def elementwise(self, op_type: str, tensor: Tensor, *constants: str, **attributes: Attribute) -> Tensor:
        """Apply an operation that keeps the shape. Constants must be scalars or come from ``parameter``."""
        return replace(_new(tensor), name=self.op(op_type, tensor.name, *constants, **attributes))

    def parameter(self, array: NDArray[np.floating], tensor: Tensor) -> str:
        """Add a constant that broadcasts against ``tensor`` as ``array`` does against its Keras shape.

        For example, a factor per channel, (3,), becomes (3, 1, 1) for an image that is channels first in memory.
        """
        array = array.reshape((1,) * (len(tensor.shape) - array.ndim) + array.shape)
        if tensor.transposed:
            array = np.moveaxis(array, -1, 0)
        elif tensor.flattened_from is not None and array.size > 1:
            array = array[keras_flat_index(tensor.flattened_from)]
        return self.constant(array)

    def as_keras_layout(self, tensor: Tensor) -> Tensor:
        """Return the tensor with its numbers in Keras' order."""
        if tensor.transposed:
            return replace(tensor, name=self._move(tensor, to_front=False), transposed=False)
        if tensor.flattened_from is not None:
            # undo the flattening, transpose, and flatten again
            block = self._reshape(tensor.name, tensor.flattened_from)
            channels_last = replace(
                tensor, name=block, shape=(*tensor.flattened_from[1:], tensor.flattened_from[0]), transposed=True
            )
            name = self._reshape(self._move(channels_last, to_front=False), tensor.shape)
            return replace(tensor, name=name, flattened_from=None)
        return tensor

    def as_channels_first(self, tensor: Tensor, data_format: str) -> Tensor:
        """Return the tensor as (channels, *space) in memory, as ONNX operations on images need it.

        Args:
            tensor: An image; ``data_format`` says which axis of its Keras shape is the channels.
            data_format: ``channels_last`` or ``channels_first``.

        """
        if data_format == CHANNELS_FIRST:
            return self.as_keras_layout(tensor)
        return tensor if tensor.transposed else replace(tensor, name=self._move(tensor, to_front=True), transposed=True)

    def reshape(self, tensor: Tensor, shape: Shape) -> Tensor:
        """Return the tensor with another Keras shape of the same size."""
        plain = self.as_keras_layout(tensor)
        return replace(plain, name=self._reshape(plain.name, shape), shape=shape)

    def model(self, source: Tensor, target: Tensor, others: Sequence[Tensor] = ()) -> bytes:
        """Return the ONNX model that computes ``target`` from ``source``, for batches of any size.

        It returns ``others`` too, after the target.
        """
        outputs = []
        for tensor in (target, *others):
            plain = self.as_keras_layout(tensor)
            # Identity gives the output a name of its own, should it also be an input or a constant
            outputs.append(Value(self.op("Identity", plain.name), ("batch", *plain.shape)))
        return encode_model(self._nodes, self._constants, [Value(source.name, ("batch", *source.shape))], outputs)

    def _move(self, tensor: Tensor, *, to_front: bool) -> str:
        """Move the last axis of the Keras shape to the front in memory, or back."""
        space, channels = tensor.shape[:-1], tensor.shape[-1]
        if channels == 1 or prod(space) == 1:  # no number moves: a Reshape is free
            return self._reshape(tensor.name, (channels, *space) if to_front else tensor.shape)
        last = len(tensor.shape)
        order = (0, last, *range(1, last)) if to_front else (0, *range(2, last + 1), 1)
        return self.op("Transpose", tensor.name, perm=order)

    def _reshape(self, name: str, shape: Shape) -> str:
        return self.op("Reshape", name, self.constant([0, *shape], "int64"))  # 0 keeps the batch size


def from_channels_first(name: str, channels: int, space: Shape, data_format: str) -> Tensor:
    """Return the tensor of a value that is (channels, *space) in memory."""
    if data_format == CHANNELS_FIRST:
        return Tensor(name, (channels, *space))
    return Tensor(name, (*space, channels), transposed=True)


def keras_flat_index(block: Shape) -> NDArray[np.intp]:
    """Return the index in Keras' flat order of each number of a flat (channels, *space) block.

    For (2, 1, 2), memory holds channel 0 and then channel 1. Keras alternates the channels: [0, 2, 1, 3].
    """
    keras_order = np.arange(prod(block)).reshape((*block[1:], block[0]))
    return np.moveaxis(keras_order, -1, 0).ravel()


def _new(tensor: Tensor) -> Tensor:
    # an operation's output is no longer pixels, nor the output of an activation
    return replace(tensor, activation="", raw=False)
