"""Models that are made to harm: small files that ask for much, name other files, or are two files in one."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

Layer = dict[str, Any]


def layer(class_name: str, name: str, inputs: Sequence[str | tuple[str, int]] | None = None, **config: Any) -> Layer:
    """Return the config of a layer; ``inputs`` are layers, or their calls as (name, number), one call each."""
    entry: Layer = {
        "module": "keras.layers",
        "class_name": class_name,
        "registered_name": None,
        "name": name,
        "config": {"name": name, "trainable": True, "dtype": "float32", **config},
    }
    if class_name == "InputLayer":
        del entry["config"]["trainable"]
    if inputs is not None:
        entry["inbound_nodes"] = [{"args": [tensor(source)], "kwargs": {}} for source in inputs]
    return entry


def tensor(source: str | tuple[str, int]) -> dict[str, Any]:
    """Return a connection as Keras 3 saves it."""
    name, call = (source, 0) if isinstance(source, str) else source
    return {"class_name": "__keras_tensor__", "config": {"shape": [None], "keras_history": [name, call, 0]}}


def image(*shape: int) -> Layer:
    """Return an input layer."""
    return layer("InputLayer", "image", [], batch_shape=[None, *(shape or (28, 28, 1))])


def dense(name: str, inputs: Sequence[str | tuple[str, int]] | None = None, units: int = 10) -> Layer:
    """Return a Dense layer."""
    return layer("Dense", name, inputs, units=units, activation="linear", use_bias=False)


def sequential(*layers: Layer) -> dict[str, Any]:
    """Return the config of a Sequential model."""
    config = {"name": "model", "trainable": True, "dtype": "float32", "layers": list(layers)}
    return {"module": "keras", "class_name": "Sequential", "registered_name": None, "config": config}


def functional(*layers: Layer, output: str | tuple[str, int]) -> dict[str, Any]:
    """Return the config of a functional model with the input ``image``."""
    name, call = (output, 0) if isinstance(output, str) else output
    ends = {"input_layers": [["image", 0, 0]], "output_layers": [[name, call, 0]]}
    config = {"name": "model", "trainable": True, "layers": list(layers), **ends}
    return {
        "module": "keras.src.models.functional",
        "class_name": "Functional",
        "registered_name": None,
        "config": config,
    }


def hdf5(weights: Mapping[str, Any]) -> bytes:
    """Return an HDF5 file of arrays by their paths; a text is the path of an earlier array, as a hard link."""
    stream = io.BytesIO()
    with h5py.File(stream, "w") as file:
        for path, value in weights.items():
            file.require_group(path.rpartition("/")[0])
            file[path] = file[value] if isinstance(value, str) else value
    return stream.getvalue()


def zipped(members: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return a zip archive."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return stream.getvalue()


def keras_members(config: Mapping[str, Any], weights: Mapping[str, Any]) -> dict[str, bytes]:
    """Return the members of a ``.keras`` file."""
    return {
        "metadata.json": b'{"keras_version": "3.12.0"}',
        "config.json": json.dumps(config).encode(),
        "model.weights.h5": hdf5(weights),
    }


def kernel(*shape: int, layer: str = "dense") -> dict[str, Any]:
    """Return zeros as the first weight of a layer."""
    return {f"layers/{layer}/vars/0": np.zeros(shape, np.float32)}


def write_keras(file: Path, config: Mapping[str, Any], weights: Mapping[str, Any]) -> Path:
    """Write a ``.keras`` file."""
    file.write_bytes(zipped(keras_members(config, weights), zipfile.ZIP_STORED))
    return file
