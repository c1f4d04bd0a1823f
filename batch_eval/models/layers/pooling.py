"""Pooling, over windows and over whole images: https://keras.io/api/layers/pooling_layers/."""

from __future__ import annotations

from batch_eval.models.graph import Tensor, from_channels_first
from batch_eval.models.layers.call import LayerCall, converts
from batch_eval.models.layers.convolution import window_count, window_padding


@converts("MaxPooling1D", "MaxPooling2D", "AveragePooling1D", "AveragePooling2D")
def _pool(call: LayerCall) -> Tensor:
    config, rank = call.config, 1 if "1D" in call.class_name else 2
    data_format = config.data_format()
    x = call.graph.as_channels_first(call.input_of_rank(rank + 1), data_format)
    channels, *axes = x.memory_shape
    space = tuple(axes)
    size = config.integers("pool_size", rank, 2)
    strides = config.integers("strides", rank) if config.has("strides") else size
    pads = window_padding(config.choice("padding", ("valid", "same"), "valid"), space, size, strides)
    # both Keras and ONNX (count_include_pad=0) leave the padding out of averages
    op_type = "MaxPool" if call.class_name.startswith("Max") else "AveragePool"
    name = call.graph.op(op_type, x.name, kernel_shape=size, strides=strides, pads=pads)
    return from_channels_first(name, channels, window_count(space, size, strides, pads), data_format)


@converts("GlobalMaxPooling1D", "GlobalMaxPooling2D", "GlobalAveragePooling1D", "GlobalAveragePooling2D")
def _global_pool(call: LayerCall) -> Tensor:
    rank = 1 if "1D" in call.class_name else 2
    data_format = call.config.data_format()
    x = call.graph.as_channels_first(call.input_of_rank(rank + 1), data_format)
    channels = x.memory_shape[0]
    name = call.graph.op("GlobalMaxPool" if "Max" in call.class_name else "GlobalAveragePool", x.name)
    pooled = from_channels_first(name, channels, (1,) * rank, data_format)
    return pooled if call.config.flag("keepdims", False) else call.graph.reshape(pooled, (channels,))
