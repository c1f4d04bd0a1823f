"""What a Keras config would bring to life: programs, and classes that are not Keras' own.

TensorFlow's own safe mode is kept on beside this; but old releases of Keras ignored it for ``.h5`` files, or let a
config call any importable function (CVE-2025-1550, CVE-2025-9905, CVE-2025-9906), so a config is searched before any
of them sees it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from batch_eval.errors import ModelError, UntrustedModelError

_PROGRAMS = ("Lambda", "__lambda__", "TFSMLayer", "JaxLayer", "FlaxLayer")
_KERAS_2_ONLY = ("TFOpLambda", "SlicingOpLambda", "ClassMethod", "InstanceMethod", "InstanceProperty")
_PICKLES = ("TorchModuleWrapper",)
_KERAS_PLACES = (
    *("keras", "keras.layers", "keras.models", "keras.initializers", "keras.regularizers", "keras.constraints"),
    *("keras.activations", "keras.dtype_policies", "keras.random", "keras.optimizers", "keras.losses", "keras.metrics"),
)
_KERAS_PACKAGES = (
    "keras.src.layers.",
    "keras.src.models.",
    "keras.src.engine.",
    "keras.src.ops.",
    "keras.src.activations.",
)


def check_safe(config: Mapping[str, Any], file: Path, *, trust: bool) -> None:
    """Refuse a config that holds a program, unless it is trusted, or that needs code which the file does not hold.

    Raises:
        UntrustedModelError: There is a Lambda, or another program, and ``trust`` is not set.
        ModelError: There is a class that is not part of Keras.

    """
    for entry in _classes({key: value for key, value in config.items() if key != "compile_config"}):
        name = str(entry["class_name"])
        if name in _PICKLES:
            raise ModelError(
                f"{file} holds a pickled object ({name}); such a model is never opened. Export it to ONNX."
            )
        if name in _PROGRAMS and not trust:
            raise UntrustedModelError(
                f"{file} holds a program: the layer {_name_of(entry)} ({name}) runs code that is stored in the file. "
                "Open it with --trust-model only if you trust whoever made it, or save the model without such a layer."
            )
        if not _is_keras(entry):
            raise ModelError(unknown_class(name, file))
        if name in _KERAS_2_ONLY:
            raise ModelError(
                f"{file} calls a TensorFlow function as a layer ({_name_of(entry)}), which only Keras 2 opens. "
                "Export the model to ONNX, or save it as a SavedModel, with the version that made it."
            )


def unknown_class(name: str, file: Path) -> str:
    """Say that a model needs a class whose code is not in its file."""
    return (
        f"{file} uses the class {name}, which is not part of Keras: its code is not in the file. "
        "Export the model to ONNX (model.export('model.onnx', format='onnx')) where the class is defined."
    )


def _classes(content: Any) -> Iterator[Mapping[str, Any]]:
    """Yield every mapping that names a class, at any depth."""
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
    """Whether the class comes from Keras; old files do not say, and Keras then finds its own classes only."""
    if "module" not in entry:
        return True
    module, registered = entry["module"], entry.get("registered_name")
    if module is None or module == "builtins":  # a function of Keras, or a mark such as __tuple__
        return registered in (None, "function")
    return isinstance(module, str) and (module in _KERAS_PLACES or module.startswith(_KERAS_PACKAGES))
