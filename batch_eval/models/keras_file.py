"""Read the config and the weights of a ``.keras`` or ``.h5`` file without TensorFlow.

Both formats hold JSON and HDF5. A ``.keras`` file is a zip archive of config.json, metadata.json and model.weights.h5.
An ``.h5`` file is one HDF5 file with the config in an attribute.

A file may come from a stranger. It is read once, nothing in it is executed, and links to other files are never
followed. Sizes are checked before memory is used.
"""

from __future__ import annotations

import json
import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from batch_eval.errors import ModelError
from batch_eval.models.budget import DEFAULT_LIMITS, Budget, Limits
from batch_eval.models.hdf5_file import SIGNATURE as HDF5
from batch_eval.models.hdf5_file import DamagedError, Dataset, Group, OtherLayoutError, numbers_in, read_hdf5
from batch_eval.models.layers.call import Array, Unsupported
from batch_eval.models.model_file import ModelFile
from batch_eval.models.zip_file import SIGNATURE as ZIP
from batch_eval.models.zip_file import ZipFile

_MAX_JSON = 16 << 20
"""Bytes of config.json at most, and of metadata.json."""

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
    hdf5: Group
    """The HDF5 file with the weights, or with weights and config."""
    is_zip: bool
    """Whether it is a ``.keras`` file, with the weights in a file of their own."""
    budget: Budget
    """Counts the bytes of the weights that are read."""
    keras_version: str = ""
    """Version of Keras that saved the model, such as ``3.9.0``; empty if unknown."""


def read_keras(path: Path, limits: Limits = DEFAULT_LIMITS) -> KerasFile | None:
    """Read a ``.keras`` or ``.h5`` file. Arguments and errors as in ``parse_keras``."""
    return parse_keras(ModelFile.read(path, limits))


def parse_keras(file: ModelFile) -> KerasFile | None:
    """Read a ``.keras`` or ``.h5`` file, recognised by its first bytes. Return None for other files.

    Raises:
        ModelError: The file is damaged, or lacks the architecture or the weights.

    """
    with _report_damage(file.path):
        if file.data.startswith(ZIP):
            return _parse_zip(file)
        return _parse_h5(file) if file.data.startswith(HDF5) else None


def _parse_zip(file: ModelFile) -> KerasFile:
    """Read a ``.keras`` file."""
    # layout: https://github.com/keras-team/keras/blob/master/keras/src/saving/saving_lib.py
    archive, budget = ZipFile(file.data), Budget(file.limits)
    if "config.json" not in archive.names:
        raise ModelError(f"{file.path} is {_kind_of_zip(archive.names)}. Expected a model saved by Keras (model.save).")
    config = _json(archive.read("config.json", _MAX_JSON), file.path)
    metadata = _json(archive.read("metadata.json", _MAX_JSON), file.path) if "metadata.json" in archive.names else {}
    root = Group()
    if "model.weights.h5" in archive.names:
        root = _hdf5(archive.read("model.weights.h5", file.limits.memory), file.path, file.limits)
    version = metadata.get("keras_version")
    return KerasFile(config, _major(version), _ZipWeights(root, budget), root, True, budget, str(version or ""))


def _kind_of_zip(names: set[str]) -> str:
    if any(name.endswith("data.pkl") for name in names):
        return "a PyTorch file; pickled objects are programs and are never opened. Export the model to ONNX"
    return "a zip archive without config.json, not a Keras model"


def _parse_h5(file: ModelFile) -> KerasFile:
    """Read an ``.h5`` file."""
    # layout: https://github.com/keras-team/keras/blob/master/keras/src/legacy/saving/legacy_h5_format.py
    root, budget = _hdf5(file.data, file.path, file.limits), Budget(file.limits)
    config, version = (root.attributes.get(key) for key in ("model_config", "keras_version"))
    if not isinstance(config, str):
        raise ModelError(
            f"{file.path} holds weights only, no architecture. "
            "Name its network with --network, or save the whole model with model.save('model.keras')."
        )
    weights = root.find("model_weights")
    if not isinstance(weights, Group):
        raise ModelError(
            f"{file.path} holds an architecture without weights. Save the model with model.save('model.keras')."
        )
    content = _json(config.encode(), file.path)
    source = _H5Weights(weights, budget)
    return KerasFile(content, _major(version), source, root, False, budget, str(version or ""))


def read_weights(path: Path, config: Mapping[str, Any], limits: Limits = DEFAULT_LIMITS) -> KerasFile:
    """Read a weights-only file. Arguments and errors as in ``parse_weights``."""
    return parse_weights(ModelFile.read(path, limits), config)


def parse_weights(file: ModelFile, config: Mapping[str, Any]) -> KerasFile:
    """Read a weights-only file (``.weights.h5``, written by ``save_weights``) as a model of the given config.

    Raises:
        ModelError: The file is damaged, or not a weights-only file.

    """
    if file.data.startswith(ZIP):
        raise ModelError(f"{file.path} holds its own architecture. Leave out --network.")
    if not file.data.startswith(HDF5):
        raise ModelError(
            f"{file.path} is not a weights file. Expected a file that model.save_weights('NAME.weights.h5') wrote."
        )
    with _report_damage(file.path):
        root, budget = _hdf5(file.data, file.path, file.limits), Budget(file.limits)
    if "model_config" in root.attributes:
        raise ModelError(f"{file.path} holds its own architecture. Leave out --network.")
    # Keras 3 stores the same groups here as in the model.weights.h5 of a .keras file
    return KerasFile(config, 3, _ZipWeights(root, budget), root, True, budget)


