"""Read what a ``.keras`` or ``.h5`` file says, with zipfile, json and h5py alone: nothing in the file is executed.

Layouts: ``keras.src.saving.saving_lib`` (a zip of config.json and model.weights.h5) and
``keras.src.legacy.saving.legacy_h5_format`` (config and weights in one HDF5 file).
"""

from __future__ import annotations

import json
import re
import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from batch_eval.errors import ModelError
from batch_eval.models.layers.call import Array, Unsupported

_WEIGHTS = "The part of the file that holds the weights"
_LARGEST_JSON = 64 << 20
_LARGEST_WEIGHTS = 2 << 30  # an ONNX model cannot be larger

NamedWeights = list[tuple[str | None, Array]]


class WeightSource(Protocol):
    """Where the weights of a model's layers are found."""

    def layers(self, entries: Sequence[Mapping[str, Any]]) -> list[WeightSource]:
        """Return the source for each of a model's layers, in the order of its config."""

    def read(self, name: str) -> NamedWeights:
        """Return the weights of the layer called ``name``, in the file's order."""


@dataclass(frozen=True)
class KerasFile:
    """A Keras model as it was saved: its config, the major version of Keras that saved it, and its weights."""

    config: Mapping[str, Any]
    keras_major: int | None
    weights: WeightSource


_ZIP, _HDF5 = b"PK\x03\x04", b"\x89HDF\r\n\x1a\n"


def read_keras(path: Path) -> KerasFile | None:
    """Read a ``.keras`` or ``.h5`` file, told by its first bytes; None for anything else.

    Raises:
        ModelError: The file is damaged, or holds no architecture.

    """
    with path.open("rb") as stream:
        start = stream.read(8)
    if start.startswith(_ZIP):
        return read_keras_zip(path)
    return read_keras_h5(path) if start == _HDF5 else None


def read_keras_zip(path: Path) -> KerasFile:
    """Read a ``.keras`` file."""
    with _report_damage(path), zipfile.ZipFile(path) as archive:
        names = set(archive.namelist())
        if "config.json" not in names:
            raise ModelError(f"{path} is {_kind_of_zip(names)}. Expected a model saved by Keras (model.save).")
        config = _json(_member(archive, "config.json", _LARGEST_JSON), path)
        metadata = _json(_member(archive, "metadata.json", _LARGEST_JSON), path) if "metadata.json" in names else {}
        weights = _member(archive, "model.weights.h5", _LARGEST_WEIGHTS) if "model.weights.h5" in names else None
    return KerasFile(
        config, _major(metadata.get("keras_version")), _ZipWeights(_hdf5(weights, path) if weights else None)
    )


def _kind_of_zip(names: set[str]) -> str:
    if any(name.endswith("data.pkl") for name in names):
        return "a PyTorch file; pickled objects are programs and are never opened. Export it to ONNX"
    return "a zip archive without config.json, not a Keras model"


def read_keras_h5(path: Path) -> KerasFile:
    """Read a ``.h5`` file."""
    file = _hdf5(path.read_bytes(), path)
    with _report_damage(path):
        config, version = (_attribute(file.attrs.get(key)) for key in ("model_config", "keras_version"))
        has_weights = "model_weights" in file
    if not config:
        raise ModelError(
            f"{path} holds weights only, no architecture, so that it cannot be run. "
            "Name its network with --network, or save the whole model with model.save('model.keras')."
        )
    if not has_weights:
        raise ModelError(
            f"{path} holds an architecture without weights. Save the model with model.save('model.keras')."
        )
    weights = _H5Weights(_resolve(file, "model_weights"))
    return KerasFile(_json(config.encode("utf-8", "surrogateescape"), path), _major(version), weights)


