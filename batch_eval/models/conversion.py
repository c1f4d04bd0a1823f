"""Turn a Keras model, as its file describes it, into an ONNX model: walk its layers and convert each.

Nothing is guessed: whatever is not known raises ``Unsupported``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from batch_eval.models.graph import Graph, Shape, Tensor
from batch_eval.models.keras_file import KerasFile, WeightSource
from batch_eval.models.layers import CONVERTERS, LayerCall, LayerConfig, Unsupported, Weights
from batch_eval.models.runtime import DEFAULT_SIDE, INTEGER_DTYPES

_MODELS = ("Sequential", "Functional", "Model")
_MODEL_KEYS = {"name", "trainable", "dtype", "layers", "input_layers", "output_layers", "build_input_shape"}
_INPUT_KEYS = {"name", "dtype", "sparse", "ragged", "optional", "batch_shape", "batch_input_shape"}

Endpoint = tuple[str, int, int]  # layer, which of its calls, which of its outputs
Entry = Mapping[str, Any]


@dataclass(frozen=True)
class ConvertedModel:
    """A converted model.

    ``input_shape`` is without the batch, ``activation`` the function that makes the outputs ("" when not known),
    ``pixel_range`` what the model's first layers tell (None when they tell nothing).
    """

    onnx: bytes
    input_shape: Shape
    output_shape: Shape
    activation: str
    pixel_range: str | None


def convert(file: KerasFile) -> ConvertedModel:
    """Return the ONNX form of a Keras model.

    Raises:
        Unsupported: Something in the model is not known.

    """
    try:
        return _convert(file)
    except (AttributeError, IndexError, KeyError, RecursionError, TypeError, ValueError) as error:
        raise Unsupported(f"how the file is laid out ({type(error).__name__}: {error})") from error


def _convert(file: KerasFile) -> ConvertedModel:
    if file.keras_major not in (2, 3):
        raise Unsupported(f"the file's Keras version ({file.keras_major})")
    graph = Graph()
    inputs = _input_shapes(file.config)
    if len(inputs) != 1:
        raise Unsupported(f"{len(inputs)} inputs")
    source = Tensor("input", inputs[0], raw=True)
    outputs = _ModelConverter(graph, file.keras_major).model(file.config, file.weights, [source])
    if len(outputs) != 1:
        raise Unsupported(f"{len(outputs)} outputs")
    target = outputs[0]
    return ConvertedModel(graph.model(source, target), source.shape, target.shape, target.activation, graph.pixel_range)


@dataclass(frozen=True)
class _ModelConverter:
    graph: Graph
    keras_major: int

    def model(self, entry: Entry, weights: WeightSource, inputs: Sequence[Tensor]) -> list[Tensor]:
        """Convert a model, the outermost or a nested one, and return its outputs."""
        config = _model_config(entry)
        layers = _layers(config)
        sources = dict(zip([_name(layer) for layer in layers], weights.layers(layers), strict=True))
        if len(sources) != len(layers):
            raise Unsupported("two layers of the same name")
        if entry["class_name"] == "Sequential":
            return self._sequential(layers, sources, inputs)
        return self._functional(config, layers, sources, inputs)

    def _sequential(
        self, layers: Iterable[Entry], sources: Mapping[str, WeightSource], inputs: Sequence[Tensor]
    ) -> list[Tensor]:
        tensors = list(inputs)
        for layer in layers:
            if layer["class_name"] == "InputLayer":
                tensors = [self._input(layer, tensors[0])]
            else:
                tensors = self._call(layer, sources[_name(layer)], tensors)
        return tensors

    def _functional(
        self, config: Entry, layers: Sequence[Entry], sources: Mapping[str, WeightSource], inputs: Sequence[Tensor]
    ) -> list[Tensor]:
        known: dict[Endpoint, Tensor] = {}
        by_name = {_name(layer): layer for layer in layers}
        for endpoint, tensor in zip(_endpoints(config.get("input_layers")), inputs, strict=True):
            known[endpoint] = self._input(by_name.get(endpoint[0], {}), tensor)
        waiting = [
            (_name(layer), number, _arguments(node))
            for layer in layers
            for number, node in enumerate(_list(layer.get("inbound_nodes")))
            if layer["class_name"] != "InputLayer"
        ]
        while waiting:  # a layer may be listed before those that it takes its inputs from
            ready = [node for node in waiting if all(argument in known for argument in node[2])]
            if not ready:
                raise Unsupported(f"the inputs of the layer {waiting[0][0]}")
            for name, number, arguments in ready:
                outputs = self._call(by_name[name], sources[name], [known[argument] for argument in arguments])
                known.update({(name, number, i): tensor for i, tensor in enumerate(outputs)})
            waiting = [node for node in waiting if node not in ready]
        try:
            return [known[endpoint] for endpoint in _endpoints(config.get("output_layers"))]
        except KeyError as error:
            raise Unsupported(f"the output {error}") from None

    def _input(self, layer: Entry, tensor: Tensor) -> Tensor:
        if _input_shape(layer) != tensor.shape:
            raise Unsupported(f"an input of shape {tensor.shape} for the layer {_name(layer)}")
        if layer["config"].get("dtype", "float32") in INTEGER_DTYPES and tensor.raw:
            self.graph.pixel_range = "0..255"
        return tensor

    def _call(self, layer: Entry, source: WeightSource, inputs: Sequence[Tensor]) -> list[Tensor]:
        """Convert one call of a layer; the message of Unsupported then names the layer."""
        class_name = layer["class_name"]
        _check_keras_class(layer)
        try:
            if class_name in _MODELS:
                return self.model(layer, source, inputs)
            if class_name not in CONVERTERS:
                raise Unsupported("this kind of layer")
            return [self._convert(layer, source, inputs)]
        except Unsupported as error:
            raise Unsupported(f"{error} (layer {_name(layer)}, {class_name})") from None

    def _convert(self, layer: Entry, source: WeightSource, inputs: Sequence[Tensor]) -> Tensor:
        layer_config, weights = LayerConfig(layer["config"]), Weights(source.read(_name(layer)))
        call = LayerCall(layer["class_name"], layer_config, weights, self.graph, tuple(inputs), self.keras_major)
        output = CONVERTERS[call.class_name](call)
        layer_config.check_all_read()
        weights.check_all_read()
        return output


def _model_config(entry: Entry) -> Entry:
    config = entry.get("config")
    if entry.get("class_name") not in _MODELS:
        raise Unsupported(f"a model of the class {entry.get('class_name')}")
    _check_keras_class(entry)
    if isinstance(config, list):  # Keras before 2.2.3
        config = {"layers": config}
    if not isinstance(config, Mapping):
        raise Unsupported("a model without config")
    for key in config.keys() - _MODEL_KEYS:
        raise Unsupported(f"the setting {key}={config[key]!r} of the model")
    return config


def _layers(config: Entry) -> list[Entry]:
    layers = _list(config.get("layers"))
    for layer in layers:
        if not isinstance(layer, Mapping) or not isinstance(layer.get("config"), Mapping | list):
            raise Unsupported("a layer without config")
        if not isinstance(layer.get("class_name"), str):
            raise Unsupported("a layer without class_name")
    if not layers:
        raise Unsupported("a model without layers")
    return layers


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise Unsupported(f"{value!r} where a list was expected")
    return value


def _name(layer: Entry) -> str:
    config = layer.get("config")
    name = layer.get("name") or (config.get("name") if isinstance(config, Mapping) else None)
    if not isinstance(name, str):
        raise Unsupported("a layer without name")
    return name


def _check_keras_class(layer: Entry) -> None:
    """Refuse classes that only share their name with one of Keras'."""
    module = layer.get("module", "keras.layers")
    registered = layer.get("registered_name")
    homes = ("keras", "keras.layers", "keras.models", "keras.src.layers.", "keras.src.models.", "keras.src.engine.")
    if not isinstance(module, str) or not (module in homes or module.startswith(homes[3:])):
        raise Unsupported(f"the class {layer.get('class_name')} of the module {module}")
    if registered not in (None, layer.get("class_name")):
        raise Unsupported(f"the class {registered}")


