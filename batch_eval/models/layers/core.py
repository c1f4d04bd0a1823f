"""Dense, layers that rearrange numbers, and layers without effect at inference."""

from __future__ import annotations

from dataclasses import replace
from math import prod

from batch_eval.models.graph import CHANNELS_FIRST, Tensor, keras_flat_index
from batch_eval.models.layers.activations import activate
from batch_eval.models.layers.call import LayerCall, Unsupported, converts


@converts("Dense")
def _dense(call: LayerCall) -> Tensor:
    config, graph, x = call.config, call.graph, call.input
    units = config.integer("units", minimum=1)
    kernel = call.weights.take((x.shape[-1], units), "kernel")
    if x.flattened_from is not None:  # permute the rows of the kernel once, rather than every image
        kernel = kernel[keras_flat_index(x.flattened_from)]
        x = replace(x, flattened_from=None)
    x = graph.as_keras_layout(x)
    name = graph.op("MatMul", x.name, graph.constant(kernel))
    if config.flag("use_bias", True):
        name = graph.op("Add", name, graph.constant(call.weights.take((units,), "bias")))
    return activate(call, Tensor(name, (*x.shape[:-1], units)), config.value("activation", "linear"))


@converts("Flatten")
def _flatten(call: LayerCall) -> Tensor:
    x = call.input
    if call.config.data_format() == CHANNELS_FIRST and len(x.shape) > 1:
        x = call.graph.as_keras_layout(x)  # Keras moves the channels to the end before it flattens
        x = replace(x, shape=(*x.shape[1:], x.shape[0]), transposed=True)
    size = prod(x.shape)
    if not x.transposed:
        return x if x.shape == (size,) else call.graph.reshape(x, (size,))
    # Flattened in memory order, without a transposition. ``flattened_from`` remembers that this is not Keras' order;
    # with one channel or one pixel, both orders are the same.
    block = x.memory_shape
    flat = call.graph.reshape(replace(x, shape=block, transposed=False), (size,))
    return replace(flat, flattened_from=block if block[0] > 1 and size > block[0] else None)


@converts("Reshape")
def _reshape(call: LayerCall) -> Tensor:
    target, size = call.config.value("target_shape"), prod(call.input.shape)
    if not isinstance(target, list | tuple) or any(type(n) is not int for n in target) or target.count(-1) > 1:
        raise Unsupported(f"target_shape={target!r}")
    if -1 in target:  # the size that is left
        known = prod(n for n in target if n != -1)
        target = [size // known if n == -1 and known > 0 else n for n in target]
    if prod(target) != size or min(target, default=1) < 1:
        raise Unsupported(f"target_shape={target!r}")
    return call.graph.reshape(call.input, tuple(target))


@converts("Permute")
def _permute(call: LayerCall) -> Tensor:
    x = call.graph.as_keras_layout(call.input)
    dims = call.config.value("dims")
    if not isinstance(dims, list | tuple) or sorted(dims) != list(range(1, len(x.shape) + 1)):
        raise Unsupported(f"dims={dims!r}")
    name = call.graph.op("Transpose", x.name, perm=[0, *dims])
    return replace(x, name=name, shape=tuple(x.shape[d - 1] for d in dims), activation="")


@converts("RepeatVector")
def _repeat_vector(call: LayerCall) -> Tensor:
    x, count = call.graph.as_keras_layout(call.input_of_rank(1)), call.config.integer("n", minimum=1)
    rows = call.graph.reshape(x, (1, x.shape[0]))
    name = call.graph.op("Tile", rows.name, call.graph.constant([1, count, 1], "int64"))
    return Tensor(name, (count, x.shape[0]))


# layer -> its settings; none has an effect at inference
_IDENTITIES = {
    "ActivityRegularization": ("l1", "l2"),
    "AlphaDropout": ("rate", "noise_shape", "seed"),
    "Dropout": ("rate", "noise_shape", "seed"),
    "GaussianDropout": ("rate", "seed"),
    "GaussianNoise": ("stddev", "seed"),
    "Identity": (),
    "SpatialDropout1D": ("rate", "noise_shape", "seed"),
    "SpatialDropout2D": ("rate", "noise_shape", "seed", "data_format"),
    "RandomBrightness": ("factor", "value_range", "seed", "data_format"),
    "RandomContrast": ("factor", "value_range", "seed", "data_format"),
    "RandomFlip": ("mode", "seed", "data_format"),
    "RandomHeight": ("factor", "interpolation", "seed"),
    "RandomRotation": ("factor", "fill_mode", "fill_value", "interpolation", "seed", "data_format"),
    "RandomShear": ("x_factor", "y_factor", "fill_mode", "fill_value", "interpolation", "seed", "data_format"),
    "RandomTranslation": (
        *("height_factor", "width_factor", "fill_mode", "fill_value", "interpolation", "seed", "data_format"),
    ),
    "RandomWidth": ("factor", "interpolation", "seed"),
    "RandomZoom": (
        *("height_factor", "width_factor", "fill_mode", "fill_value", "interpolation", "seed", "data_format"),
    ),
    "RandomErasing": ("factor", "scale", "fill_value", "value_range", "seed", "data_format"),
    "RandomInvert": ("factor", "value_range", "seed", "data_format"),
}


@converts(*_IDENTITIES)
def _identity(call: LayerCall) -> Tensor:
    call.config.ignore(*_IDENTITIES[call.class_name])
    return call.input
