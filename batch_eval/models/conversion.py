"""Convert a Keras model to ONNX, from its config and its weights alone.

Every layer becomes a few ONNX operations (``layers/``). Sequential models are converted layer by layer. In functional
models, a layer is converted as soon as all of its inputs are. Models inside models are converted in place.

The conversion fails closed. An unknown class, setting or value raises ``Unsupported``, and TensorFlow opens the model.
Skipping it could give wrong probabilities without any error.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from math import prod
from typing import Any

from batch_eval.errors import ModelError
from batch_eval.models.graph import Graph, Shape, Tensor
from batch_eval.models.keras_file import KerasFile
from batch_eval.models.keras_weights import WeightSource
from batch_eval.models.layers import CONVERTERS, LayerCall, LayerConfig, Unsupported, Weights
from batch_eval.models.layers.call import Array
from batch_eval.models.runtime import DEFAULT_SIDE, INTEGER_DTYPES

# classes that hold other layers; "Model" is Keras 2's name for Functional
_MODELS = ("Sequential", "Functional", "Model")
_MODEL_KEYS = {"name", "trainable", "dtype", "layers", "input_layers", "output_layers", "build_input_shape"}
_INPUT_KEYS = {"name", "dtype", "sparse", "ragged", "optional", "batch_shape", "batch_input_shape"}

MAX_CALLS = 10_000
"""Calls of layers in a model at most. Nested models that are called several times multiply them."""
LARGE_WORK = 1 << 30
"""Multiplications for one image from which on a model runs isolated. ResNet-50 needs four times as many."""
LARGE_IMAGE = 16 << 20
"""Bytes of the tensors of one image from which on a model runs isolated. A batch has up to 32 images."""
LARGE_WEIGHTS = 128 << 20
"""Bytes of weights from which on a model runs isolated."""

Endpoint = tuple[str, int, int]
"""An output of a layer: (name, number of the call, number of the output). A shared layer has several calls."""
Call = tuple[str, int, list[Endpoint]]
"""A call of a layer: (name, number of the call, its inputs)."""
Entry = Mapping[str, Any]
"""A layer or model in a config, with ``class_name`` and ``config``."""


@dataclass(frozen=True)
class ConvertedLayer:
    """What became of one call of a layer."""

    name: str
    """Its name; within a model inside the model, with that model's name and ``/`` before it."""
    class_name: str
    config: Mapping[str, Any]
    output: Tensor
    inputs: tuple[str, ...]
    """Names of the tensors that it takes."""
    weights: Mapping[str, Array]
    """Its weights by name, such as ``kernel``."""

    @property
    def parameters(self) -> int:
        """Numbers in its weights."""
        return sum(array.size for array in self.weights.values())

    @property
    def untrained(self) -> int:
        """Numbers in the weights that training does not change by gradients: statistics, or a frozen layer's."""
        if self.config.get("trainable") is False:
            return self.parameters
        return sum(array.size for name, array in self.weights.items() if name in STATISTICS)


STATISTICS = ("moving_mean", "moving_variance", "mean", "variance", "count")
"""Weights that layers of normalization compute rather than learn."""


@dataclass(frozen=True)
class ConvertedModel:
    """A Keras model as ONNX. Shapes leave out the batch."""

    onnx: bytes
    """The serialized model."""
    input_shape: Shape
    output_shape: Shape
    activation: str
    """Name of the last activation function; empty if unknown."""
    pixel_range: str | None
    """Range suggested by the first layers: ``0..1``, ``0..255`` or ``-1..1``. None if unknown."""
    is_large: bool
    """Whether it may take long, or much memory: such a model runs isolated."""
    parameters: int
    """Number of weights, as ``model.count_params()`` gives it."""
    layers: tuple[ConvertedLayer, ...] = ()
    """The layers in the order of their conversion, if they were wanted."""


def convert(file: KerasFile, *, layers: bool = False) -> ConvertedModel:
    """Convert a Keras model to ONNX.

    Args:
        file: What the file holds.
        layers: Also return the layers, and let the ONNX model return the output of each after its own.

    Raises:
        Unsupported: The converter does not know something in the model. The message names it.
        ModelError: The model takes more memory than the limit.

    """
    # A config is any JSON, and an unexpected one fails somewhere below, with any exception. It may still be one that
    # Keras understands, so it is not an error yet.
    try:
        return _convert(file, layers)
    except (ModelError, Unsupported, MemoryError):
        raise
    except Exception as error:
        raise Unsupported(f"the layout of the file ({type(error).__name__}: {error})") from error


