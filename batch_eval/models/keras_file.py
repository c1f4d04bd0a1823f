"""Read the config and the weights of a ``.keras`` or ``.h5`` file without TensorFlow.

Both formats hold JSON and HDF5, so zipfile, json and h5py are enough. A ``.keras`` file is a zip archive of
config.json, metadata.json and model.weights.h5. An ``.h5`` file is one HDF5 file with the config in an attribute.

A file may come from a stranger. Nothing in it is executed, and links to other files are never followed. Sizes are
checked before memory is used.
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
_MAX_JSON = 64 << 20
"""Bytes of config.json at most, and of metadata.json."""
_MAX_WEIGHTS = 2 << 30
"""Bytes of all weights at most, and of one. ONNX models end there too, as protocol buffers do."""

NamedWeights = list[tuple[str | None, Array]]
"""A layer's weights in the file's order, each with its name or None."""


class WeightSource(Protocol):
    """The weights of a model, by layer.

    The formats store them differently, so each has its own source.
    """

    def layers(self, entries: Sequence[Mapping[str, Any]]) -> list[WeightSource]:
        """Return one source per layer of a model, in the order of the config's entries."""

    def read(self, name: str) -> NamedWeights:
        """Return the weights of the layer ``name``, in the file's order."""

    def count(self, name: str) -> int:
        """Return how many numbers the weights of the layer ``name`` hold, those of its parts too."""


@dataclass(frozen=True)
class KerasFile:
    """A saved Keras model."""

    config: Mapping[str, Any]
    keras_major: int | None
    """Major version of Keras that saved the model. None if unknown."""
    weights: WeightSource
    keras_version: str = ""
    """Version of Keras that saved the model, such as ``3.9.0``; empty if unknown."""


_ZIP, _HDF5 = b"PK\x03\x04", b"\x89HDF\r\n\x1a\n"


def read_keras(path: Path) -> KerasFile | None:
    """Read a ``.keras`` or ``.h5`` file, recognised by its first bytes. Return None for other files.

    Raises:
        ModelError: The file is damaged, or lacks the architecture or the weights.

    """
    with path.open("rb") as stream:
        start = stream.read(8)
    if start.startswith(_ZIP):
        return read_keras_zip(path)
    return read_keras_h5(path) if start == _HDF5 else None


def read_keras_zip(path: Path) -> KerasFile:
    """Read a ``.keras`` file."""
    # layout: https://github.com/keras-team/keras/blob/master/keras/src/saving/saving_lib.py
    with _report_damage(path), zipfile.ZipFile(path) as archive:
        names = set(archive.namelist())
        if "config.json" not in names:
            raise ModelError(f"{path} is {_kind_of_zip(names)}. Expected a model saved by Keras (model.save).")
        config = _json(_member(archive, "config.json", _MAX_JSON), path)
        metadata = _json(_member(archive, "metadata.json", _MAX_JSON), path) if "metadata.json" in names else {}
        weights = _member(archive, "model.weights.h5", _MAX_WEIGHTS) if "model.weights.h5" in names else None
    version = metadata.get("keras_version")
    source = _ZipWeights(_hdf5(weights, path) if weights else None)
    return KerasFile(config, _major(version), source, str(version or ""))


def _kind_of_zip(names: set[str]) -> str:
    if any(name.endswith("data.pkl") for name in names):
        return "a PyTorch file; pickled objects are programs and are never opened. Export the model to ONNX"
    return "a zip archive without config.json, not a Keras model"


def read_keras_h5(path: Path) -> KerasFile:
    """Read an ``.h5`` file."""
    # layout: https://github.com/keras-team/keras/blob/master/keras/src/legacy/saving/legacy_h5_format.py
    file = _hdf5(path.read_bytes(), path)
    with _report_damage(path):
        config, version = (_attribute(file.attrs.get(key)) for key in ("model_config", "keras_version"))
        has_weights = "model_weights" in file
    if not config:
        raise ModelError(
            f"{path} holds weights only, no architecture. "
            "Name its network with --network, or save the whole model with model.save('model.keras')."
        )
    if not has_weights:
        raise ModelError(
            f"{path} holds an architecture without weights. Save the model with model.save('model.keras')."
        )
    weights = _H5Weights(_resolve(file, "model_weights"))
    content = _json(config.encode("utf-8", "surrogateescape"), path)
    return KerasFile(content, _major(version), weights, version)


