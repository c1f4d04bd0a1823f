"""Keras' activation functions, as operations of ONNX.

The formulas are those of Keras 3: https://keras.io/api/layers/activations/. Keras 2 differs in ``hard_sigmoid`` only.
``sparsemax`` is left to TensorFlow. Keras computes something else than its paper, and a later release may fix that.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import sqrt
from typing import Any

from batch_eval.models.graph import Graph, Tensor
from batch_eval.models.layers.call import LayerCall, Unsupported, axis_index, converts

Function = Callable[[Graph, Tensor], Tensor]


def activate(call: LayerCall, tensor: Tensor, activation: Any) -> Tensor:
    """Apply the activation function of a config, and record its name in ``Tensor.activation``."""
    if activation is None:
        activation = "linear"
    functions = _KERAS_2 if call.keras_major == 2 else _KERAS_3
    if not isinstance(activation, str) or activation not in functions:
        raise Unsupported(f"activation={activation!r}")
    name = _ALIASES.get(activation, activation)
    return replace(functions[activation](call.graph, tensor), activation=name)


@converts("Activation")
def _activation(call: LayerCall) -> Tensor:
    return activate(call, call.input, call.config.value("activation"))


@converts("ReLU")
def _relu_layer(call: LayerCall) -> Tensor:
    config = call.config
    ceiling = config.value("max_value", None)
    if ceiling is not None and (isinstance(ceiling, bool) or not isinstance(ceiling, int | float) or ceiling < 0):
        raise Unsupported(f"max_value={ceiling!r}")
    # f(x) = max_value for x ≥ max_value, x for threshold ≤ x < max_value, and slope * (x - threshold) below. The two
    # parts are computed apart, as (positive part) - slope * relu(threshold - x).
    slope, threshold = config.number("negative_slope", 0.0), config.number("threshold", 0.0)
    graph, x = call.graph, call.input
    if threshold == 0.0:
        positive = graph.elementwise("Relu", x)
    else:
        positive = _select(graph, _compare(graph, "Greater", x, threshold), x, _constant_like(graph, x, 0.0))
    if ceiling is not None:
        positive = _clip(graph, positive, 0.0, float(ceiling))
    if slope == 0.0:
        return positive
    negative = graph.elementwise("Relu", _linear(graph, x, -1.0, threshold))
    return _combine(graph, "Sub", positive, _linear(graph, negative, slope, 0.0))


@converts("LeakyReLU")
def _leaky_relu_layer(call: LayerCall) -> Tensor:
    key = "alpha" if call.keras_major == 2 else "negative_slope"
    return call.graph.elementwise("LeakyRelu", call.input, alpha=call.config.number(key, 0.3))


@converts("ELU")
def _elu_layer(call: LayerCall) -> Tensor:
    return call.graph.elementwise("Elu", call.input, alpha=call.config.number("alpha", 1.0))


@converts("PReLU")
def _prelu_layer(call: LayerCall) -> Tensor:
    x = call.input
    shared = {axis_index(axis, len(x.shape)) for axis in call.config.value("shared_axes", None) or ()}
    shape = [1 if i in shared else size for i, size in enumerate(x.shape)]
    return call.graph.elementwise("PRelu", x, call.graph.parameter(call.weights.take(shape, "alpha"), x))


@converts("Softmax")
def _softmax_layer(call: LayerCall) -> Tensor:
    axis = call.config.value("axis", -1)
    if isinstance(axis, list | tuple) and len(axis) == 1:
        axis = axis[0]
    return _along(call.graph, "Softmax", call.input, axis_index(axis, len(call.input.shape)), "softmax")


def _along(graph: Graph, op_type: str, tensor: Tensor, axis: int, activation: str) -> Tensor:
    """Apply Softmax or LogSoftmax along an axis of the Keras shape."""
    # only along the last axis, that of the classes, are the values probabilities
    rank = len(tensor.shape)
    if tensor.flattened_from is not None:
        tensor = graph.as_keras_layout(tensor)
    memory_axis = (axis + 1) % rank if tensor.transposed else axis
    result = graph.elementwise(op_type, tensor, axis=memory_axis + 1)
    return replace(result, activation=activation if axis == rank - 1 else "")


def _scalar(graph: Graph, value: float) -> str:
    return graph.constant(value)


def _linear(graph: Graph, x: Tensor, factor: float, offset: float) -> Tensor:
    """Return factor * x + offset."""
    if factor != 1.0:
        x = graph.elementwise("Mul", x, _scalar(graph, factor))
    return x if offset == 0.0 else graph.elementwise("Add", x, _scalar(graph, offset))


def _clip(graph: Graph, x: Tensor, low: float, high: float) -> Tensor:
    return graph.elementwise("Clip", x, _scalar(graph, low), _scalar(graph, high))


def _combine(graph: Graph, op_type: str, a: Tensor, b: Tensor) -> Tensor:
    """Apply an operation to two tensors of one shape and order."""
    return graph.elementwise(op_type, a, b.name)


def _compare(graph: Graph, op_type: str, x: Tensor, value: float) -> str:
    return graph.op(op_type, x.name, _scalar(graph, value))


def _constant_like(graph: Graph, x: Tensor, value: float) -> Tensor:
    """Return a scalar that ``_select`` broadcasts to the shape of x."""
    return replace(x, name=_scalar(graph, value))


def _select(graph: Graph, condition: str, yes: Tensor, no: Tensor) -> Tensor:
    return replace(yes, name=graph.op("Where", condition, yes.name, no.name), activation="", raw=False)


def _simple(op_type: str, **attributes: float) -> Function:
    """Return the function of a single ONNX operation."""
    return lambda graph, x: graph.elementwise(op_type, x, **attributes)


def _identity(_graph: Graph, x: Tensor) -> Tensor:
    return x


def _softmax(graph: Graph, x: Tensor) -> Tensor:
    return _along(graph, "Softmax", x, len(x.shape) - 1, "softmax")


def _log_softmax(graph: Graph, x: Tensor) -> Tensor:
    return _along(graph, "LogSoftmax", x, len(x.shape) - 1, "log_softmax")


def _silu(graph: Graph, x: Tensor) -> Tensor:
    return _combine(graph, "Mul", x, graph.elementwise("Sigmoid", x))


def _gelu(graph: Graph, x: Tensor) -> Tensor:
    # 0.5 x (1 + erf(x / √2)): exact, as Keras' default approximate=False
    erf = graph.elementwise("Erf", _linear(graph, x, 1 / sqrt(2), 0.0))
    return _linear(graph, _combine(graph, "Mul", x, _linear(graph, erf, 1.0, 1.0)), 0.5, 0.0)


def _mish(graph: Graph, x: Tensor) -> Tensor:
    # x tanh(softplus(x))
    return _combine(graph, "Mul", x, graph.elementwise("Tanh", graph.elementwise("Softplus", x)))


def _hard_sigmoid(graph: Graph, x: Tensor) -> Tensor:
    # relu6(x + 3) / 6
    return graph.elementwise("Div", _clip(graph, _linear(graph, x, 1.0, 3.0), 0.0, 6.0), _scalar(graph, 6.0))


def _hard_sigmoid_keras_2(graph: Graph, x: Tensor) -> Tensor:
    return _clip(graph, _linear(graph, x, 0.2, 0.5), 0.0, 1.0)


def _hard_silu(graph: Graph, x: Tensor) -> Tensor:
    return _combine(graph, "Mul", x, _hard_sigmoid(graph, x))


def _log_sigmoid(graph: Graph, x: Tensor) -> Tensor:
    # -softplus(-x), which does not underflow as log(sigmoid(x)) does
    return graph.elementwise("Neg", graph.elementwise("Softplus", graph.elementwise("Neg", x)))


def _tanh_shrink(graph: Graph, x: Tensor) -> Tensor:
    return _combine(graph, "Sub", x, graph.elementwise("Tanh", x))


def _squareplus(graph: Graph, x: Tensor) -> Tensor:
    # (x + √(x² + 4)) / 2
    root = graph.elementwise("Sqrt", _linear(graph, _combine(graph, "Mul", x, x), 1.0, 4.0))
    return _linear(graph, _combine(graph, "Add", x, root), 0.5, 0.0)


def _sparse_sigmoid(graph: Graph, x: Tensor) -> Tensor:
    return _clip(graph, _linear(graph, _linear(graph, x, 1.0, 1.0), 0.5, 0.0), 0.0, 1.0)


def _sparse_plus(graph: Graph, x: Tensor) -> Tensor:
    # 0 for x ≤ -1, (x + 1)² / 4 for -1 < x < 1, x for x ≥ 1
    ramp = _linear(graph, x, 1.0, 1.0)
    parabola = _linear(graph, _combine(graph, "Mul", ramp, ramp), 0.25, 0.0)
    right = _select(graph, _compare(graph, "Less", x, 1.0), parabola, x)
    return _select(graph, _compare(graph, "LessOrEqual", x, -1.0), replace(x, name=_scalar(graph, 0.0)), right)


def _hard_shrink(graph: Graph, x: Tensor) -> Tensor:
    # x where |x| > 0.5, else 0
    outside = _compare(graph, "Greater", graph.elementwise("Abs", x), 0.5)
    return _select(graph, outside, x, _constant_like(graph, x, 0.0))


def _glu(graph: Graph, x: Tensor) -> Tensor:
    # the first half of the channels times the sigmoid of the second
    x = graph.as_keras_layout(x)
    if x.shape[-1] % 2:
        raise Unsupported(f"activation='glu' on {x.shape[-1]} channels")
    left, right = graph.ops(2, "Split", x.name, axis=-1)
    half = replace(x, shape=(*x.shape[:-1], x.shape[-1] // 2), name=left)
    return graph.elementwise("Mul", half, graph.op("Sigmoid", right))


# names that mean the same function; ``Tensor.activation`` holds the right-hand one
_ALIASES = {"swish": "silu", "hard_swish": "hard_silu"}

_KERAS_2: dict[str, Function] = {
    "elu": _simple("Elu"),
    "exponential": _simple("Exp"),
    "gelu": _gelu,
    "hard_sigmoid": _hard_sigmoid_keras_2,
    "linear": _identity,
    "mish": _mish,
    "relu": _simple("Relu"),
    "selu": _simple("Selu"),
    "sigmoid": _simple("Sigmoid"),
    "silu": _silu,
    "softmax": _softmax,
    "softplus": _simple("Softplus"),
    "softsign": _simple("Softsign"),
    "swish": _silu,
    "tanh": _simple("Tanh"),
}

_KERAS_3: dict[str, Function] = {
    **_KERAS_2,
    "celu": _simple("Elu"),
    "glu": _glu,
    "hard_shrink": _hard_shrink,
    "hard_sigmoid": _hard_sigmoid,
    "hard_silu": _hard_silu,
    "hard_swish": _hard_silu,
    "hard_tanh": lambda graph, x: _clip(graph, x, -1.0, 1.0),
    "leaky_relu": _simple("LeakyRelu", alpha=0.2),
    "log_sigmoid": _log_sigmoid,
    "log_softmax": _log_softmax,
    "relu6": lambda graph, x: _clip(graph, x, 0.0, 6.0),
    "soft_shrink": _simple("Shrink", lambd=0.5, bias=0.5),
    "sparse_plus": _sparse_plus,
    "sparse_sigmoid": _sparse_sigmoid,
    "squareplus": _squareplus,
    "tanh_shrink": _tanh_shrink,
}
