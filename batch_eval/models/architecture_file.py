"""The architecture of a model whose weights lie in a file of their own.

``model.to_json`` writes it, and ``model.save_weights`` the weights. Courses for Keras 1 and 2 teach both:
``model.json`` beside ``model.h5``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from batch_eval.errors import ModelError
from batch_eval.models.architectures import config
from batch_eval.models.budget import Limits
from batch_eval.models.foreign import is_architecture
from batch_eval.models.model_file import ModelFile
from batch_eval.models.options import ModelOptions

WEIGHTS_ENDINGS = (".weights.h5", "_weights.h5", "-weights.h5", ".h5", ".hdf5", ".keras")
"""Endings of files with weights. What stands before them is the name that an architecture shares."""
_MAX_BYTES = 16 << 20
_MAX_FILES = 50
"""JSON files that are looked into where a message names those beside the weights."""


@dataclass(frozen=True)
class Architecture:
    """The layers of a model, without weights."""

    config: Mapping[str, Any]
    """What Keras saves for a model: ``class_name`` and ``config``."""
    origin: str
    """Where it comes from, such as ``the network cnn-flask`` or ``model.json``."""
    keras_version: str = ""
    """Version of Keras that wrote it; empty if it does not say."""
    is_file: bool = True
    """Whether it comes from a file, and not from a network's name."""


def named_architecture(options: ModelOptions) -> Architecture:
    """Return the architecture that ``--network`` or ``--architecture`` names; one of them is given.

    Raises:
        ModelError: Both are given, the network is unknown, or the file is no architecture.

    """
    if options.network is not None and options.architecture is not None:
        raise ModelError("--network and --architecture both name the layers of the weights. Give one of them.")
    if options.architecture is not None:
        return read_architecture(options.architecture, options.limits)
    name = str(options.network)
    return Architecture(config(name), f"the network {name}", "3.0.0", is_file=False)


def read_architecture(path: Path, limits: Limits) -> Architecture:
    """Read a file that ``model.to_json`` wrote.

    Raises:
        ModelError: It is none.

    """
    if not path.exists():
        raise ModelError(f"There is no architecture at {path}. Expected a JSON file that model.to_json() wrote.")
    content = _content(ModelFile.read(path, limits).data)
    if not is_architecture(content):
        raise ModelError(f"{path} is not a Keras architecture. Expected a JSON file that model.to_json() wrote.")
    return Architecture(content, path.name, str(content.get("keras_version") or ""))


def architecture_beside(weights: Path, limits: Limits) -> Architecture | None:
    """Return the architecture in the JSON file of the same stem: ``model.json`` for ``model.h5``."""
    ending = next((ending for ending in WEIGHTS_ENDINGS if weights.name.endswith(ending)), weights.suffix)
    stems = dict.fromkeys((weights.name.removesuffix(weights.suffix), weights.name.removesuffix(ending)))
    for stem in stems:
        path = weights.with_name(f"{stem}.json")
        if path.is_file() and is_architecture(_json_in(path)):
            return read_architecture(path, limits)
    return None


def others_beside(weights: Path) -> str:
    """Return a sentence that offers the architectures beside the weights, or none."""
    found = [path.name for path in _json_files(weights) if is_architecture(_json_in(path))]
    return f" {' and '.join(found)} beside it could be its architecture." if found else ""


def _json_files(weights: Path) -> Iterator[Path]:
    files = sorted(weights.parent.glob("*.json"))
    return (path for path in files[:_MAX_FILES] if path.is_file())


def _json_in(path: Path) -> Any:
    """Return the content of a JSON file. It is None for any other, or one too large."""
    if path.stat().st_size > _MAX_BYTES:
        return None
    try:
        return _content(path.read_bytes())
    except OSError:  # a file beside the model that cannot be read is nobody's architecture
        return None


def _content(data: bytes) -> Any:
    """Return what JSON holds; None where it is none."""
    try:
        content = json.loads(data)
        # json.dump(model.to_json(), file) writes JSON in a text of JSON
        return json.loads(content) if isinstance(content, str) else content
    except (ValueError, RecursionError):
        return None