def read_weights(path: Path, config: Mapping[str, Any]) -> KerasFile:
    """Read a weights-only file (``.weights.h5``, written by ``save_weights``) as a model of the given config.

    Raises:
        ModelError: The file is damaged, or not a weights-only file.

    """
    data = path.read_bytes()
    if data.startswith(_ZIP):
        raise ModelError(f"{path} holds its own architecture. Leave out --network.")
    if not data.startswith(_HDF5):
        raise ModelError(
            f"{path} is not a weights file. Expected a file that model.save_weights('NAME.weights.h5') wrote."
        )
    file = _hdf5(data, path)
    with _report_damage(path):
        if "model_config" in file.attrs:
            raise ModelError(f"{path} holds its own architecture. Leave out --network.")
    # Keras 3 stores the same groups here as in the model.weights.h5 of a .keras file
    return KerasFile(config, 3, _ZipWeights(file))


def _hdf5(data: bytes, path: Path) -> Any:
    """Open an HDF5 file from memory, where it cannot change between a check and a read."""
    import h5py

    with _report_damage(path):
        return h5py.File(h5py.h5f.open_file_image(data))


@contextmanager
def _report_damage(path: Path | str) -> Iterator[None]:
    """Turn the exceptions of zipfile, json and h5py into a ModelError that names the file."""
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
    """Return a member of a zip archive, of at most ``limit`` bytes."""
    # A zip bomb stores little and declares much. Deflate shrinks 1032 times at most (zlib's technical notes), weights
    # and configs far less. Below 65 MB any ratio is harmless.
    info = archive.getinfo(name)
    if info.file_size > limit or info.file_size > 1000 * max(info.compress_size, 1 << 16):
        raise ModelError(f"{archive.filename}: {name} declares {info.file_size} bytes, more than a model can have.")
    with archive.open(name) as member:
        return member.read(limit)


def _json(data: bytes, path: Path) -> dict[str, Any]:
    try:
        content = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{path} is damaged: its config is not valid JSON ({error}).") from error
    if not isinstance(content, dict):
        raise ModelError(f"{path} is damaged: its config is not a JSON object.")
    return content


@_report_damage(_WEIGHTS)
def _resolve(group: Any, name: str) -> Any:
    """Return the member at a path such as ``layers/dense/vars``, part by part.

    Raises:
        Unsupported: There is no such member.
        ModelError: A part is a soft or external link, which could make us read any file of this machine.

    """
    import h5py

    for part in name.split("/"):
        if not isinstance(group, h5py.Group):
            raise Unsupported(f"{name} is not among the weights")
        link = group.get(part, getlink=True)
        if link is None:
            raise Unsupported(f"{name} is not among the weights")
        if not isinstance(link, h5py.HardLink):
            raise ModelError(f"The weights contain a soft or external link ({name}); such a model is never opened.")
        group = group[part]
    return group


@_report_damage(_WEIGHTS)
def check_links(source: WeightSource) -> None:
    """Check that no weight is stored in another file. Keras would follow such a link.

    Raises:
        ModelError: There is a link.

    """
    import h5py

    # A walk over all groups. Hard links may form a cycle, so every group is visited once.
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
    """Check that HDF5 reads a dataset from this file: virtual and external datasets are stored elsewhere."""
    if dataset.is_virtual or dataset.external:
        raise ModelError(f"The weight {dataset.name} is stored in another file; such a model is never opened.")


@_report_damage(_WEIGHTS)
def _array(dataset: Any) -> Array:
    """Return the numbers of a dataset."""
    import h5py

    if not isinstance(dataset, h5py.Dataset):
        raise Unsupported("a weight that is not an array")
    _check_inside(dataset)
    if dataset.dtype not in (np.float32, np.float64) and dataset.dtype.kind not in "iu":
        raise Unsupported(f"weights of type {dataset.dtype}")
    # HDF5 does not store chunks that were never written: a dataset of gigabytes may take no space in the file
    if dataset.nbytes > _MAX_WEIGHTS or dataset.nbytes > 1000 * max(dataset.id.get_storage_size(), 1 << 16):
        raise ModelError(f"The weight {dataset.name} declares {dataset.nbytes} bytes, more than a model can have.")
    return np.asarray(dataset[()])


