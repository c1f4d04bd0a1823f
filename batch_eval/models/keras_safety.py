"""Refuse Keras configs that would run a program, or need a class that is not part of Keras.

Keras builds whatever class a config names. Its safe mode stays on, but is not enough. Old releases ignored it for
``.h5`` files (CVE-2025-9905). Others let a config call any importable function (CVE-2025-1550, CVE-2025-9906). So
every config is checked here before Keras sees it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from batch_eval.errors import ModelError, UntrustedModelError

# layers that run code from the file; --trust-model opens them
_PROGRAMS = ("Lambda", "__lambda__", "TFSMLayer", "JaxLayer", "FlaxLayer")
# layers of text and tables that read their vocabulary from any file that the config names; --trust-model opens them
_READERS = ("StringLookup", "IntegerLookup", "TextVectorization", "FeatureSpace")
# Keras 2 wrote these for TensorFlow functions called on layer outputs; Keras 3 has no such classes
_KERAS_2_ONLY = ("TFOpLambda", "SlicingOpLambda", "ClassMethod", "InstanceMethod", "InstanceProperty")
# layers that unpickle: refused even with --trust-model
_PICKLES = ("TorchModuleWrapper",)
# allowed modules are listed one by one: a prefix such as "keras." would allow keras.config and keras.utils
_KERAS_MODULES = (
    *("keras", "keras.layers", "keras.models", "keras.initializers", "keras.regularizers", "keras.constraints"),
    *("keras.activations", "keras.dtype_policies", "keras.random", "keras.optimizers", "keras.losses", "keras.metrics"),
)
_KERAS_PACKAGES = (  # old files name the private module of a class
    "keras.src.layers.",
    "keras.src.models.",
    "keras.src.engine.",
    "keras.src.ops.",
    "keras.src.activations.",
)


def check_safe(config: Mapping[str, Any], file: Path, *, trust: bool) -> None:
    """Check every class that a config names, at any depth.

    Args:
        config: The config of a model, as its file holds it.
        file: The model file, for the messages.
        trust: Allow Lambda layers, other programs, and layers that read files.

    Raises:
        UntrustedModelError: The config holds a program, and ``trust`` is not set.
        ModelError: The config names a pickled object, or a class that is not part of Keras 3.

    """
    # the compile config (loss, metrics) is never built: models are loaded with compile=False
    for entry in _classes({key: value for key, value in config.items() if key != "compile_config"}):
        name = str(entry["class_name"])
        if name in _PICKLES:
            raise ModelError(
                f"{file} holds a pickled object ({name}); such a model is never opened. Export it to ONNX."
            )
        if name in _PROGRAMS and not trust:
            raise UntrustedModelError(
                f"{file} holds a program: the layer {_name_of(entry)} ({name}) runs code that is stored in the file. "
                "Open it with --trust-model only if you trust its author, or save the model without this layer."
            )
        if name in _READERS and not trust:
            raise UntrustedModelError(
                f"{file} has a layer for text or tables, {_name_of(entry)} ({name}), which may read any file. "
                "Open it with --trust-model only if you trust its author, or save the model without this layer."
            )
        if not _is_keras(entry):
            raise ModelError(unknown_class(name, file))
        if name in _KERAS_2_ONLY:
            raise ModelError(
                f"{file} calls a TensorFlow function as a layer ({_name_of(entry)}), which only Keras 2 opens. "
                "Export the model to ONNX, or save it as a SavedModel, with the Keras version that saved it."
            )


def unknown_class(name: str, file: Path) -> str:
    """Return the message for a class whose code is not in the file."""
    return (
        f"{file} uses the class {name}, which is not part of Keras: its code is not in the file. "
        "Export the model to ONNX where the class is defined: model.export('model.onnx', format='onnx')."
    )


def _classes(content: Any) -> Iterator[Mapping[str, Any]]:
    """Yield every mapping that names a class, at any depth."""
    # iterative, as the file decides how deep the nesting is
    waiting = [content]
    while waiting:
        item = waiting.pop()
        if isinstance(item, Mapping):
            if isinstance(item.get("class_name"), str):
                yield item
            waiting.extend(item.values())
        elif isinstance(item, list):
            waiting.extend(item)


def _name_of(entry: Mapping[str, Any]) -> str:
    config = entry.get("config")
    return str(config.get("name", "")) if isinstance(config, Mapping) else ""


def _is_keras(entry: Mapping[str, Any]) -> bool:
    """Return whether a class belongs to Keras."""
    if "module" not in entry:  # .h5 files name no modules; Keras then looks among its own classes only
        return True
    module, registered = entry["module"], entry.get("registered_name")
    if module is None or module == "builtins":  # a function of Keras, or a marker such as __tuple__
        return registered in (None, "function")
    return isinstance(module, str) and (module in _KERAS_MODULES or module.startswith(_KERAS_PACKAGES))
