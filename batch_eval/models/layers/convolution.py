"""Convolutions.

Keras kernels are (*kernel, in, out), those of ONNX (out, in, *kernel). The padding is computed here, with TensorFlow's
arithmetic, and ONNX gets it as numbers.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from batch_eval.models.graph import Shape, Tensor, from_channels_first
from batch_eval.models.layers.activations import activate
from batch_eval.models.layers.call import Array, LayerCall, Unsupported, converts


def same_padding(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """Return the pixels that TensorFlow's ``padding="same"`` adds before and after an axis.

    Args:
        size: Pixels along the axis.
        kernel: Pixels that the window spans, with its dilation.
        stride: Step of the window.

    """
    # https://www.tensorflow.org/api_docs/python/tf/nn#notes_on_padding_2
    # The output has ceil(size / stride) pixels. The last window starts at (output - 1) * stride. The padding is what
    # this window needs beyond the image. If it is odd, TensorFlow puts the odd pixel after the image: 28 pixels, kernel
    # 3 and stride 2 give 13 * 2 + 3 - 28 = 1, so (0, 1).
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


def extent(kernel: int, dilation: int) -> int:
    """Return the pixels that a dilated kernel spans."""
    return (kernel - 1) * dilation + 1


def window_padding(padding: str, space: Shape, spans: Shape, strides: Shape) -> list[int]:
    """Return the ONNX attribute ``pads``, first all starts and then all ends.

    Args:
        padding: ``valid``, ``same`` or ``causal``.
        space: Spatial shape of the image.
        spans: Pixels that the window spans along each axis.
        strides: Steps of the window.

    """
    if padding == "valid":
        pairs = [(0, 0)] * len(space)
    elif padding == "same":
        pairs = [same_padding(*axis) for axis in zip(space, spans, strides, strict=True)]
    else:  # causal: an output depends on earlier steps only, so all padding is before
        pairs = [(span - 1, 0) for span in spans]
    return [start for start, _ in pairs] + [end for _, end in pairs]


def window_count(space: Shape, spans: Shape, strides: Shape, pads: Sequence[int]) -> Shape:
    """Return how many windows fit along each axis: the spatial shape of the output.

    Raises:
        Unsupported: The padded image is smaller than the window.

    """
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
    # a depthwise convolution, and then a 1 × 1 convolution that mixes the channels
    kernel, channels, groups = _depthwise_kernel(window)
    ones = (1,) * len(window.kernel)
    pointwise = call.weights.take((*ones, channels, filters), "pointwise_kernel")
    depthwise = window.convolve(kernel, channels, groups)
    call.graph.charge((channels, *window.out))
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
    # Each input pixel places one kernel, a stride apart: together they cover the full output. Keras wants n * stride
    # pixels for "same", and (n - 1) * stride + max(kernel, stride) for "valid":
    # https://github.com/keras-team/keras/blob/master/keras/src/backend/common/backend_utils.py
    # ONNX cuts off ``pads`` and appends ``output_padding``: https://onnx.ai/onnx/operators/onnx__ConvTranspose.html
    full = [(n - 1) * s + span for n, s, span in zip(window.space, window.strides, window.spans, strict=True)]
    if window.padding == "same":
        out = [n * s for n, s in zip(window.space, window.strides, strict=True)]
    else:
        out = [f + max(s - k, 0) for f, s, k in zip(full, window.strides, window.spans, strict=True)]
    call.graph.charge((filters, *full))
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
    """Return a kernel (*kernel, in, out) as (out, in, *kernel)."""
    return np.moveaxis(kernel, (-1, -2), (0, 1))


def _depthwise_kernel(window: _Window) -> tuple[Array, int, int]:
    """Return the kernel (channels * multiplier, 1, *kernel), the number of outputs, and that of groups."""
    # to ONNX, a depthwise convolution is one with a group per input channel
    multiplier = window.call.config.integer("depth_multiplier", 1, minimum=1)
    shape = (*window.kernel, window.channels, multiplier)
    kernel = window.call.weights.take(shape, "depthwise_kernel", "kernel")
    outputs = window.channels * multiplier
    kernel = np.moveaxis(kernel, (-2, -1), (0, 1)).reshape(outputs, 1, *window.kernel)
    return kernel, outputs, window.channels


class _Window:
    """The common part of all convolutions: the window, the bias and the activation."""

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
        # the pixels that the kernel spans along each axis, with its dilation
        self.spans: Shape = tuple(map(extent, self.kernel, self.dilations))
        self.out: Shape = ()  # spatial shape of the output, known after convolve

    def convolve(self, kernel: Array, outputs: int, groups: int) -> str:
        """Add the convolution without its bias, and return its name."""
        # the bias is added later: a separable convolution has it after its second part
        pads = window_padding(self.padding, self.space, self.spans, self.strides)
        self.out = window_count(self.space, self.spans, self.strides, pads)
        self.filters = outputs
        geometry = {"strides": self.strides, "dilations": self.dilations, "pads": pads}
        return self.call.graph.op("Conv", self.source.name, self.call.graph.constant(kernel), group=groups, **geometry)

    def finish(self, name: str, filters: int | None = None) -> Tensor:
        """Add the bias and the activation, and return the output."""
        filters = filters or self.filters
        config, graph = self.call.config, self.call.graph
        if config.flag("use_bias", True):
            bias = self.call.weights.take((filters,), "bias")
            name = graph.op("Add", name, graph.constant(bias.reshape(-1, *(1,) * len(self.out))))
        output = from_channels_first(name, filters, self.out, self.data_format)
        return activate(self.call, output, config.value("activation", "linear"))
