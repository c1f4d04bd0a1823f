"""How each Keras layer is computed on ONNX Runtime: one module a family, all in one register."""

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
