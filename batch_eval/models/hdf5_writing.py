"""Write HDF5 files in the plain layout that ``hdf5_file.py`` reads, with h5py."""

from __future__ import annotations

import io
from collections.abc import Iterator
from itertools import count
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from batch_eval.errors import ModelError
from batch_eval.models.hdf5_file import Attributes, Dataset, Group

MAX_OBJECTS = 50_000
"""Groups and datasets that are written at most: a few groups that contain one another would make an endless tree."""
_MAX_DEPTH = 32
_NUMBERS = "fiub"
"""Kinds of NumPy's types that a weight may have."""


def written(root: Group) -> bytes:
    """Return a tree of groups and datasets as an HDF5 file."""
    import h5py

    stream = io.BytesIO()
    with h5py.File(stream, "w", libver="earliest") as file:
        _fill(file, root, count())
    return stream.getvalue()


def _fill(target: Any, group: Group, counter: Iterator[int]) -> None:
    _describe(target, group.attributes)
    for name, item in group.members.items():
        if next(counter) > MAX_OBJECTS:
            raise ModelError("The weights have too many parts; such a model is never opened.")
        if isinstance(item, Group):
            _fill(target.create_group(name), item, counter)
        else:
            _describe(target.create_dataset(name, data=item.read()), item.attributes)


def _describe(target: Any, attributes: Attributes) -> None:
    for name, value in attributes.items():
        target.attrs[name] = value if isinstance(value, str) else np.array([text.encode() for text in value])


def rewritten(data: bytes, file: Path, *, folder: Path) -> bytes:  # noqa: ARG001 - called as the runtimes' openers
    """Return any HDF5 file in the plain layout; called in a child process, as h5py may crash.

    Raises:
        ModelError: It is damaged, or refers to other files.

    """
    import h5py

    try:
        with h5py.File(io.BytesIO(data), "r") as source:
            return written(_read_group(source, 0))
    except (ModelError, MemoryError):
        raise
    except Exception as error:  # h5py raises exceptions of any class
        raise ModelError(f"{file} is damaged or cut off: {error}. Copy or save the model again.") from error


def _read_group(group: Any, depth: int) -> Group:
    import h5py

    if depth > _MAX_DEPTH:
        raise ModelError("The groups of weights are nested too deeply; such a model is never opened.")
    members: dict[str, Group | Dataset] = {}
    for name in group:
        # h5py follows an external link even to say whether a name exists
        if group.id.links.get_info(name.encode()).type != h5py.h5l.TYPE_HARD:
            raise ModelError(f"The weights contain a soft or external link ({name}); such a model is never opened.")
        item = group[name]
        members[name] = _read_group(item, depth + 1) if isinstance(item, h5py.Group) else _read_dataset(item)
    return Group(members, _read_attributes(group))


def _read_dataset(dataset: Any) -> Dataset:
    import h5py

    if not isinstance(dataset, h5py.Dataset) or dataset.shape is None or dataset.dtype.kind not in _NUMBERS:
        raise ModelError(f"The weight {dataset.name} is no array of numbers; such a model is never opened.")
    if dataset.is_virtual or dataset.external:
        raise ModelError(f"The weight {dataset.name} is stored in another file; such a model is never opened.")
    stored = dataset.id.get_storage_size()
    if prod(dataset.shape) * dataset.dtype.itemsize and not stored:
        raise ModelError(f"The weight {dataset.name} is not stored in the file. Save the model again.")
    numbers = np.ascontiguousarray(dataset[()])
    return Dataset(dataset.shape, numbers.dtype, memoryview(numbers.tobytes()), _read_attributes(dataset))


def _read_attributes(item: Any) -> Attributes:
    found: Attributes = {}
    for name in item.attrs:
        value = item.attrs[name]
        values = [
            part.decode("utf-8", "replace") if isinstance(part, bytes) else part for part in np.ravel(value).tolist()
        ]
        texts = values if all(isinstance(part, str) for part in values) else []
        found[name] = texts[0] if texts and np.ndim(value) == 0 else texts
    return found