def _convert(file: KerasFile, layers: bool) -> ConvertedModel:
    if file.keras_major not in (2, 3):
        raise Unsupported(f"the file's Keras version ({file.keras_major})")
    graph = Graph(file.budget)
    inputs = _input_shapes(file.config)
    if len(inputs) != 1:
        raise Unsupported(f"{len(inputs)} inputs")
    source = Tensor("input", inputs[0], raw=True)
    graph.charge(source.shape)
    calls: list[ConvertedLayer] | None = [] if layers else None
    outputs = _ModelConverter(graph, file.keras_major, calls).model(file.config, file.weights, [source])
    if len(outputs) != 1:
        raise Unsupported(f"{len(outputs)} outputs")
    target = outputs[0]
    is_large = graph.image_bytes() > LARGE_IMAGE or graph.constant_bytes > LARGE_WEIGHTS or graph.work > LARGE_WORK
    return ConvertedModel(
        graph.model(source, target, [call.output for call in calls or ()]),
        source.shape,
        target.shape,
        target.activation,
        graph.pixel_range,
        is_large,
        sum(graph.parameters.values()),
        tuple(calls or ()),
    )


@dataclass(frozen=True)
class _ModelConverter:
    graph: Graph
    keras_major: int
    calls: list[ConvertedLayer] | None = None
    """Gets every call of a layer, if there is a list."""
    path: str = ""
    """Names of the models around this one, each with a ``/``."""
    numbers: Iterator[int] = field(default_factory=count)
    """Counts the calls of layers."""

    def model(self, entry: Entry, weights: WeightSource, inputs: Sequence[Tensor]) -> list[Tensor]:
        """Convert a model, outermost or nested, and return its outputs."""
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
        """Convert the layers of a Sequential model, each on the output of the one before."""
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
        """Convert the layers of a functional model in the order in which their inputs become available.

        The config lists, for every call of a layer, the endpoints that it takes.
        """
        known: dict[Endpoint, Tensor] = {}
        by_name = {_name(layer): layer for layer in layers}
        for endpoint, tensor in zip(_endpoints(config.get("input_layers")), inputs, strict=True):
            known[endpoint] = self._input(by_name.get(endpoint[0], {}), tensor)
        calls = [
            (_name(layer), number, _arguments(node))
            for layer in layers
            for number, node in enumerate(_list(layer.get("inbound_nodes")))
            if layer["class_name"] != "InputLayer"
        ]
        # a layer may be listed before the layers that it depends on
        for name, number, arguments in _in_order(calls, known):
            outputs = self._call(by_name[name], sources[name], [known[argument] for argument in arguments])
            known.update({(name, number, i): tensor for i, tensor in enumerate(outputs)})
        try:
            return [known[endpoint] for endpoint in _endpoints(config.get("output_layers"))]
        except KeyError as error:
            raise Unsupported(f"the output {error}") from None

    def _input(self, layer: Entry, tensor: Tensor) -> Tensor:
        """Check the shape of an input layer, and note an integer type."""
        if _input_shape(layer) != tensor.shape:
            raise Unsupported(f"an input of shape {tensor.shape} for the layer {_name(layer)}")
        if layer["config"].get("dtype", "float32") in INTEGER_DTYPES and tensor.raw:
            self.graph.pixel_range = "0..255"
        return tensor

    def _call(self, layer: Entry, source: WeightSource, inputs: Sequence[Tensor]) -> list[Tensor]:
        """Convert one call of a layer, and name the layer in the message of Unsupported."""
        class_name = layer["class_name"]
        _check_keras_class(layer)
        if next(self.numbers) >= MAX_CALLS:
            raise Unsupported(f"more than {MAX_CALLS:,} calls of layers")
        try:
            if class_name in _MODELS:
                return replace(self, path=f"{self.path}{_name(layer)}/").model(layer, source, inputs)
            if class_name not in CONVERTERS:
                raise Unsupported("this kind of layer")
            return [self._convert(layer, source, inputs)]
        except Unsupported as error:
            raise type(error)(f"{error} (layer {_name(layer)}, {class_name})") from None

    def _convert(self, layer: Entry, source: WeightSource, inputs: Sequence[Tensor]) -> Tensor:
        layer_config, weights = LayerConfig(layer["config"]), Weights(source.read(_name(layer)))
        self.graph.parameters[id(layer)] = weights.size  # a shared layer counts once
        call = LayerCall(layer["class_name"], layer_config, weights, self.graph, tuple(inputs), self.keras_major)
        output = CONVERTERS[call.class_name](call)
        # every weight of a dense layer or a convolution is multiplied once for each position of the output
        positions = prod(output.shape) // max(1, max(output.shape[-1:], default=1))
        self.graph.charge(output.shape, work=prod(output.shape) + weights.size * positions)
        # a setting or weight that the converter did not read is one that it does not know
        layer_config.check_all_read()
        weights.check_all_read()
        if self.calls is not None:
            names = tuple(tensor.name for tensor in inputs)
            name = self.path + _name(layer)
            self.calls.append(
                ConvertedLayer(name, call.class_name, layer["config"], output, names, dict(weights.taken))
            )
        return output


