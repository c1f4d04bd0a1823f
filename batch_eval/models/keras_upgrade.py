"""Write the file that Keras opens, and rewrite the config of Keras 2 for it.

Keras 3 refuses some names and settings that Keras 2 wrote. Only these change; the weights stay as they are. Keras
documents none of this. Every rule comes from a file that Keras 2.15 saved and Keras 3 refused.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any

from batch_eval.errors import ModelError
from batch_eval.models.budget import Budget
from batch_eval.models.hdf5_file import Attributes, Dataset, Group
from batch_eval.models.hdf5_writing import MAX_OBJECTS, written
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


def file_for_keras(saved: KerasFile) -> tuple[bytes, str]:
    """Return a model as a file of our own for Keras 3, and its suffix.

    Keras chooses by the suffix what it reads of a file. Here it gets the config that was checked and the weights that
    were read. It gets nothing else: no other member of an archive, no link, no file in another format.

    Raises:
        Unsupported: The model uses ``hard_sigmoid``, which Keras 3 computes differently.
        ModelError: The weights are larger than the limit, or not in the file.

    """
    upgraded = _upgrade(saved.config) if saved.keras_major == 2 else saved.config
    config = json.dumps(_with_modules(upgraded) if saved.is_zip else upgraded)
    weights = _without_optimizer(saved.hdf5)
    _spend(weights, saved.budget, count())
    if not saved.is_zip:
        version = saved.hdf5.attributes.get("keras_version", "")
        attributes: Attributes = {"model_config": config, "keras_version": version, "backend": "tensorflow"}
        return written(Group(weights.members, attributes)), ".h5"
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("metadata.json", json.dumps({"keras_version": f"{saved.keras_major or 3}.0.0"}))
        archive.writestr("config.json", config)
        archive.writestr("model.weights.h5", written(weights))
    return stream.getvalue(), ".keras"


def _with_modules(content: Any) -> Any:
    """Return a config in which every layer names its module, as in ``.keras`` files."""
    if isinstance(content, list):
        return [_with_modules(item) for item in content]
    if not isinstance(content, Mapping):
        return content
    entry = {key: _with_modules(value) for key, value in content.items()}
    if isinstance(entry.get("class_name"), str) and isinstance(entry.get("config"), dict) and "module" not in entry:
        is_model = entry["class_name"] in ("Sequential", "Functional", "Model")
        entry["module"] = "keras" if is_model else "keras.layers"
    return entry


def _without_optimizer(root: Group) -> Group:
    """Return the weights without what only training needs."""
    needed = {name: item for name, item in root.members.items() if name not in ("optimizer", "optimizer_weights")}
    return Group(needed, root.attributes)


def _spend(item: Group | Dataset, budget: Budget, counter: Iterator[int]) -> None:
    """Count the bytes of all datasets. Hard links make a few into many."""
    if isinstance(item, Dataset):
        budget.spend(item.nbytes)
        return
    for member in item.members.values():
        if next(counter) > MAX_OBJECTS:
            raise ModelError("The weights have too many parts; such a model is never opened.")
        _spend(member, budget, counter)


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
