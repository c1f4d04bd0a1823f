"""Normalization layers, and Rescaling. The first of them in a model suggests its pixel range.

https://keras.io/api/layers/normalization_layers/
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from batch_eval.models.graph import Tensor
from batch_eval.models.layers.call import Array, LayerCall, Unsupported, axis_index, converts

_KERAS_EPSILON = 1e-7
"""Default of ``keras.config.epsilon()``, which Normalization uses and files do not record."""


@converts("BatchNormalization")
def _batch_normalization(call: LayerCall) -> Tensor:
    config, graph, x = call.config, call.graph, call.input
    config.ignore("momentum", "synchronized", "virtual_batch_size", "adjustment", "renorm_clipping", "renorm_momentum")
    config.choice("renorm", (False,), False)
    config.choice("fused", (None, True, False), None)
    axis = axis_index(_only(config.value("axis", -1)), len(x.shape))
    epsilon = config.number("epsilon", 1e-3)
    size = (x.shape[axis],)
    gamma = call.weights.take(size, "gamma") if config.flag("scale", True) else np.ones(size)
    beta = call.weights.take(size, "beta") if config.flag("center", True) else np.zeros(size)
    mean, variance = call.weights.take(size, "moving_mean"), call.weights.take(size, "moving_variance")
    # ONNX's operation normalizes the first axis in memory, and onnxruntime folds it into the convolution before. For
    # other axes it is gamma * (x - mean) / sqrt(variance + epsilon) + beta, as a product and a sum.
    if _memory_axis(x, axis) == 0 and x.flattened_from is None:
        return graph.elementwise(
            "BatchNormalization", x, *map(graph.constant, (gamma, beta, mean, variance)), epsilon=epsilon
        )
    factor = gamma / np.sqrt(variance.astype(np.float64) + epsilon)
    return _affine(call, x, axis, factor, beta - mean * factor)


def _affine(call: LayerCall, x: Tensor, axis: int, factor: Array, offset: Array) -> Tensor:
    """Return factor * x + offset, with one factor and one offset per index of a Keras axis."""
    shape = [size if i == axis else 1 for i, size in enumerate(x.shape)]
    scaled = call.graph.elementwise("Mul", x, call.graph.parameter(factor.reshape(shape), x))
    return call.graph.elementwise("Add", scaled, call.graph.parameter(offset.reshape(shape), x))


def _only(axis: Any) -> Any:
    return axis[0] if isinstance(axis, list | tuple) and len(axis) == 1 else axis


def _memory_axis(x: Tensor, axis: int) -> int:
    """Return where an axis of the Keras shape is in memory."""
    return (axis + 1) % len(x.shape) if x.transposed else axis


@converts("LayerNormalization")
def _layer_normalization(call: LayerCall) -> Tensor:
    config, graph = call.config, call.graph
    config.choice("rms_scaling", (False,), False)
    x = graph.as_keras_layout(call.input)
    rank, axis = len(x.shape), config.value("axis", -1)
    axes = sorted(axis_index(a, rank) for a in (axis if isinstance(axis, list | tuple) else [axis]))
    if axes != list(range(rank - len(axes), rank)):  # ONNX normalizes the last axes only
        raise Unsupported(f"axis={axis!r}")
    shape = x.shape[axes[0] :]
    gamma = call.weights.take(shape, "gamma") if config.flag("scale", True) else np.ones(shape)
    beta = call.weights.take(shape, "beta") if config.flag("center", True) else np.zeros(shape)
    epsilon = config.number("epsilon", 1e-3)
    return graph.elementwise(
        "LayerNormalization", x, graph.constant(gamma), graph.constant(beta), axis=-len(axes), epsilon=epsilon
    )


@converts("Rescaling")
def _rescaling(call: LayerCall) -> Tensor:
    graph, x = call.graph, call.input
    scale, offset = (
        _numbers(call.config.value(key, default), key) for key, default in (("scale", 1.0), ("offset", 0.0))
    )
    if x.raw:
        graph.pixel_range = range_from_scale(float(abs(scale).max()))
    # operations that change nothing are left out: most models have the offset 0
    for op_type, array, neutral in (("Mul", scale, 1.0), ("Add", offset, 0.0)):
        _check_broadcast(array, x)
        if (array != neutral).any():
            x = graph.elementwise(op_type, x, graph.parameter(array, x))
    return replace(x, raw=False)


@converts("Normalization")
def _normalization(call: LayerCall) -> Tensor:
    # (x - mean) / max(sqrt(variance), epsilon), with one mean and variance for each index of the kept axes
    graph, x = call.graph, call.input
    axis, rank = call.config.value("axis", -1), len(x.shape)
    kept = [] if axis is None else axis if isinstance(axis, list | tuple) else [axis]
    kept_axes = {axis_index(a, rank) for a in kept}
    shape = [size if i in kept_axes else 1 for i, size in enumerate(x.shape)]
    mean, variance = _statistics(call, [x.shape[i] for i in sorted(kept_axes)], shape)
    deviation = np.maximum(np.sqrt(variance, dtype=np.float32), np.float32(_KERAS_EPSILON))
    if x.raw:
        graph.pixel_range = range_from_mean(float(mean.max()))
    if call.config.flag("invert", False):
        scaled = graph.elementwise("Mul", x, graph.parameter(deviation, x))
        return graph.elementwise("Add", scaled, graph.parameter(mean, x))
    centred = graph.elementwise("Sub", x, graph.parameter(mean, x))
    return graph.elementwise("Div", centred, graph.parameter(deviation, x))


def range_from_scale(factor: float) -> str:
    """Return the pixel range that the factor of a leading Rescaling suggests.

    1/255 and 1/127.5 scale pixels from 0 to 255. The factors 1 and 2 scale pixels from 0 to 1.
    """
    return "0..255" if factor <= 1 / 32 else "0..1"


def range_from_mean(mean: float) -> str:
    """Return the pixel range that the mean of a leading Normalization suggests.

    MNIST's mean is 33 of 255. That is 0.13 in 0..1, and -0.74 in -1..1.
    """
    return "0..255" if mean > 1 else "0..1" if mean >= 0 else "-1..1"


def _statistics(call: LayerCall, size: list[int], shape: list[int]) -> tuple[Array, Array]:
    """Return mean and variance in ``shape``, from the config or else from the weights."""
    given = [call.config.value(key, None) for key in ("mean", "variance")]
    if given == [None, None]:
        found = [call.weights.take(size, key) for key in ("mean", "variance")]
        call.weights.ignore("count")  # number of images that adapt() saw
    elif None in given:
        raise Unsupported("mean without variance")
    else:
        found = [_numbers(value, key) for value, key in zip(given, ("mean", "variance"), strict=True)]
    if any(array.size not in (1, np.prod(shape)) for array in found):
        raise Unsupported(f"a mean of shape {found[0].shape}")
    mean, variance = (np.broadcast_to(array.ravel(), [int(np.prod(shape))]).reshape(shape) for array in found)
    return mean, variance


def _numbers(value: Any, key: str) -> Array:
    """Return a number, or nested lists of numbers, as float32."""
    try:
        array = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise Unsupported(f"{key}={value!r}") from None
    if not np.isfinite(array).all():
        raise Unsupported(f"{key}={value!r}")
    return array.astype(np.float32)


def _check_broadcast(array: Array, x: Tensor) -> None:
    """Check that an array broadcasts against a tensor without changing the tensor's shape."""
    if array.ndim > len(x.shape) or np.broadcast_shapes(array.shape, x.shape) != x.shape:
        raise Unsupported(f"a factor of shape {array.shape} on an input of {x.shape}")