def _hdf5(data: bytes, path: Path, limits: Limits) -> Group:
    """Return the root group of an HDF5 file; one of an unusual layout is rewritten first."""
    try:
        return read_hdf5(data)
    except OtherLayoutError:
        from batch_eval.models.isolation import plain_hdf5

        return read_hdf5(plain_hdf5(data, path, limits))


@contextmanager
def _report_damage(path: Path) -> Iterator[None]:
    """Turn the errors of a damaged file into a ModelError that names it."""
    try:
        yield
    except (DamagedError, OtherLayoutError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise ModelError(f"{path} is damaged or cut off: {error}. Copy or save the model again.") from error


def _major(version: Any) -> int | None:
    match = re.match(r"(\d{1,3})\.", str(version))
    return int(match[1]) if match else None


def _json(data: bytes, path: Path) -> dict[str, Any]:
    try:
        content = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{path} is damaged: its config is not valid JSON ({error}).") from error
    if not isinstance(content, dict):
        raise ModelError(f"{path} is damaged: its config is not a JSON object.")
    return content


def _array(item: Group | Dataset | None, budget: Budget) -> Array:
    """Return the numbers of a dataset."""
    if not isinstance(item, Dataset):
        raise Unsupported("a weight that is not an array")
    if item.dtype not in (np.float32, np.float64) and item.dtype.kind not in "iu":
        raise Unsupported(f"weights of type {item.dtype}")
    budget.spend(item.nbytes)
    return item.read()


@dataclass(frozen=True)
class _ZipWeights:
    """Weights of a ``.keras`` file, in groups such as ``layers/conv2d_1/vars/0``.

    A group is named after the layer's class, not the layer, and numbered within its model.
    """

    group: Group
    budget: Budget

    def layers(self, entries: Sequence[Mapping[str, Any]]) -> list[WeightSource]:
        """Return one source per layer."""
        counts: Counter[str] = Counter()
        found: list[WeightSource] = []
        for entry in entries:
            name = snake_case(_saved_class(str(entry.get("class_name"))))
            number = counts[name]
            counts[name] += 1
            member = self.group.find(f"layers/{name}_{number}" if number else f"layers/{name}")
            # layers without weights have no group; a layer that needs weights reports them missing
            found.append(_ZipWeights(member if isinstance(member, Group) else Group(), self.budget))
        return found

    def read(self, name: str) -> NamedWeights:  # noqa: ARG002 - the group is already that of the layer
        """Return ``vars/0``, ``vars/1``, …"""
        group = self.group.members.get("vars", Group())
        if not isinstance(group, Group):
            raise Unsupported("weights that are no group")
        return [(None, _array(group.members.get(str(i)), self.budget)) for i in range(len(group.members))]

    def count(self, name: str) -> int:  # noqa: ARG002 - the group is already that of the layer
        """Return the numbers in the group, at any depth."""
        return numbers_in([self.group])


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

    group: Group
    budget: Budget
    name: str = ""
    """The name of the group; empty for the group of all layers."""

    def layers(self, entries: Sequence[Mapping[str, Any]]) -> list[WeightSource]:
        """Return one source per layer."""
        if self.name:
            return [self for _ in entries]
        return [self._member(_layer_name(entry)) for entry in entries]

    def _member(self, name: str) -> WeightSource:
        group = self.group.find(name)
        # an InputLayer has no group; a layer that needs weights reports them missing
        return _H5Weights(group, self.budget, name.rpartition("/")[2]) if isinstance(group, Group) else _NoWeights()

    def read(self, name: str) -> NamedWeights:
        """Return the weights of the layer, such as ``outer/dense/kernel:0``, in the file's order."""
        paths = [path.split("/") for path in _weight_names(self.group)]
        own = [path for path in paths if len(path) > 1 and path[-2] == name]
        if not own and len({tuple(path[:-1]) for path in paths}) == 1 and self.name == name:
            own = paths  # a renamed layer: the paths keep the name that it was built under
        return [(path[-1].partition(":")[0], _array(self.group.find("/".join(path)), self.budget)) for path in own]

    def count(self, name: str) -> int:
        """Return the numbers in the layer's weights; a layer with parts, such as a cell, has a group of its own."""
        names = _weight_names(self.group)
        own = [path for path in names if path.split("/")[-2:-1] == [name]]
        return numbers_in([self.group.find(path) for path in own or names])


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


def _layer_name(entry: Mapping[str, Any]) -> str:
    config = entry.get("config")
    return str(config.get("name") if isinstance(config, Mapping) else "")


def _weight_names(group: Group) -> list[str]:
    """Return the attribute ``weight_names``.

    HDF5 limits the size of an attribute. Keras splits longer lists into ``weight_names0``, ``weight_names1``, …
    """
    keys = ["weight_names"] if "weight_names" in group.attributes else []
    while not keys or f"weight_names{len(keys)}" in group.attributes:
        keys.append(f"weight_names{len(keys)}")
    return [name for key in keys for name in group.attributes.get(key, ())]