@dataclass(frozen=True)
class _ZipWeights:
    """Weights of a ``.keras`` file, in groups such as ``layers/conv2d_1/vars/0``.

    A group is named after the layer's class, not the layer, and numbered within its model.
    """

    group: Any

    def layers(self, entries: Sequence[Mapping[str, Any]]) -> list[WeightSource]:
        """Return one source per layer."""
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
        except Unsupported:  # layers without weights have no group; a layer that needs weights reports them missing
            return _ZipWeights(None)

    @_report_damage(_WEIGHTS)
    def read(self, name: str) -> NamedWeights:  # noqa: ARG002 - the group is already that of the layer
        """Return ``vars/0``, ``vars/1``, …"""
        if self.group is None or "vars" not in self.group:
            return []
        group = _resolve(self.group, "vars")
        return [(None, _array(_resolve(group, str(i)))) for i in range(len(group))]

    @_report_damage(_WEIGHTS)
    def count(self, name: str) -> int:  # noqa: ARG002 - the group is already that of the layer
        """Return the numbers in the group, at any depth; links to elsewhere are not followed."""
        import h5py

        sizes: list[int] = []
        if self.group is not None:
            self.group.visititems(lambda _, item: sizes.append(item.size) if isinstance(item, h5py.Dataset) else None)
        return sum(sizes)


def _saved_class(class_name: str) -> str:
    """Return the class that names the group; Keras 2 writes ``Model`` for ``Functional`` into the config."""
    return "Functional" if class_name == "Model" else class_name


def snake_case(class_name: str) -> str:
    """Return the name of a class' group: ``conv2d`` for ``Conv2D``, ``p_re_lu`` for ``PReLU``.

    The same expressions as ``to_snake_case`` in keras/src/utils/naming.py.
    """
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", re.sub(r"\W+", "", class_name))
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


@dataclass(frozen=True)
class _H5Weights:
    """Weights of an ``.h5`` file, in groups named after the layers.

    A nested model is one group. It lists the weights of all its layers.
    """

    group: Any
    nested: bool = False

    def layers(self, entries: Sequence[Mapping[str, Any]]) -> list[WeightSource]:
        """Return one source per layer."""
        if self.nested:
            return [self for _ in entries]
        return [self._member(_layer_name(entry)) for entry in entries]

    def _member(self, name: str) -> WeightSource:
        try:
            return _H5Weights(_resolve(self.group, name), nested=True)
        except Unsupported:  # an InputLayer has no group; a layer that needs weights reports them missing
            return _NoWeights()

    def read(self, name: str) -> NamedWeights:
        """Return the weights of the layer, such as ``outer/dense/kernel:0``, in the file's order."""
        paths = [path.split("/") for path in _weight_names(self.group)]
        own = [path for path in paths if len(path) > 1 and path[-2] == name]
        if not own and len({tuple(path[:-1]) for path in paths}) == 1 and _layer_group(self.group) == name:
            own = paths  # a renamed layer: the paths keep the name that it was built under
        return [(path[-1].partition(":")[0], _array(_resolve(self.group, "/".join(path)))) for path in own]

    def count(self, name: str) -> int:
        """Return the numbers in the layer's weights; a layer with parts, such as a cell, has a group of its own."""
        found = self.read(name) or [("", _array(_resolve(self.group, path))) for path in _weight_names(self.group)]
        return sum(array.size for _, array in found)


class _NoWeights:
    """The source of a layer without weights."""

    def layers(self, entries: Sequence[Mapping[str, Any]]) -> list[WeightSource]:
        """Return this source for every layer."""
        return [self for _ in entries]

    def read(self, name: str) -> NamedWeights:  # noqa: ARG002 - one interface for all sources
        """Return no weights."""
        return []

    def count(self, name: str) -> int:  # noqa: ARG002 - one interface for all sources
        """Return 0."""
        return 0


def _layer_group(group: Any) -> str:
    return str(group.name).rpartition("/")[2]


def _layer_name(entry: Mapping[str, Any]) -> str:
    config = entry.get("config")
    return str(config.get("name") if isinstance(config, Mapping) else "")


@_report_damage(_WEIGHTS)
def _weight_names(group: Any) -> list[str]:
    """Return the attribute ``weight_names``.

    HDF5 limits the size of an attribute. Keras splits longer lists into ``weight_names0``, ``weight_names1``, …
    """
    if "weight_names" in group.attrs:
        return [_attribute(name) for name in group.attrs["weight_names"]]
    names: list[str] = []
    while (part := f"weight_names{len(names)}") in group.attrs:
        names.append(part)
    return [_attribute(name) for part in names for name in group.attrs[part]]
