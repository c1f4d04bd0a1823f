"""Models that are made to harm: small files that ask for much, name other files, or are two files in one."""

from __future__ import annotations

import io
import json
import struct
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


class Table(dict[int, Any]):
    """A table of a FlatBuffer: number of a field -> its content.

    A content is (format of ``struct``, number), a text, bytes, a Table, a list of Tables, or (format, list of numbers).
    """


def flatbuffer(root: Table, identifier: bytes) -> bytes:
    """Return a FlatBuffer: https://flatbuffers.dev/internals/."""
    data = bytearray(4) + identifier
    struct.pack_into("<I", data, 0, _add_table(data, root))
    return bytes(data)


def _add_table(data: bytearray, table: Table) -> int:
    """Append a table, and after it what it refers to; return its position."""
    sizes = {number: _inline_size(content) for number, content in table.items()}
    places, end = {}, 4
    for number, size in sizes.items():
        end = -(-end // size) * size
        places[number], end = end, end + size
    vtable = [places.get(number, 0) for number in range(max(table, default=-1) + 1)]
    _align(data, 2)
    start = len(data)
    data += struct.pack(f"<HH{len(vtable)}H", 4 + 2 * len(vtable), end, *vtable)
    _align(data, 8)
    position = len(data)
    data += struct.pack("<i", position - start) + bytes(end - 4)
    for number, content in table.items():
        place = position + places[number]
        if isinstance(content, tuple) and not isinstance(content[1], list):
            struct.pack_into(f"<{content[0]}", data, place, content[1])
        else:
            target = _add_content(data, content)
            struct.pack_into("<I", data, place, target - place)
    return position


def _inline_size(content: Any) -> int:
    is_number = isinstance(content, tuple) and not isinstance(content[1], list)
    return struct.calcsize(content[0]) if is_number else 4


def _add_content(data: bytearray, content: Any) -> int:
    if isinstance(content, Table):
        return _add_table(data, content)
    _align(data, 16, ahead=4)
    position = len(data)
    if isinstance(content, str):
        content = content.encode()
    if isinstance(content, bytes):
        data += struct.pack("<I", len(content)) + content + b"\0"
    elif isinstance(content, tuple):
        layout, numbers = content
        data += struct.pack(f"<I{len(numbers)}{layout}", len(numbers), *numbers)
    else:
        data += struct.pack("<I", len(content)) + bytes(4 * len(content))
        for i, table in enumerate(content):
            place = position + 4 + 4 * i
            struct.pack_into("<I", data, place, _add_table(data, table) - place)
    return position


def _align(data: bytearray, size: int, ahead: int = 0) -> None:
    data += bytes(-(len(data) + ahead) % size)


def tflite_tensor(shape: Sequence[int], buffer: int = 0, kind: int = 0, **fields: Any) -> Table:
    """Return a tensor; ``kind`` 0 is float32, ``buffer`` 0 is the empty one."""
    return Table({0: ("i", list(shape)), 1: ("b", kind), 2: ("I", buffer), 3: "tensor"} | fields.get("more", {}))


def tflite_node(code: int, inputs: Sequence[int], outputs: Sequence[int], **fields: Any) -> Table:
    """Return a call of the operator whose code has this place in the list."""
    return Table({0: ("I", code), 1: ("i", list(inputs)), 2: ("i", list(outputs))} | fields.get("more", {}))


def tflite_code(number: int, name: str = "") -> Table:
    """Return an operator code; custom operators are 32, with a name."""
    return Table({0: ("b", min(number, 127)), 2: ("i", 1), 3: ("i", number)} | ({1: name} if name else {}))


def tflite(
    tensors: Sequence[Table] | None = None,
    nodes: Sequence[Table] | None = None,
    codes: Sequence[Table] | None = None,
    buffers: Sequence[Table] | None = None,
    ends: tuple[Sequence[int], Sequence[int]] = ((0,), (2,)),
    **fields: Any,
) -> bytes:
    """Return a ``.tflite`` file; by default of one dense layer without bias, of 784 inputs and 10 outputs."""
    weights = Table({0: np.zeros((10, 784), np.float32).tobytes()})
    graph = Table(
        {
            0: list(tensors or [tflite_tensor([1, 784]), tflite_tensor([10, 784], 1), tflite_tensor([1, 10])]),
            1: ("i", list(ends[0])),
            2: ("i", list(ends[1])),
            3: list([tflite_node(0, [0, 1, -1], [2])] if nodes is None else nodes),
        }
    )
    root = {
        0: ("I", 3),
        1: list(codes or [tflite_code(9)]),  # FULLY_CONNECTED
        2: [graph],
        4: list(buffers or [Table(), weights]),
    }
    return flatbuffer(Table(root | fields.get("more", {})), b"TFL3")


def small_models() -> dict[str, bytes]:
    """Return sound models by the name of the file, one of each format."""
    from batch_eval.models.conversion import convert
    from batch_eval.models.keras_file import parse_keras
    from batch_eval.models.model_file import DEFAULT_LIMITS, ModelFile

    config = sequential(
        image(),
        layer("Rescaling", "scale", scale=1 / 255, offset=0.0),
        layer("Conv2D", "conv", filters=2, kernel_size=[3, 3], padding="same", use_bias=False, activation="relu"),
        layer("MaxPooling2D", "pool", pool_size=[2, 2], strides=[2, 2], padding="valid"),
        layer("Flatten", "flatten"),
        dense("dense"),
    )
    archive = zipped(keras_members(config, kernel(3, 3, 1, 2, layer="conv2d") | kernel(392, 10)), zipfile.ZIP_STORED)
    saved = parse_keras(ModelFile(Path("small.keras"), archive, DEFAULT_LIMITS))
    if saved is None:
        raise ValueError("the small model is no Keras file")
    return {"small.keras": archive, "small.onnx": convert(saved).onnx, "small.tflite": tflite()}
