"""The kinds of model files: those that are opened, and those that are named with what to do."""

from pathlib import Path

from batch_eval.models.foreign import FOREIGN_FOLDERS, FOREIGN_KINDS, ForeignKind, Suspect

from .tables import table

_NAME = {
    "TensorFlow.js": "model.json",
    "architecture": "model.json",
    "TorchScript": "model.pt",
    "SavedModel": "digits/saved_model.pb",
    "frozen": "model.pb",
    "Core ML model": "model.mlmodel",
    "zip archive with a model": "converted_keras.zip",
    "folder with a model": "models",
}


def foreign() -> str:
    """Return every kind of file and folder that is not opened, and the message that it gets."""
    rows = [_row(kind) for kind in (*FOREIGN_KINDS, *FOREIGN_FOLDERS)]
    return table(["what it is", "told by", "what the message says to do"], rows)


def _row(kind: ForeignKind) -> tuple[str, str, str]:
    name = next((name for words, name in _NAME.items() if words in kind.name), "model.h5")
    members = ("keras_model.h5", "labels.txt") if "in it" in kind.name else ()
    path = Path(name)
    advice = kind.message(Suspect(path, members=members)).removeprefix(f"{path} is {kind.name}.").strip()
    return kind.name, kind.evidence, advice or "which files are expected"
