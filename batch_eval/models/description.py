"""What a model file is.

Its layers are listed with output shapes and parameters, as Keras' ``model.summary()`` lists them.

Keras files are described without TensorFlow. The shapes come from the conversion to ONNX. A file that cannot be
converted still names its layers and the numbers in their weights.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from batch_eval.models.conversion import ConvertedLayer, ConvertedModel, convert
from batch_eval.models.failures import model_errors
from batch_eval.models.keras_file import KerasFile, parse_model
from batch_eval.models.keras_weights import WeightSource
from batch_eval.models.layers import Unsupported
from batch_eval.models.model_file import ModelFile
from batch_eval.models.options import DEFAULT_MODEL, ModelOptions
from batch_eval.models.tflite_file import IDENTIFIER


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer of a model."""

    name: str
    class_name: str
    output_shape: tuple[int, ...] | None
    """Without the batch; None if it is unknown."""
    parameters: int
    untrained: int
    """Of these, statistics and the weights of frozen layers."""
    inputs: tuple[str, ...] = ()
    """Names of the layers that it takes its input from."""
    detail: str = ""
    """The settings that matter most, such as ``32 of 3×3, relu``."""


@dataclass(frozen=True)
class Description:
    """What a model file holds."""

    kind: str
    """Format of the file, in words."""
    saved_by: str
    """Program and version that saved it; empty if the file does not say."""
    layers: tuple[Layer, ...] = ()
    """Empty if the format does not list layers."""
    kernel: NDArray[np.floating[Any]] | None = None
    """Weights of the first layer that has some: (height, width, channels, filters), or (inputs, units)."""
    converted: ConvertedModel | None = None
    """The ONNX model that returns the output of every layer, if it could be converted."""

    @property
    def parameters(self) -> int:
        """Numbers in all weights. A layer that is called twice counts once."""
        return sum({layer.name: layer.parameters for layer in self.layers}.values())

    @property
    def untrained(self) -> int:
        """Of the parameters, those that are not trained."""
        return sum({layer.name: layer.untrained for layer in self.layers}.values())


def describe(model: ModelOptions | str | Path | None = None) -> Description:
    """Describe a model file; errors as in ``open_model``."""
    options = ModelOptions.of(model)
    path = options.path or DEFAULT_MODEL
    with model_errors(path):
        if path.is_dir():
            return Description("TensorFlow SavedModel", "TensorFlow")
        return _of_file(ModelFile.read(path, options.limits), options)


def _of_file(file: ModelFile, options: ModelOptions) -> Description:
    saved = parse_model(file, options)
    if saved is not None and saved.architecture:
        return _keras(saved, f"Keras weights, as {saved.architecture.origin}")
    if saved is not None:
        return _keras(saved, "Keras model, zip archive" if saved.is_zip else "Keras model, HDF5")
    return Description("TensorFlow Lite model" if file.data[4:8] == IDENTIFIER else "ONNX model", "")


def _keras(saved: KerasFile, kind: str) -> Description:
    saved_by = f"Keras {saved.keras_version or saved.keras_major or ''}".strip()
    try:
        converted = convert(saved, layers=True)
    except Unsupported:
        return Description(kind, saved_by, tuple(_stored_layers(saved.config, saved.weights)))
    layers = tuple(_layers(converted))
    return Description(kind, saved_by, layers, _first_kernel(converted), converted)


def _layers(converted: ConvertedModel) -> Iterator[Layer]:
    """Yield the layers of a converted model, which has an input layer first."""
    makers = {"input": "input"}
    yield Layer("input", "InputLayer", converted.input_shape, 0, 0)
    for call in converted.layers:
        inputs = tuple(makers.get(name, "") for name in call.inputs)
        yield Layer(
            call.name, call.class_name, call.output.shape, call.parameters, call.untrained, inputs, detail(call)
        )
        # layers without effect at inference, such as Dropout, pass their input on
        makers[call.output.name] = call.name


def detail(call: ConvertedLayer) -> str:
    """Return the settings that tell one layer of a class from another, in words."""
    settings = call.config
    kernel, strides = (_sizes(settings.get(key)) for key in ("kernel_size", "strides"))
    count = settings.get("filters") or settings.get("units")
    parts = [
        f"{count} of {kernel}" if count and kernel else str(count or kernel or ""),
        f"pool {_sizes(settings['pool_size'])}" if "pool_size" in settings else "",
        f"by {strides}" if strides and kernel and set(strides.split("×")) != {"1"} else "",
        "same" if settings.get("padding") == "same" else "",
        f"rate {settings['rate']:g}" if isinstance(settings.get("rate"), float) else "",
        _activation(settings.get("activation")),
    ]
    return ", ".join(part for part in parts if part)


def _sizes(value: Any) -> str:
    if isinstance(value, int):
        return f"{value}×{value}"
    return "×".join(map(str, value)) if isinstance(value, list | tuple) else ""


def _activation(value: Any) -> str:
    name = value.get("class_name", "") if isinstance(value, Mapping) else value
    return name if isinstance(name, str) and name != "linear" else ""


def _first_kernel(converted: ConvertedModel) -> NDArray[np.floating[Any]] | None:
    """Return the kernel of the first convolution or dense layer."""
    for call in converted.layers:
        kernel = call.weights.get("kernel")
        if kernel is not None and kernel.ndim in (2, 4):
            return kernel
    return None


def _stored_layers(entry: Mapping[str, Any], weights: WeightSource, path: str = "") -> Iterator[Layer]:
    """Yield the layers that a config lists, with the numbers in their weights."""
    content = entry.get("config")
    entries = content.get("layers", []) if isinstance(content, Mapping) else content
    if not isinstance(entries, list):
        return
    known = [one for one in entries if isinstance(one, Mapping) and isinstance(one.get("config"), Mapping | list)]
    for layer, source in zip(known, weights.layers(known), strict=True):
        name = str(
            layer.get("name") or (layer["config"].get("name", "") if isinstance(layer["config"], Mapping) else "")
        )
        class_name = str(layer.get("class_name"))
        if isinstance(layer["config"], Mapping) and "layers" in layer["config"]:
            yield from _stored_layers(layer, source, f"{path}{name}/")
            continue
        try:
            yield Layer(path + name, class_name, None, source.count(name), 0)
        except Unsupported:
            yield Layer(path + name, class_name, None, 0, 0)
