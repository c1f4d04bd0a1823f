"""Rewrite a model of Keras 1 as one of Keras 2.

Layers and settings have other names, kernels another order of axes.

Only layers of image classifiers are known. Anything else raises ``Unsupported``: Keras 3 opens no such file either.

The names are those of Keras 2's ``keras/legacy/interfaces.py``, the orders those of its
``preprocess_weights_for_loading``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from batch_eval.models.keras_weights import NamedWeights, WeightSource
from batch_eval.models.layers.call import Unsupported

_CLASSES = {"Convolution2D": "Conv2D"}
_SAME = ("Activation", "Dropout", "Flatten", "InputLayer", "LeakyReLU", "ELU", "Reshape", "Permute")
_POOLING = ("MaxPooling2D", "AveragePooling2D", "GlobalMaxPooling2D", "GlobalAveragePooling2D")
_NESTED = ("Sequential", "Model")
# old name of a setting -> new name
_SETTINGS = {
    "output_dim": "units",
    "nb_filter": "filters",
    "subsample": "strides",
    "border_mode": "padding",
    "bias": "use_bias",
    "p": "rate",
}
# settings that only training needs, or that name the input once more
_DROPPED = ("init", "input_dtype", "input_dim", "gamma_init", "beta_init", "beta_regularizer", "gamma_regularizer")
_TRAINING = ("W_regularizer", "b_regularizer", "activity_regularizer", "W_constraint", "b_constraint")
_DATA_FORMATS = {"tf": "channels_last", "th": "channels_first", "default": "channels_last"}


def is_keras1(config: Any, version: str) -> bool:
    """Return whether a model is one of Keras 1, which wrote no version before 1.1."""
    if version:
        return version.startswith("1.")
    return isinstance(config, Mapping) and any("nb_filter" in one or "output_dim" in one for one in _settings(config))


def _settings(entry: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the settings of a model's layers."""
    return [layer["config"] for layer in _layers(entry) if isinstance(layer.get("config"), Mapping)]


def _layers(entry: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    config = entry.get("config")
    layers = config.get("layers") if isinstance(config, Mapping) else config
    return [layer for layer in layers if isinstance(layer, Mapping)] if isinstance(layers, list) else []


def upgraded(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return a model's architecture as Keras 2 writes it.

    Raises:
        Unsupported: A layer or setting is unknown.

    """
    config, layers = entry.get("config"), [_layer(layer) for layer in _layers(entry)]
    if isinstance(config, Mapping):
        return {**entry, "config": {**config, "layers": layers}}
    return {**entry, "config": {"layers": layers}}


def _layer(entry: Mapping[str, Any]) -> dict[str, Any]:
    class_name = str(entry.get("class_name"))
    if class_name in _NESTED:
        return upgraded(entry)
    config = entry.get("config")
    if not isinstance(config, Mapping):
        raise Unsupported(f"the layer {class_name} without a config")
    return {**entry, "class_name": _CLASSES.get(class_name, class_name), "config": _upgraded(class_name, dict(config))}


def _upgraded(class_name: str, config: dict[str, Any]) -> dict[str, Any]:
    """Return the settings of a layer under their new names."""
    for key in (*_DROPPED, *_TRAINING):
        config.pop(key, None)
    if class_name == "BatchNormalization":
        if config.pop("mode", 0) != 0:
            raise Unsupported("a BatchNormalization of another mode than 0")
        return {"center": True, "scale": True, **config}
    if class_name == "InputLayer":
        return {key: value for key, value in config.items() if key != "sparse" or value}
    if class_name == "Convolution2D":
        config["kernel_size"] = [config.pop("nb_row", None), config.pop("nb_col", None)]
    elif class_name not in (*_SAME, *_POOLING, "Dense"):
        raise Unsupported(f"the layer {class_name} of Keras 1")
    if "dim_ordering" in config:
        config["data_format"] = _DATA_FORMATS.get(config.pop("dim_ordering"), "unknown")
    return {_SETTINGS.get(key, key): value for key, value in config.items()}


@dataclass(frozen=True)
class Keras1Weights:
    """Weights of Keras 1: without Keras 2's names, and with other orders of a kernel's axes."""

    source: WeightSource
    backend: str
    """What computed the model, ``theano`` or ``tensorflow``; empty if the file does not say."""
    channels_first: bool = False
    """Whether the layer takes (channels, height, width)."""

    def layers(self, entries: Sequence[Mapping[str, Any]]) -> list[WeightSource]:
        """Return one source per layer."""
        return [
            Keras1Weights(source, self.backend, "channels_first" in str(entry.get("config")))
            for source, entry in zip(self.source.layers(entries), entries, strict=True)
        ]

    def read(self, name: str) -> NamedWeights:
        """Return the weights of the layer, without names."""
        return [(None, self._kernel(array) if array.ndim == 4 else array) for _, array in self.source.read(name)]

    def _kernel(self, kernel: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """Return the kernel of a convolution as (rows, columns, in, out)."""
        if self.channels_first:
            kernel = kernel.transpose(2, 3, 1, 0)  # it is stored as (out, in, rows, columns)
            if not self.backend:
                raise Unsupported("kernels of Keras 1 of which the file does not say whether Theano mirrors them")
        # Theano's convolution mirrors the kernel, that of TensorFlow does not
        return kernel[::-1, ::-1] if self.backend == "theano" else kernel

    def count(self, name: str) -> int:
        """Return the numbers in the layer's weights."""
        return self.source.count(name)
