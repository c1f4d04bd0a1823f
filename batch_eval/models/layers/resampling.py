"""Layers that change the height and width of images: padding, cropping, upsampling, resizing.

https://keras.io/api/layers/reshaping_layers/
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from batch_eval.models.graph import CHANNELS_LAST, Shape, Tensor, from_channels_first
from batch_eval.models.layers.call import LayerCall, LayerConfig, Unsupported, converts


@converts("ZeroPadding1D", "ZeroPadding2D")
def _zero_padding(call: LayerCall) -> Tensor:
    image = _Image(call)
    pairs = _edges(call.config, "padding", len(image.space))
    space = image.affordable([n + sum(pair) for n, pair in zip(image.space, pairs, strict=True)])
    # ONNX pads all axes, the batch and the channels too: first all starts, then all ends
    pads = [0, 0, *(start for start, _ in pairs), 0, 0, *(end for _, end in pairs)]
    name = call.graph.op("Pad", image.source.name, call.graph.constant(pads, "int64"))
    return image.resized(name, space)


@converts("Cropping1D", "Cropping2D")
def _cropping(call: LayerCall) -> Tensor:
    image = _Image(call)
    pairs = _edges(call.config, "cropping", len(image.space))
    return image.cropped([(start, n - end) for n, (start, end) in zip(image.space, pairs, strict=True)])


@converts("CenterCrop")
def _center_crop(call: LayerCall) -> Tensor:
    image = _Image(call)
    size = [call.config.integer(key, minimum=1) for key in ("height", "width")]
    if any(new > old for new, old in zip(size, image.space, strict=True)):
        raise Unsupported(f"a crop of {size} from an image of {image.space}")
    # of an odd number of pixels to cut, Keras cuts one more at the end
    starts = [(old - new) // 2 for new, old in zip(size, image.space, strict=True)]
    return image.cropped([(start, start + new) for start, new in zip(starts, size, strict=True)])


@converts("UpSampling1D", "UpSampling2D")
def _up_sampling(call: LayerCall) -> Tensor:
    image = _Image(call)
    factors = call.config.integers("size", len(image.space), 2)
    space = image.affordable([n * factor for n, factor in zip(image.space, factors, strict=True)])
    if call.config.choice("interpolation", ("nearest", "bilinear"), "nearest") == "bilinear":
        return image.bilinear(space)
    return image.gathered([np.arange(n) // factor for n, factor in zip(space, factors, strict=True)])


@converts("Resizing")
def _resizing(call: LayerCall) -> Tensor:
    image, config = _Image(call), call.config
    space = image.affordable([config.integer(key, minimum=1) for key in ("height", "width")])
    for key in ("crop_to_aspect_ratio", "pad_to_aspect_ratio", "antialias"):
        config.choice(key, (False,), False)
    config.ignore("fill_mode", "fill_value")  # used by pad_to_aspect_ratio only
    if config.choice("interpolation", ("bilinear", "nearest"), "bilinear") == "bilinear":
        return image.bilinear(space)
    return image.gathered([_nearest(old, new) for old, new in zip(image.space, space, strict=True)])


def _nearest(old: int, new: int) -> NDArray[np.int64]:
    """Return the index of the old pixel that each new pixel takes, as ``tf.image.resize`` does.

    The old pixel is the one under the centre of the new one.
    """
    # float32 as in TensorFlow: where a centre falls on the border of two pixels, rounding decides
    centres = (np.arange(new, dtype=np.float32) + np.float32(0.5)) * (np.float32(old) / np.float32(new))
    return np.asarray(np.minimum(np.floor(centres), old - 1), dtype=np.int64)


def _edges(config: LayerConfig, key: str, rank: int) -> list[tuple[int, int]]:
    """Read pairs (start, end) of pixels, one for each axis of the image."""
    value = config.value(key)
    # one-dimensional layers save a single pair, without a list around it
    if rank == 1 and isinstance(value, list | tuple) and len(value) == 2:
        value = [value]
    if not isinstance(value, list | tuple) or len(value) != rank:
        raise Unsupported(f"{key}={value!r}")
    pairs = [tuple(pair) if isinstance(pair, list | tuple) else () for pair in value]
    if any(len(pair) != 2 or any(type(n) is not int or n < 0 for n in pair) for pair in pairs):
        raise Unsupported(f"{key}={value!r}")
    return pairs


class _Image:
    """The input of a layer as (channels, *space) in memory."""

    def __init__(self, call: LayerCall) -> None:
        rank = 1 if call.class_name.endswith("1D") else 2
        self.graph = call.graph
        self.data_format = call.config.data_format() if call.config.has("data_format") else CHANNELS_LAST
        self.source = call.graph.as_channels_first(call.input_of_rank(rank + 1), self.data_format)
        self.channels, *space = self.source.memory_shape
        self.space: Shape = tuple(space)

    def affordable(self, space: Sequence[int]) -> Shape:
        """Return a new spatial shape; raises ModelError if an image of it is over the limit of memory."""
        self.graph.charge((self.channels, *space))
        return tuple(space)

    def resized(self, name: str, space: Sequence[int]) -> Tensor:
        """Return the output ``name`` of a new spatial shape."""
        output = from_channels_first(name, self.channels, tuple(space), self.data_format)
        return replace(output, raw=self.source.raw)

    def cropped(self, spans: Sequence[tuple[int, int]]) -> Tensor:
        """Keep the pixels from start to end (exclusive) along each axis."""
        if any(start >= end for start, end in spans):
            raise Unsupported(f"nothing is left of an image of {self.space}")
        numbers = ([start for start, _ in spans], [end for _, end in spans], range(2, 2 + len(spans)))
        inputs = (self.graph.constant(list(values), "int64") for values in numbers)
        return self.resized(self.graph.op("Slice", self.source.name, *inputs), [end - start for start, end in spans])

    def gathered(self, indices: Sequence[NDArray[np.int64]]) -> Tensor:
        """Take the pixels of these indices along each axis."""
        # Gather rather than Resize: ONNX rounds nearest neighbours in other ways than TensorFlow
        name = self.source.name
        for axis, index in enumerate(indices):
            name = self.graph.op("Gather", name, self.graph.constant(index, "int64"), axis=2 + axis)
        return self.resized(name, [len(index) for index in indices])

    def bilinear(self, space: Shape) -> Tensor:
        """Interpolate linearly between pixel centres, as ``tf.image.resize`` does without anti-aliasing.

        TensorFlow's half-pixel centres are ONNX's coordinate transformation ``half_pixel``:
        https://onnx.ai/onnx/operators/onnx__Resize.html
        """
        # Resize takes the sizes of all axes; those of the batch and the channels are copied from the input
        sizes = self.graph.op("Shape", self.source.name, end=2)
        sizes = self.graph.op("Concat", sizes, self.graph.constant(space, "int64"), axis=0)
        name = self.graph.op(
            "Resize", self.source.name, "", "", sizes, mode="linear", coordinate_transformation_mode="half_pixel"
        )
        return self.resized(name, space)