def _in_order(calls: Sequence[Call], known: Mapping[Endpoint, Tensor]) -> Iterator[Call]:
    """Yield calls so that each comes after those that it depends on (a topological sort, Kahn 1962).

    A loop, or an endpoint that no call has, raises Unsupported at the end.
    """
    # call -> how many of its inputs are not there yet, and the other way round: layer's call -> the calls that wait
    missing = [len({argument[:2] for argument in call[2]} - {endpoint[:2] for endpoint in known}) for call in calls]
    waiting: dict[tuple[str, int], list[int]] = {}
    for i, (_, _, arguments) in enumerate(calls):
        for source in {argument[:2] for argument in arguments}:
            waiting.setdefault(source, []).append(i)
    ready = deque(i for i, count in enumerate(missing) if not count)
    done = 0
    while ready:
        call = calls[ready.popleft()]
        yield call
        done += 1
        for i in waiting.get(call[:2], ()):
            missing[i] -= 1
            if not missing[i]:
                ready.append(i)
    if done < len(calls):
        raise Unsupported(
            f"the inputs of the layer {next(call[0] for call, n in zip(calls, missing, strict=True) if n)}"
        )


def _model_config(entry: Entry) -> Entry:
    """Return the config of a model, of which all keys are known."""
    config = entry.get("config")
    if entry.get("class_name") not in _MODELS:
        raise Unsupported(f"a model of the class {entry.get('class_name')}")
    _check_keras_class(entry)
    if isinstance(config, list):  # Keras before 2.2.3
        config = {"layers": config}
    if not isinstance(config, Mapping):
        raise Unsupported("a model without a config")
    for key in config.keys() - _MODEL_KEYS:
        raise Unsupported(f"the setting {key}={config[key]!r} of the model")
    return config


def _layers(config: Entry) -> list[Entry]:
    """Return the layers of a model, each with a config and a class name."""
    layers = _list(config.get("layers"))
    for layer in layers:
        if not isinstance(layer, Mapping) or not isinstance(layer.get("config"), Mapping | list):
            raise Unsupported("a layer without a config")
        if not isinstance(layer.get("class_name"), str):
            raise Unsupported("a layer without a class_name")
    if not layers:
        raise Unsupported("a model without layers")
    return layers


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise Unsupported(f"{value!r} where a list was expected")
    return value


def _name(layer: Entry) -> str:
    """Return the name of a layer. Sequential models write it into the layer's config only."""
    config = layer.get("config")
    name = layer.get("name") or (config.get("name") if isinstance(config, Mapping) else None)
    if not isinstance(name, str):
        raise Unsupported("a layer without a name")
    return name


