"""Convolutions: Keras' (*kernel, in, out) kernels on channels-last images become ONNX's on planes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from batch_eval.models.graph import Shape, Tensor, from_channels_first
from batch_eval.models.layers.activations import activate
from batch_eval.models.layers.call import Array, LayerCall, Unsupported, converts


def same_padding(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """Return what TensorFlow's ``padding="same"`` adds before and after an axis; of an odd total, more goes after."""
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


def extent(kernel: int, dilation: int) -> int:
    """Return how many pixels a dilated kernel spans."""
    return (kernel - 1) * dilation + 1


def window_padding(padding: str, space: Shape, spans: Shape, strides: Shape) -> list[int]:
    """Return ONNX ``pads`` (all starts, then all ends) of windows that span ``spans`` pixels."""
    if padding == "valid":
        pairs = [(0, 0)] * len(space)
    elif padding == "same":
        pairs = [same_padding(*axis) for axis in zip(space, spans, strides, strict=True)]
    else:  # causal
        pairs = [(span - 1, 0) for span in spans]
    return [start for start, _ in pairs] + [end for _, end in pairs]


def window_count(space: Shape, spans: Shape, strides: Shape, pads: Sequence[int]) -> Shape:
    """Return how many windows fit along each axis."""
    rank = len(space)
    counts = [(space[i] + pads[i] + pads[rank + i] - spans[i]) // strides[i] + 1 for i in range(rank)]
    if min(counts) < 1:
        raise Unsupported(f"an image of {space} is smaller than a window of {spans}")
    return tuple(counts)


@converts("Conv1D", "Conv2D")
def _conv(call: LayerCall) -> Tensor:
    window = _Window(call, paddings=("valid", "same", "causal") if call.class_name == "Conv1D" else ("valid", "same"))
    filters, groups = call.config.integer("filters", minimum=1), call.config.integer("groups", 1, minimum=1)
    kernel = call.weights.take((*window.kernel, window.channels // groups, filters), "kernel")
    return window.finish(window.convolve(_to_onnx(kernel), filters, groups))


@converts("DepthwiseConv1D", "DepthwiseConv2D")
def _depthwise(call: LayerCall) -> Tensor:
    window = _Window(call)
    call.config.choice("groups", (1,), 1)
    return window.finish(window.convolve(*_depthwise_kernel(window)))


@converts("SeparableConv1D", "SeparableConv2D")
def _separable(call: LayerCall) -> Tensor:
    window = _Window(call)
    call.config.choice("groups", (1,), 1)
    filters = call.config.integer("filters", minimum=1)
    kernel, channels, groups = _depthwise_kernel(window)
    ones = (1,) * len(window.kernel)
    pointwise = call.weights.take((*ones, channels, filters), "pointwise_kernel")
    depthwise = window.convolve(kernel, channels, groups)
    return window.finish(call.graph.op("Conv", depthwise, call.graph.constant(_to_onnx(pointwise))), filters)


@converts("Conv2DTranspose")
def _conv_transpose(call: LayerCall) -> Tensor:
    window = _Window(call)
    filters = call.config.integer("filters", minimum=1)
    extra = call.config.value("output_padding", None)
    call.config.choice("groups", (1,), 1)
    if extra is not None:
        raise Unsupported(f"output_padding={extra!r}")
    kernel = call.weights.take((*window.kernel, filters, window.channels), "kernel")
    full = [(n - 1) * s + span for n, s, span in zip(window.space, window.strides, window.spans, strict=True)]
    if window.padding == "same":
        out = [n * s for n, s in zip(window.space, window.strides, strict=True)]
    else:
        out = [f + max(s - k, 0) for f, s, k in zip(full, window.strides, window.spans, strict=True)]
    cut = [max(f - o, 0) for f, o in zip(full, out, strict=True)]
    name = call.graph.op(
        "ConvTranspose",
        window.source.name,
        call.graph.constant(_to_onnx(kernel)),
        strides=window.strides,
        dilations=window.dilations,
        pads=[c // 2 for c in cut] + [c - c // 2 for c in cut],
        output_padding=[max(o - f, 0) for f, o in zip(full, out, strict=True)],
    )
    window.out = tuple(out)
    return window.finish(name, filters)


def _to_onnx(kernel: Array) -> Array:
    """Turn (*kernel, in, out) into (out, in, *kernel)."""
    return np.moveaxis(kernel, (-1, -2), (0, 1))


def _depthwise_kernel(window: _Window) -> tuple[Array, int, int]:
    """Return the kernel (channels * multiplier, 1, *kernel), its number of outputs, and of groups."""
    multiplier = window.call.config.integer("depth_multiplier", 1, minimum=1)
    shape = (*window.kernel, window.channels, multiplier)
    kernel = window.call.weights.take(shape, "depthwise_kernel", "kernel")
    outputs = window.channels * multiplier
    kernel = np.moveaxis(kernel, (-2, -1), (0, 1)).reshape(outputs, 1, *window.kernel)
    return kernel, outputs, window.channels


class _Window:
    """What all convolutions share: the window's geometry before, bias and activation after."""

    def __init__(self, call: LayerCall, paddings: Sequence[str] = ("valid", "same")) -> None:
        config, rank = call.config, 1 if "1D" in call.class_name else 2
        self.call = call
        self.data_format = config.data_format()
        self.source = call.graph.as_channels_first(call.input_of_rank(rank + 1), self.data_format)
        self.channels, *space = self.source.memory_shape
        self.space: Shape = tuple(space)
        self.kernel = config.integers("kernel_size", rank)
        self.strides = config.integers("strides", rank, 1)
        self.dilations = config.integers("dilation_rate", rank, 1)
        self.padding = config.choice("padding", paddings, "valid")
        self.spans: Shape = tuple(map(extent, self.kernel, self.dilations))
        self.out: Shape = ()

    def convolve(self, kernel: Array, outputs: int, groups: int) -> str:
        """Add the convolution without its bias, and return its name."""
        pads = window_padding(self.padding, self.space, self.spans, self.strides)
        self.out = window_count(self.space, self.spans, self.strides, pads)
        self.filters = outputs
        geometry = {"strides": self.strides, "dilations": self.dilations, "pads": pads}
        return self.call.graph.op("Conv", self.source.name, self.call.graph.constant(kernel), group=groups, **geometry)

    def finish(self, name: str, filters: int | None = None) -> Tensor:
        """Add bias and activation."""
        filters = filters or self.filters
        config, graph = self.call.config, self.call.graph
        if config.flag("use_bias", True):
            bias = self.call.weights.take((filters,), "bias")
            name = graph.op("Add", name, graph.constant(bias.reshape(-1, *(1,) * len(self.out))))
        output = from_channels_first(name, filters, self.out, self.data_format)
        return activate(self.call, output, config.value("activation", "linear"))
