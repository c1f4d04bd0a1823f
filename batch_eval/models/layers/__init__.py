"""Convert Keras layers (https://keras.io/api/layers/) to ONNX operations (https://onnx.ai/onnx/operators/).

Each module holds one family of layers. ``CONVERTERS`` lists all of them.
"""

from batch_eval.models.layers import activations, convolution, core, merging, normalization, pooling, resampling
from batch_eval.models.layers.call import CONVERTERS, LayerCall, LayerConfig, Unsupported, Weights

__all__ = [
    "CONVERTERS",
    "LayerCall",
    "LayerConfig",
    "Unsupported",
    "Weights",
    "activations",
    "convolution",
    "core",
    "merging",
    "normalization",
    "pooling",
    "resampling",
]
