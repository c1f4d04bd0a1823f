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
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from batch_eval.errors import ModelError
from batch_eval.models.budget import DEFAULT_LIMITS, Budget, Limits
from batch_eval.models.hdf5_file import SIGNATURE as HDF5
from batch_eval.models.hdf5_file import DamagedError, Group, OtherLayoutError, read_hdf5
from batch_eval.models.keras_weights import H5Weights, WeightSource, ZipWeights
from batch_eval.models.layers.call import Unsupported
from batch_eval.models.model_file import ModelFile
from batch_eval.models.options import ModelOptions
from batch_eval.models.zip_file import SIGNATURE as ZIP
from batch_eval.models.zip_file import ZipFile

if TYPE_CHECKING:
    from batch_eval.models.architecture_file import Architecture

_MAX_JSON = 16 << 20
"""Bytes of config.json at most, and of metadata.json."""


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
    architecture: Architecture | None = None
    """Where the config comes from, if the file holds weights only."""


def parse_model(file: ModelFile, options: ModelOptions) -> KerasFile | None:
    """Read a Keras model, with its layers from the file itself or from where the options say.

    Return None for files of other kinds. Errors are those of ``parse_keras`` and ``parse_weights``.
    """
    if options.network is None and options.architecture is None:
        return parse_keras(file)
    from batch_eval.models.architecture_file import named_architecture

    return parse_weights(file, named_architecture(options))


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
        from batch_eval.models.foreign import Suspect, foreign_kind

        suspect = Suspect(file.path, file.data, tuple(sorted(archive.names)))
        kind = foreign_kind(suspect)
        raise ModelError(kind.message(suspect) if kind else f"{file.path} is not a Keras model.")
    config = _json(archive.read("config.json", _MAX_JSON), file.path)
    metadata = _json(archive.read("metadata.json", _MAX_JSON), file.path) if "metadata.json" in archive.names else {}
    root = Group()
    if "model.weights.h5" in archive.names:
        root = _hdf5(archive.read("model.weights.h5", file.limits.memory), file.path, file.limits)
    version = metadata.get("keras_version")
    return KerasFile(config, _major(version), ZipWeights(root, budget), root, True, budget, str(version or ""))


def _parse_h5(file: ModelFile) -> KerasFile:
    """Read an ``.h5`` file."""
    # layout: https://github.com/keras-team/keras/blob/master/keras/src/legacy/saving/legacy_h5_format.py
    root, budget = _hdf5(file.data, file.path, file.limits), Budget(file.limits)
    config, version = (root.attributes.get(key) for key in ("model_config", "keras_version"))
    if not isinstance(config, str):
        from batch_eval.models.architecture_file import architecture_beside, others_beside

        architecture = architecture_beside(file.path, file.limits)
        if architecture:
            return _with_architecture(root, budget, architecture)
        raise ModelError(
            f"{file.path} holds weights only, no architecture.{others_beside(file.path)} Name the file that "
            "model.to_json() wrote with --architecture, or its network with --network, or save the whole model with "
            "model.save('model.keras')."
        )
    weights = root.find("model_weights")
    if not isinstance(weights, Group):
        raise ModelError(
            f"{file.path} holds an architecture without weights. Save the model with model.save('model.keras')."
        )
    content = _json(config.encode(), file.path)
    source = H5Weights(weights, budget)
    return _of_keras1(KerasFile(content, _major(version), source, root, False, budget, str(version or "")))


def parse_weights(file: ModelFile, architecture: Architecture) -> KerasFile:
    """Read a weights-only file as a model of an architecture.

    ``save_weights`` of Keras 1, 2 or 3 wrote it.

    Raises:
        ModelError: The file is damaged, or not a weights-only file.

    """
    option = "--architecture" if architecture.is_file else "--network"
    if file.data.startswith(ZIP):
        raise ModelError(f"{file.path} holds its own architecture. Leave out {option}.")
    if not file.data.startswith(HDF5):
        raise ModelError(
            f"{file.path} is not a weights file. Expected a file that model.save_weights('NAME.weights.h5') wrote."
        )
    with _report_damage(file.path):
        root, budget = _hdf5(file.data, file.path, file.limits), Budget(file.limits)
    if "model_config" in root.attributes:
        raise ModelError(f"{file.path} holds its own architecture. Leave out {option}.")
    return _with_architecture(root, budget, architecture)


def _with_architecture(root: Group, budget: Budget, architecture: Architecture) -> KerasFile:
    """Return the weights of a file as a model of an architecture."""
    stored = root.attributes.get("keras_version")
    version = architecture.keras_version or (stored if isinstance(stored, str) else "")
    if "layer_names" not in root.attributes and "layer_names0" not in root.attributes:
        # Keras 3 stores the same groups here as in the model.weights.h5 of a .keras file
        weights: WeightSource = ZipWeights(root, budget)
        return KerasFile(architecture.config, _major(version) or 3, weights, root, True, budget, version, architecture)
    # Keras 1 and 2 store the same groups here as in the group model_weights of an .h5 file
    whole = Group({"model_weights": root}, {"keras_version": version})
    weights = H5Weights(root, budget, in_order=True)
    major = _major(version) or (3 if "module" in architecture.config else 2)
    return _of_keras1(KerasFile(architecture.config, major, weights, whole, False, budget, version, architecture))


def _of_keras1(saved: KerasFile) -> KerasFile:
    """Return a model of Keras 1 as one of Keras 2; others as they are."""
    from batch_eval.models.keras1 import Keras1Weights, is_keras1, upgraded

    if not is_keras1(saved.config, saved.keras_version):
        return saved
    groups = (saved.hdf5, saved.hdf5.members.get("model_weights"))
    backends = [group.attributes.get("backend") for group in groups if isinstance(group, Group)]
    backend = next((name for name in backends if isinstance(name, str)), "")
    try:
        config = upgraded(saved.config)
    except Unsupported:  # the conversion meets it again, and says so
        config = dict(saved.config)
    return replace(saved, config=config, keras_major=2, weights=Keras1Weights(saved.weights, backend))


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
