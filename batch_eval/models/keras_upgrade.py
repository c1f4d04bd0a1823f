"""Rewrite the config of a Keras 2 file so that Keras 3 opens it.

Keras 3 refuses some names and settings that Keras 2 wrote. Only these change; the weights stay as they are. Keras
documents none of this. Every rule comes from a file that Keras 2.15 saved and Keras 3 refused.
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

# old module -> new module
_MOVED_MODULES = {
    "keras.src.engine.functional": "keras.src.models.functional",
    "keras.src.engine.sequential": "keras.src.models.sequential",
}
# settings that some layers no longer accept, with the value that changes nothing
_REMOVED_SETTINGS = {"time_major": False, "groups": 1}
_WITHOUT_GROUPS = ("DepthwiseConv1D", "DepthwiseConv2D", "SeparableConv1D", "SeparableConv2D", "Conv2DTranspose")


@contextmanager
def upgraded(saved: KerasFile, file: Path) -> Iterator[Path]:
    """Yield the path of a file that Keras 3 opens.

    This is the file itself, or for Keras 2 a temporary copy with a new config. The copy is deleted at the end.

    Raises:
        Unsupported: The model uses ``hard_sigmoid``, which Keras 3 computes differently.

    """
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
    """Return a part of the config with every layer inside upgraded."""
    if isinstance(content, list):
        return [_upgrade(item) for item in content]
    if content == "hard_sigmoid":
        # Keras 2: clip(0.2 x + 0.5, 0, 1); Keras 3: relu6(x + 3) / 6
        raise Unsupported("hard_sigmoid, which Keras 2 and 3 compute differently")
    if not isinstance(content, Mapping):
        return content
    # shared_object_id: which nested objects were one object in memory, of no use at inference
    entry = {key: _upgrade(value) for key, value in content.items() if key != "shared_object_id"}
    if isinstance(entry.get("class_name"), str) and isinstance(entry.get("config"), dict):
        entry["config"] = _upgrade_layer(entry["class_name"], entry["config"])
        entry["module"] = _MOVED_MODULES.get(entry.get("module", ""), entry.get("module"))
        if entry["module"] is None and "registered_name" not in entry:  # HDF5 files name no modules
            del entry["module"]
    return entry


def _upgrade_layer(class_name: str, config: dict[str, Any]) -> dict[str, Any]:
    """Return the config of one layer with the names and settings of Keras 3."""
    shape = config.pop("batch_input_shape", None)
    if class_name == "InputLayer" and shape is not None:
        config["batch_shape"] = shape
    for key, default in _REMOVED_SETTINGS.items():
        if config.get(key) == default and (key != "groups" or class_name in _WITHOUT_GROUPS):
            del config[key]
    # Keras 2 wrote a Lambda's bytecode as a list. check_safe has refused it by now, unless it is trusted.
    if class_name == "Lambda" and isinstance(config.get("function"), list):
        code, defaults, closure = config["function"]
        function = {"code": code, "defaults": defaults, "closure": closure}
        config["function"] = {"class_name": "__lambda__", "config": function}
        for key in ("function_type", "module", "output_shape_type", "output_shape_module"):
            config.pop(key, None)
    return config
