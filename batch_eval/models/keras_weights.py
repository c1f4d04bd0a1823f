"""The weights in a Keras file, by layer: each format has its own order and names."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from batch_eval.models.budget import Budget
from batch_eval.models.hdf5_file import Dataset, Group, numbers_in
from batch_eval.models.layers.call import Array, Misfit, Unsupported

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


WITH_WEIGHTS = (
    *("Conv1D", "Conv2D", "Conv2DTranspose", "DepthwiseConv2D", "SeparableConv2D", "Dense", "EinsumDense"),
    *("BatchNormalization", "LayerNormalization", "GroupNormalization", "Normalization", "PReLU", "Embedding"),
    *("SimpleRNN", "LSTM", "GRU", "Bidirectional", "TimeDistributed"),
)
"""Classes of layers that have weights."""


def _array(item: Group | Dataset | None, budget: Budget) -> Array:
    """Return the numbers of a dataset."""
    if not isinstance(item, Dataset):
        raise Unsupported("a weight that is not an array")
    if item.dtype not in (np.float32, np.float64) and item.dtype.kind not in "iu":
        raise Unsupported(f"weights of type {item.dtype}")
    budget.spend(item.nbytes)
    return item.read()


@dataclass(frozen=True)
class ZipWeights:
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
            found.append(ZipWeights(member if isinstance(member, Group) else Group(), self.budget))
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
class H5Weights:
    """Weights of an ``.h5`` file, in groups named after the layers.

    A nested model is one group. It lists the weights of all its layers.
    """

    group: Group
    budget: Budget
    name: str = ""
    """The name of the group; empty for the group of all layers."""
    in_order: bool = False
    """Whether layers of other names take the weights in their order, as Keras' ``load_weights`` gives them."""

    def layers(self, entries: Sequence[Mapping[str, Any]]) -> list[WeightSource]:
        """Return one source per layer."""
        if self.name:
            return [self for _ in entries]
        names = [_layer_name(entry) for entry in entries]
        stored = [name for name in _names(self.group, "layer_names") if self._member(name, name).read_names()]
        if self.in_order and not set(stored) <= set(names):
            stored_name = dict(zip(_takers(entries, len(stored)), stored, strict=True))
            return [self._member(stored_name.get(name, ""), name) for name in names]
        return [self._member(name, name) for name in names]

    def _member(self, stored_name: str, name: str) -> H5Weights:
        group = self.group.find(stored_name)
        # an InputLayer has no group; a layer that needs weights reports them missing
        return H5Weights(group if isinstance(group, Group) else Group(), self.budget, name.rpartition("/")[2])

    def read_names(self) -> list[str]:
        """Return the names of the weights."""
        return _names(self.group, "weight_names")

    def read(self, name: str) -> NamedWeights:
        """Return the weights of the layer, such as ``outer/dense/kernel:0``, in the file's order."""
        paths = [path.split("/") for path in self.read_names()]
        own = [path for path in paths if len(path) > 1 and path[-2] == name]
        if not own and len({tuple(path[:-1]) for path in paths}) == 1 and self.name == name:
            own = paths  # a renamed layer: the paths keep the name that it was built under
        return [(path[-1].partition(":")[0], _array(self.group.find("/".join(path)), self.budget)) for path in own]

    def count(self, name: str) -> int:
        """Return the numbers in the layer's weights. A layer with parts, such as a cell, has a group of its own."""
        names = self.read_names()
        own = [path for path in names if path.split("/")[-2:-1] == [name]]
        return numbers_in([self.group.find(path) for path in own or names])


def _takers(entries: Sequence[Mapping[str, Any]], count: int) -> list[str]:
    """Return the names of the layers that have weights, of which there must be ``count``."""
    found = [_layer_name(entry) for entry in entries if _has_weights(entry)]
    if len(found) != count:
        raise Misfit(f"it holds weights of {count} layers, not of {len(found)}")
    return found


def _has_weights(entry: Mapping[str, Any]) -> bool:
    config = entry.get("config")
    inside = config.get("layers") if isinstance(config, Mapping) else config
    if isinstance(inside, list):
        return any(_has_weights(layer) for layer in inside if isinstance(layer, Mapping))
    return entry.get("class_name") in WITH_WEIGHTS


def _layer_name(entry: Mapping[str, Any]) -> str:
    config = entry.get("config")
    return str(config.get("name") if isinstance(config, Mapping) else "")


def _names(group: Group, key: str) -> list[str]:
    """Return the attribute ``weight_names`` or ``layer_names``.

    HDF5 limits the size of an attribute. Keras splits longer lists into ``weight_names0``, ``weight_names1``, …
    """
    keys = [key] if key in group.attributes else []
    while not keys or f"{key}{len(keys)}" in group.attributes:
        keys.append(f"{key}{len(keys)}")
    return [name for key in keys for name in group.attributes.get(key, ())]