def read_weights(path: Path, config: Mapping[str, Any]) -> KerasFile:
    """Read a file that Keras' ``save_weights`` wrote (``.weights.h5``) as a model with the given config.

    Raises:
        ModelError: The file is damaged, or is no such file.

    """
    data = path.read_bytes()
    if data.startswith(_ZIP):
        raise ModelError(f"{path} holds its own architecture. Leave out --network.")
    if not data.startswith(_HDF5):
        raise ModelError(f"{path} is no file of weights. Expected what model.save_weights('NAME.weights.h5') writes.")
    file = _hdf5(data, path)
    with _report_damage(path):
        if "model_config" in file.attrs:
            raise ModelError(f"{path} holds its own architecture. Leave out --network.")
    return KerasFile(config, 3, _ZipWeights(file))


def _hdf5(data: bytes, path: Path) -> Any:
    """Open an HDF5 file from memory, where it can be damaged but not change, and no link leads out of it."""
    import h5py

    with _report_damage(path):
        return h5py.File(h5py.h5f.open_file_image(data))


@contextmanager
def _report_damage(path: Path | str) -> Iterator[None]:
    """Say in our words what goes wrong while a file is read."""
    try:
        yield
    except (zipfile.BadZipFile, EOFError, OSError, NotImplementedError, RuntimeError, KeyError, ValueError) as error:
        raise ModelError(f"{path} is damaged or cut off: {error}. Copy or save the model again.") from error


def _attribute(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value or "")


def _major(version: Any) -> int | None:
    match = re.match(r"(\d+)\.", str(version))
    return int(match[1]) if match else None


def _member(archive: zipfile.ZipFile, name: str, limit: int) -> bytes:
    """Read a member of at most ``limit`` bytes, so that a small file cannot fill the memory."""
    info = archive.getinfo(name)
    if info.file_size > limit or info.file_size > 1000 * max(info.compress_size, 1 << 16):
        raise ModelError(f"{archive.filename}: {name} claims {info.file_size} bytes, more than a model can have.")
    with archive.open(name) as member:
        return member.read(limit)


def _json(data: bytes, path: Path) -> dict[str, Any]:
    try:
        content = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{path} is damaged: its configuration is no JSON ({error}).") from error
    if not isinstance(content, dict):
        raise ModelError(f"{path} is damaged: its configuration is no JSON object.")
    return content


@_report_damage(_WEIGHTS)
def _resolve(group: Any, name: str) -> Any:
    """Return a member that lies in this very file: links to other files or places are never followed."""
    import h5py

    for part in name.split("/"):
        if not isinstance(group, h5py.Group):
            raise Unsupported(f"{name} is not among the weights")
        link = group.get(part, getlink=True)
        if link is None:
            raise Unsupported(f"{name} is not among the weights")
        if not isinstance(link, h5py.HardLink):
            raise ModelError(f"The weights hold a link ({name}) to somewhere else; such a model is never opened.")
        group = group[part]
    return group


@_report_damage(_WEIGHTS)
def check_links(source: WeightSource) -> None:
    """Refuse weights with a link to another file anywhere, before a reader that would follow it."""
    import h5py

    waiting: list[Any] = [getattr(source, "group", None)]
    seen: set[int] = set()
    while waiting:
        item = waiting.pop()
        if isinstance(item, h5py.Dataset):
            _check_inside(item)
        elif isinstance(item, h5py.Group) and hash(item.id) not in seen:
            seen.add(hash(item.id))
            waiting.extend(_resolve(item, name) for name in item)


def _check_inside(dataset: Any) -> None:
    if dataset.is_virtual or dataset.external:
        raise ModelError(f"The weight {dataset.name} lies in another file; such a model is never opened.")


@_report_damage(_WEIGHTS)
def _array(dataset: Any) -> Array:
    """Read numbers that lie in this very file."""
    import h5py

    if not isinstance(dataset, h5py.Dataset):
        raise Unsupported("a weight that is no array")
    _check_inside(dataset)
    if dataset.dtype not in (np.float32, np.float64) and dataset.dtype.kind not in "iu":
        raise Unsupported(f"weights of type {dataset.dtype}")
    if dataset.nbytes > _LARGEST_WEIGHTS or dataset.nbytes > 1000 * max(dataset.id.get_storage_size(), 1 << 16):
        raise ModelError(f"The weight {dataset.name} claims {dataset.nbytes} bytes, more than a model can have.")
    return np.asarray(dataset[()])


