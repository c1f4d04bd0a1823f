"""How each operation is written for ncnn: https://github.com/Tencent/ncnn/blob/master/docs/developer-guide/operators.md.

Whatever is not known raises ``Unsupported``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod

import numpy as np

from batch_eval.models.chain import Array, Chain, attribute, integers
from batch_eval.models.graph import Shape
from batch_eval.models.layers import Unsupported
from batch_eval.models.layers.convolution import extent, window_count
from batch_eval.models.layers.normalization import factor_and_offset
from batch_eval.models.operations import Node

Settings = dict[int, int | float]  # ncnn numbers the settings of a layer

ARITHMETIC = {"Add": 0, "Sub": 1, "Mul": 2, "Div": 3}
_MAGIC = 7767517
_FLOAT32 = np.zeros(1, np.float32)  # stands before the weights of a kernel
_POOLS = {"MaxPool": 0, "AveragePool": 1}


@dataclass
class Net:
    """A chain of layers in ncnn's text format, and their weights in the same order.

    ``space`` is the height and width of the planes that the last layer gives. ``winograd`` counts the multiplications
    for an image in convolutions of the kind that Winograd's method shortens.
    """

    space: Shape = ()
    winograd: int = 0
    layers: list[str] = field(default_factory=lambda: ["Input 0 0 1 0"])
    weights: list[Array] = field(default_factory=list)

    @property
    def text(self) -> str:
        """What ncnn calls the param file."""
        return "\n".join([str(_MAGIC), f"{len(self.layers)} {len(self.layers)}", *self.layers, ""])

    @property
    def content(self) -> bytes:
        """What ncnn calls the model file."""
        return b"".join(array.astype("<f4").tobytes() for array in self.weights)

    @property
    def output(self) -> str:
        """The name of what the last layer gives; that of the input is ``0``."""
        return str(len(self.layers) - 1)

    def add(self, kind: str, settings: Settings | None = None, *weights: Array) -> None:
        """Add a layer on top of the last one."""
        index = len(self.layers)
        numbers = "".join(f" {key}={value}" for key, value in (settings or {}).items())
        self.layers.append(f"{kind} {index} 1 1 {index - 1} {index}{numbers}")
        self.weights.extend(weights)


Writer = Callable[[Node, Chain, Net], None]


def write(writers: Mapping[str, Writer], node: Node, chain: Chain, net: Net) -> None:
    """Add the layers of an operation, and of those after it that they include."""
    if node.op_type not in writers:
        raise Unsupported(f"the operation {node.op_type}")
    writers[node.op_type](node, chain, net)


def _convolution(node: Node, chain: Chain, net: Net) -> None:
    (kernel,) = chain.arrays(node)
    if kernel.ndim != 4 or attribute(node, "group") != 1:
        raise Unsupported("a convolution in groups, or not of planes")
    size, dilations = kernel.shape[2:], integers(node, "dilations")
    top, left, bottom, right = pads = integers(node, "pads")
    strides = _slide(net, node, tuple(map(extent, size, dilations)), pads)
    if (*size, *strides, *dilations) == (3, 3, 1, 1, 1, 1):
        net.winograd += kernel.size * prod(net.space)
    padding = {4: left, 14: top, 15: right, 16: bottom}
    _weighted("Convolution", kernel, _pair(1, size) | _pair(2, dilations) | _pair(3, strides) | padding, chain, net)


def _dense(node: Node, chain: Chain, net: Net) -> None:
    (kernel,) = chain.arrays(node)
    _weighted("InnerProduct", kernel.T, {}, chain, net)


def _scaled_dense(node: Node, chain: Chain, net: Net) -> None:
    """Write a dense layer whose inputs are multiplied and shifted before, as a BatchNormalization after a ReLU does."""
    chain.put_back(node)
    factor, offset = _affine(chain, (chain.arrays(node)[0].size,))
    dense = chain.take("MatMul")
    if dense is None:
        raise Unsupported("factors that no dense layer follows")
    (kernel,) = chain.arrays(dense)
    bias = np.broadcast_to(offset, len(kernel)) @ kernel
    _weighted("InnerProduct", (kernel * factor[:, None]).T, {}, chain, net, bias)


def _weighted(kind: str, kernel: Array, window: Settings, chain: Chain, net: Net, bias: Array | float = 0.0) -> None:
    """Write a layer with a kernel (outputs, …), and fold into it what follows: factors, offsets, a ReLU."""
    outputs = len(kernel)
    factor, offset = _affine(chain, (outputs, *(1,) * (kernel.ndim - 2)))
    if (factor != 1).any():
        kernel = kernel * factor.reshape(-1, *(1,) * (kernel.ndim - 1))
    with_bias, size = (5, 6) if kind == "Convolution" else (1, 2)
    settings: Settings = {0: outputs, with_bias: 1, size: kernel.size, 9: int(chain.take("Relu") is not None)}
    net.add(kind, settings | window, _FLOAT32, kernel, bias * factor + offset)


def _affine(chain: Chain, shape: Shape) -> tuple[Array, Array]:
    """Take the operations that multiply and shift each channel; return the factors and offsets that they make."""
    factor, offset = np.ones(shape[0]), np.zeros(shape[0])
    while node := chain.take("BatchNormalization", *ARITHMETIC):
        slope, shift = _moving(chain, node, shape)
        factor, offset = factor * slope, offset * slope + shift
    return factor, offset


def _moving(chain: Chain, node: Node, shape: Shape) -> tuple[Array | float, Array | float]:
    """Return the factor and the offset of each channel, or of all, that such an operation is."""
    if node.op_type == "BatchNormalization":
        return _normalizing(chain, node)
    (operand,) = chain.arrays(node)
    if operand.shape != shape and operand.size != 1:
        raise Unsupported(f"a constant of {operand.shape} for {shape}")
    number = operand.astype(np.float64).ravel()
    if node.op_type in ("Add", "Sub"):
        return 1.0, number if node.op_type == "Add" else -number
    return number if node.op_type == "Mul" else 1 / number, 0.0


def _normalizing(chain: Chain, node: Node) -> tuple[Array, Array]:
    """Return the factor and the offset of each channel that a BatchNormalization is."""
    gamma, beta, mean, variance = chain.arrays(node)
    return factor_and_offset(gamma, beta, mean, variance, attribute(node, "epsilon"))


def _normalization(node: Node, chain: Chain, net: Net) -> None:
    slope, shift = _normalizing(chain, node)
    net.add("Scale", {0: len(slope), 1: 1}, slope, shift)


def _pooling(node: Node, _chain: Chain, net: Net) -> None:
    size = integers(node, "kernel_shape")
    top, left, bottom, right = pads = integers(node, "pads")
    strides = _slide(net, node, size, pads)
    padding = {3: left, 13: top, 14: right, 15: bottom}
    whole_windows_only: Settings = {5: 1}
    kind: Settings = {0: _POOLS[node.op_type]}
    net.add("Pooling", kind | _pair(1, size) | _pair(2, strides) | padding | whole_windows_only)


def _global_pooling(node: Node, _chain: Chain, net: Net) -> None:
    net.add("Pooling", {0: _POOLS[node.op_type.removeprefix("Global")], 4: 1})


def _softmax(_node: Node, _chain: Chain, net: Net) -> None:
    net.add("Softmax", {0: 1, 1: 1})  # along a row; the second says that 0 is not the batch


def _function(kind: str, setting: str = "") -> Writer:
    """Return the writer of a function of single numbers, which may have one setting."""
    return lambda node, _chain, net: net.add(kind, {0: float(attribute(node, setting))} if setting else {})


def _slide(net: Net, node: Node, spans: Shape, pads: Shape) -> Shape:
    """Note the size of the planes that sliding windows leave, and return the windows' strides."""
    strides = integers(node, "strides")
    net.space = window_count(net.space, spans, strides, pads)
    return strides


def _pair(key: int, sizes: Sequence[int]) -> Settings:
    """Return the settings of a height and a width: ncnn numbers the width, and 10 further the height."""
    height, width = sizes
    return {key: width, key + 10: height}


_ANYWHERE: Mapping[str, Writer] = {
    "Relu": _function("ReLU"),
    "LeakyRelu": _function("ReLU", "alpha"),
    "Elu": _function("ELU", "alpha"),
    "Sigmoid": _function("Sigmoid"),
    "Tanh": _function("TanH"),
}
ON_PLANES: Mapping[str, Writer] = {
    **_ANYWHERE,
    "Conv": _convolution,
    "BatchNormalization": _normalization,
    "MaxPool": _pooling,
    "AveragePool": _pooling,
    "GlobalMaxPool": _global_pooling,
    "GlobalAveragePool": _global_pooling,
}
ON_ROWS: Mapping[str, Writer] = {
    **_ANYWHERE,
    **dict.fromkeys(["BatchNormalization", *ARITHMETIC], _scaled_dense),
    "MatMul": _dense,
    "Softmax": _softmax,
}