def _check_keras_class(layer: Entry) -> None:
    """Check that a class is Keras' own, and not a user's class of the same name."""
    module = layer.get("module", "keras.layers")
    registered = layer.get("registered_name")
    homes = ("keras", "keras.layers", "keras.models", "keras.src.layers.", "keras.src.models.", "keras.src.engine.")
    if not isinstance(module, str) or not (module in homes or module.startswith(homes[3:])):
        raise Unsupported(f"the class {layer.get('class_name')} of the module {module}")
    if registered not in (None, layer.get("class_name")):
        raise Unsupported(f"the class {registered}")


def _endpoints(value: Any) -> list[Endpoint]:
    """Return the endpoints in a list such as ``[["name", 0, 0], …]``."""
    # Keras 3 writes a single endpoint without the outer list
    items = _list(value)
    return [_endpoint(item) for item in ([items] if items and isinstance(items[0], str) else items)]


def _endpoint(item: Any) -> Endpoint:
    # Keras 2 adds the call's arguments as a fourth item, mostly {}
    if isinstance(item, list) and len(item) in (3, 4) and not (len(item) == 4 and item[3]):
        name, call, output = item[:3]
        if isinstance(name, str) and type(call) is int and type(output) is int:
            return name, call, output
    raise Unsupported(f"the connection {item!r}")


def _arguments(node: Any) -> list[Endpoint]:
    """Return the inputs of a call."""
    # Keras 2 writes lists, Keras 3 a mapping of args and kwargs
    if isinstance(node, list):
        return [_endpoint(item) for item in ([node] if node and isinstance(node[0], str) else node)]
    if not isinstance(node, Mapping) or node.keys() - {"args", "kwargs"}:
        raise Unsupported(f"the call {node!r}")
    for key, value in (node.get("kwargs") or {}).items():
        if value is not None and key != "training":  # predict() sets training=False, whatever is saved
            raise Unsupported(f"the call argument {key}={value!r}")
    arguments = _list(node.get("args"))
    if len(arguments) == 1 and isinstance(arguments[0], list):  # merging layers take one list of tensors
        arguments = arguments[0]
    return [_keras_tensor(argument) for argument in arguments]


def _keras_tensor(argument: Any) -> Endpoint:
    """Return the endpoint in Keras 3's serialized KerasTensor."""
    if isinstance(argument, Mapping) and argument.get("class_name") == "__keras_tensor__":
        return _endpoint(argument["config"].get("keras_history"))
    raise Unsupported(f"the call argument {argument!r}")


def _input_shapes(entry: Entry) -> list[Shape]:
    """Return the shapes of a model's inputs."""
    config = _model_config(entry)
    layers = _layers(config)
    if entry["class_name"] == "Sequential":
        first = layers[0]  # an InputLayer, a layer that records its input shape, or a nested model
        return _input_shapes(first) if first["class_name"] in _MODELS else [_input_shape(first)]
    by_name = {_name(layer): layer for layer in layers}
    return [_input_shape(by_name.get(name, {})) for name, _, _ in _endpoints(config.get("input_layers"))]


def _input_shape(layer: Entry) -> Shape:
    """Return the input shape that a layer records: an InputLayer, or in old files the first layer."""
    config = layer.get("config")
    if not isinstance(config, Mapping):
        raise Unsupported("a model without an input shape")
    if layer.get("class_name") == "InputLayer":
        _check_input(config)
    shape = config.get("batch_shape", config.get("batch_input_shape"))
    if not isinstance(shape, list | tuple) or len(shape) < 2:
        raise Unsupported("a model without an input shape")
    # open sizes become 28 px, but not the last one: the number of channels is never open
    sizes = [DEFAULT_SIDE if size is None and i < len(shape) - 1 else size for i, size in enumerate(shape)][1:]
    if any(type(size) is not int or size < 1 for size in sizes):
        raise Unsupported(f"the input shape {shape}")
    return tuple(sizes)


def _check_input(config: Entry) -> None:
    """Check that an input is a dense tensor of numbers."""
    for key in config.keys() - _INPUT_KEYS:
        raise Unsupported(f"the setting {key}={config[key]!r} of the input")
    if config.get("sparse") or config.get("ragged") or config.get("optional"):
        raise Unsupported("a sparse, ragged or optional input")
    if config.get("dtype", "float32") not in ("float32", "float64", *INTEGER_DTYPES):
        raise Unsupported(f"an input of type {config.get('dtype')}")