def _endpoints(value: Any) -> list[Endpoint]:
    """Read ``[["name", 0, 0], …]``, which Keras 3 writes as ``["name", 0, 0]`` when it is only one."""
    items = _list(value)
    return [_endpoint(item) for item in ([items] if items and isinstance(items[0], str) else items)]


def _endpoint(item: Any) -> Endpoint:
    if isinstance(item, list) and len(item) in (3, 4) and not (len(item) == 4 and item[3]):
        name, call, output = item[:3]
        if isinstance(name, str) and type(call) is int and type(output) is int:
            return name, call, output
    raise Unsupported(f"the connection {item!r}")


def _arguments(node: Any) -> list[Endpoint]:
    """Return where a call's inputs come from, in the form of Keras 2 (lists) or Keras 3 (args and kwargs)."""
    if isinstance(node, list):
        return [_endpoint(item) for item in ([node] if node and isinstance(node[0], str) else node)]
    if not isinstance(node, Mapping) or node.keys() - {"args", "kwargs"}:
        raise Unsupported(f"the call {node!r}")
    for key, value in (node.get("kwargs") or {}).items():
        if value is not None and key != "training":  # Keras 3 writes training=True of its own; predict overrides it
            raise Unsupported(f"the call argument {key}={value!r}")
    arguments = _list(node.get("args"))
    if len(arguments) == 1 and isinstance(arguments[0], list):
        arguments = arguments[0]
    return [_keras_tensor(argument) for argument in arguments]


