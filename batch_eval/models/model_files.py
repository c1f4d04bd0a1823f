"""Which files are models: single ones, patterns such as `*.keras`, and folders of models."""

from __future__ import annotations

import glob
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from batch_eval.errors import ConfigError

SUFFIXES = frozenset({".keras", ".h5", ".hdf5", ".onnx", ".tflite"})
"""Suffixes of files that can be opened."""
FOREIGN_SUFFIXES = frozenset({".pt", ".pth", ".pkl", ".pickle", ".joblib", ".pb", ".safetensors", ".mlmodel", ".ckpt"})
"""Suffixes of models that are never opened. They are listed, so that nobody's model is missing without a word."""
_SAVED_MODEL = "saved_model.pb"
"""File that makes a folder a SavedModel."""


def find_models(given: Sequence[str | Path]) -> list[Path]:
    """Return the model files that are named by files, patterns and folders, each once, in the order given.

    A folder is searched with all folders below; a SavedModel folder is one model.
    Raises ConfigError for a pattern or folder without a model.
    """
    found: dict[str, Path] = {}
    for name in given:
        for path in _models_of(Path(name)):
            found.setdefault(os.path.realpath(path), path)
    return list(found.values())


def _models_of(path: Path) -> list[Path]:
    if path.is_dir():
        if _is_saved_model(path):
            return [path]
        models = sorted(_inside(path))
        if not models:
            raise ConfigError(
                f"the folder {path} holds no model. Expected {', '.join(sorted(SUFFIXES))} files or SavedModel folders."
            )
        return models
    if path.exists() or not glob.has_magic(str(path)):
        return [path]  # opening a missing file says that it is missing
    matches = sorted(map(Path, glob.glob(str(path), recursive=True)))
    if not matches:
        raise ConfigError(f"no model matches {str(path)!r}. Check the pattern, and the folder that it starts from.")
    return [model for match in matches for model in _models_of(match)]


def _is_saved_model(folder: Path) -> bool:
    return (folder / _SAVED_MODEL).is_file()


def _inside(folder: Path) -> Iterator[Path]:
    """Yield the models in a folder and below. Hidden files and folders are left out."""
    with os.scandir(folder) as entries:
        for entry in entries:
            path = Path(entry.path)
            if entry.name.startswith("."):
                continue
            if entry.is_dir():
                yield from [path] if _is_saved_model(path) else _inside(path)
            elif path.suffix.lower() in SUFFIXES | FOREIGN_SUFFIXES:
                yield path


def model_names(paths: Sequence[Path]) -> list[str]:
    """Return a name for each model: its file name, or as much of its path as tells it from the others.

    >>> model_names([Path("in/ann/a.keras"), Path("in/bob/a.keras"), Path("in/bob/b.keras")])
    ['ann/a.keras', 'bob/a.keras', 'b.keras']
    """
    names = [path.name for path in paths]
    for depth in range(2, max((len(path.parts) for path in paths), default=0) + 1):
        repeated = {name for name, count in Counter(names).items() if count > 1}
        if not repeated:
            break
        names = [
            "/".join(path.parts[-depth:]) if name in repeated else name for name, path in zip(names, paths, strict=True)
        ]
    return names
