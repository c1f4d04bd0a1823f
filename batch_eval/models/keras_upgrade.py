"""Rewrite what Keras 2 wrote into a config and Keras 3 refuses, so that TensorFlow's Keras opens old files too.

Only names and defaults change: the weights stay as they are. Keras 3 documents none of this; every rule here
was found by opening files that Keras 2.15 saved.
"""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from batch_eval.models.keras_file import KerasFile
from batch_eval.models.layers import Unsupported

_MOVED_MODULES = {
    "keras.src.engine.functional": "keras.src.models.functional",
    "keras.src.engine.sequential": "keras.src.models.sequential",
}
_REMOVED_SETTINGS = {"time_major": False, "groups": 1}  # settings that some layers no longer take
_WITHOUT_GROUPS = ("DepthwiseConv1D", "DepthwiseConv2D", "SeparableConv1D", "SeparableConv2D", "Conv2DTranspose")


@contextmanager
def upgraded(saved: KerasFile, file: Path) -> Iterator[Path]:
    """Yield a file that Keras 3 reads: the same one, or a copy with its config rewritten while the block runs."""
    if saved.keras_major != 2:
        yield file
        return
    with TemporaryDirectory() as folder:
        copy = Path(folder) / f"model{'.keras' if zipfile.is_zipfile(file) else '.h5'}"
        config = json.dumps(_upgrade(saved.config))
        (_write_zip if copy.suffix == ".keras" else _write_h5)(file, copy, config)
        yield copy


def _write_zip(file: Path, copy: Path, config: str) -> None:
    with zipfile.ZipFile(file) as source, zipfile.ZipFile(copy, "w") as target:
        for name in ("metadata.json", "model.weights.h5"):
            target.writestr(name, source.read(name))
        target.writestr("config.json", config)


def _write_h5(file: Path, copy: Path, config: str) -> None:
    import h5py

    shutil.copyfile(file, copy)
    with h5py.File(copy, "r+") as target:
        target.attrs["model_config"] = config


def _upgrade(content: Any) -> Any:
    if isinstance(content, list):
        return [_upgrade(item) for item in content]
    if content == "hard_sigmoid":
        raise Unsupported("hard_sigmoid, which Keras 2 and 3 compute differently")
    if not isinstance(content, Mapping):
        return content
    entry = {key: _upgrade(value) for key, value in content.items() if key != "shared_object_id"}
    if isinstance(entry.get("class_name"), str) and isinstance(entry.get("config"), dict):
        entry["config"] = _upgrade_layer(entry["class_name"], entry["config"])
        entry["module"] = _MOVED_MODULES.get(entry.get("module", ""), entry.get("module"))
        if entry["module"] is None and "registered_name" not in entry:  # HDF5 files name no modules
            del entry["module"]
    return entry


def _upgrade_layer(class_name: str, config: dict[str, Any]) -> dict[str, Any]:
    shape = config.pop("batch_input_shape", None)
    if class_name == "InputLayer" and shape is not None:
        config["batch_shape"] = shape
    for key, default in _REMOVED_SETTINGS.items():
        if config.get(key) == default and (key != "groups" or class_name in _WITHOUT_GROUPS):
            del config[key]
    if class_name == "Lambda" and isinstance(config.get("function"), list):  # opened only when it is trusted
        code, defaults, closure = config["function"]
        function = {"code": code, "defaults": defaults, "closure": closure}
        config["function"] = {"class_name": "__lambda__", "config": function}
        for key in ("function_type", "module", "output_shape_type", "output_shape_module"):
            config.pop(key, None)
    return config