def _keras_tensor(argument: Any) -> Endpoint:
    if isinstance(argument, Mapping) and argument.get("class_name") == "__keras_tensor__":
        return _endpoint(argument["config"].get("keras_history"))
    raise Unsupported(f"the call argument {argument!r}")


def _input_shapes(entry: Entry) -> list[Shape]:
    """Return the shapes, without the batch, that a model takes."""
    config = _model_config(entry)
    layers = _layers(config)
    if entry["class_name"] == "Sequential":
        first = layers[0]
        return _input_shapes(first) if first["class_name"] in _MODELS else [_input_shape(first)]
    by_name = {_name(layer): layer for layer in layers}
    return [_input_shape(by_name.get(name, {})) for name, _, _ in _endpoints(config.get("input_layers"))]


def _input_shape(layer: Entry) -> Shape:
    """Return an InputLayer's shape; any other layer may record its input's shape too, as old files do."""
    config = layer.get("config")
    if not isinstance(config, Mapping):
        raise Unsupported("a model without an input shape")
    if layer.get("class_name") == "InputLayer":
        _check_input(config)
    shape = config.get("batch_shape", config.get("batch_input_shape"))
    if not isinstance(shape, list | tuple) or len(shape) < 2:
        raise Unsupported("a model without an input shape")
    sizes = [DEFAULT_SIDE if size is None and i < len(shape) - 1 else size for i, size in enumerate(shape)][1:]
    if any(type(size) is not int or size < 1 for size in sizes):
        raise Unsupported(f"the input shape {shape}")
    return tuple(sizes)


def _check_input(config: Entry) -> None:
    for key in config.keys() - _INPUT_KEYS:
        raise Unsupported(f"the setting {key}={config[key]!r} of the input")
    if config.get("sparse") or config.get("ragged") or config.get("optional"):
        raise Unsupported("a sparse, ragged or optional input")
    if config.get("dtype", "float32") not in ("float32", "float64", *INTEGER_DTYPES):
        raise Unsupported(f"an input of type {config.get('dtype')}")