@dataclass(frozen=True)
class _ZipWeights:
    """Groups such as ``layers/conv2d_1/vars/0``: named after the class, counted within each model."""

    group: Any

    def layers(self, entries: Sequence[Mapping[str, Any]]) -> list[WeightSource]:
        """Return the source for each layer."""
        counts: Counter[str] = Counter()
        found: list[WeightSource] = []
        for entry in entries:
            name = snake_case(_saved_class(str(entry.get("class_name"))))
            number = counts[name]
            counts[name] += 1
            found.append(self._member(f"layers/{name}_{number}" if number else f"layers/{name}"))
        return found

    def _member(self, name: str) -> _ZipWeights:
        try:
            return _ZipWeights(_resolve(self.group, name))
        except Unsupported:  # a layer without weights may have no group; one that needs them will say so
            return _ZipWeights(None)

    @_report_damage(_WEIGHTS)
    def read(self, name: str) -> NamedWeights:  # noqa: ARG002 - the position has already told the layer
        """Return ``vars/0``, ``vars/1``, …"""
        if self.group is None or "vars" not in self.group:
            return []
        group = _resolve(self.group, "vars")
        return [(None, _array(_resolve(group, str(i)))) for i in range(len(group))]


def _saved_class(class_name: str) -> str:
    """Return the class that the saved object had; Keras 2 called functional models ``Model`` in its configs."""
    return "Functional" if class_name == "Model" else class_name


def snake_case(class_name: str) -> str:
    """Return the name that Keras gives to the group of a class: ``Conv2D`` is ``conv2d``, ``PReLU`` is ``p_re_lu``."""
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", re.sub(r"\W+", "", class_name))
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


@dataclass(frozen=True)
class _H5Weights:
    """Groups named after the layers, each with a list of its weights; a nested model's are in one flat list."""

    group: Any
    nested: bool = False

    def layers(self, entries: Sequence[Mapping[str, Any]]) -> list[WeightSource]:
        """Return the source for each layer."""
        if self.nested:
            return [self for _ in entries]
        return [self._member(_layer_name(entry)) for entry in entries]

    def _member(self, name: str) -> WeightSource:
        try:
            return _H5Weights(_resolve(self.group, name), nested=True)
        except Unsupported:  # an InputLayer has no group; a layer that needs weights will say so
            return _NoWeights()

    def read(self, name: str) -> NamedWeights:
        """Return the weights whose path names the layer (``outer/dense/kernel:0``), in the file's order."""
        paths = [path.split("/") for path in _weight_names(self.group)]
        own = [path for path in paths if len(path) > 1 and path[-2] == name]
        if not own and len({tuple(path[:-1]) for path in paths}) == 1 and _layer_group(self.group) == name:
            own = paths  # a layer that was built under another name
        return [(path[-1].partition(":")[0], _array(_resolve(self.group, "/".join(path)))) for path in own]


class _NoWeights:
    """The source for layers that the file has no weights for."""

    def layers(self, entries: Sequence[Mapping[str, Any]]) -> list[WeightSource]:
        """Return no weights for each layer."""
        return [self for _ in entries]

    def read(self, name: str) -> NamedWeights:  # noqa: ARG002 - one interface for all sources
        """Return no weights."""
        return []


def _layer_group(group: Any) -> str:
    return str(group.name).rpartition("/")[2]


def _layer_name(entry: Mapping[str, Any]) -> str:
    config = entry.get("config")
    return str(config.get("name") if isinstance(config, Mapping) else "")


@_report_damage(_WEIGHTS)
def _weight_names(group: Any) -> list[str]:
    """Return the attribute ``weight_names``, which HDF5's limit on attributes may have cut into several."""
    if "weight_names" in group.attrs:
        return [_attribute(name) for name in group.attrs["weight_names"]]
    names: list[str] = []
    while (part := f"weight_names{len(names)}") in group.attrs:
        names.append(part)
    return [_attribute(name) for part in names for name in group.attrs[part]]
