"""Checkpoints: the model after an epoch, with all state that a training needs to resume exactly.

A checkpoint is a ``.keras`` file with one more entry in its archive. Keras and ``batch-eval run`` open it like any
other model.
"""

# A resumed training must end with the same weights as one that never stopped. Keras saves weights and the optimizer's
# state (step count, moments, averaged weights). Our entry adds the rest:
# - the random state of batches and augmentation,
# - the random state of each dropout layer,
# - the epochs so far, from which callbacks recover their patience and the best epoch,
# - the options, because other options would not give the same weights.

from __future__ import annotations

import json
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from batch_eval.errors import TrainingError
from batch_eval.publishing import publish
from batch_eval.training.history import Epoch

if TYPE_CHECKING:
    import keras

ENTRY = "training.json"  # name in the archive
FORMAT = 1
"""The entry's ``format``. 1: the first."""


@dataclass(frozen=True)
class Checkpoint:
    """State of a training after its last epoch."""

    # The names are keys of the saved entry.
    options: Mapping[str, str]
    """Those that must be the same to resume, by name."""
    epochs: tuple[Epoch, ...]
    stream: Mapping[str, Any]
    """State of the random generator of the batches."""
    seeds: tuple[tuple[int, ...], ...]
    """Random states of the dropout layers, in their order."""


def file_name(epoch: Epoch) -> str:
    """Return a checkpoint's file name, such as ``03-0.0412.keras``."""
    return f"{epoch.epoch:02d}-{epoch.val_loss:.4f}.keras"


def write_checkpoint(folder: Path, model: keras.Model, checkpoint: Checkpoint) -> None:
    """Write a checkpoint into a folder atomically. Raises ReportError if that fails."""
    name = file_name(checkpoint.epochs[-1])
    with tempfile.TemporaryDirectory() as beside:
        path = Path(beside, name)
        model.save(path)
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr(ENTRY, json.dumps({"format": FORMAT, **asdict(checkpoint)}))
        publish(folder, [("the checkpoint", name, path.read_bytes())], None)


def read_checkpoint(path: Path) -> Checkpoint | None:
    """Return a checkpoint's state, or None for any other model file.

    Raises TrainingError if the file is missing or its state is damaged.
    """
    if not path.is_file():
        raise TrainingError(
            f"--resume {path} does not exist. Give a checkpoint, or a model file with the initial weights."
        )
    if not zipfile.is_zipfile(path):
        return None
    with zipfile.ZipFile(path) as archive:
        if ENTRY not in archive.namelist():
            return None
        content = archive.read(ENTRY)
    try:
        return _parsed(json.loads(content))
    except (ValueError, KeyError, TypeError) as error:
        raise TrainingError(
            f"{path} is a damaged checkpoint: its entry {ENTRY} cannot be read ({error}). "
            "Resume from an earlier checkpoint."
        ) from error


def _parsed(content: Any) -> Checkpoint:
    if content["format"] != FORMAT:
        raise ValueError(f"its format is {content['format']}. Expected {FORMAT}")
    epochs = tuple(Epoch(**epoch) for epoch in content["epochs"])
    return Checkpoint(content["options"], epochs, content["stream"], tuple(map(tuple, content["seeds"])))


def load_weights(model: keras.Model, path: Path) -> None:
    """Load a file's weights into a model, and the optimizer's state if the model's optimizer is built.

    Raises TrainingError if the file does not hold this network's weights.
    """
    try:
        model.load_weights(path)
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        first = (str(error) or type(error).__name__).splitlines()[0].rstrip(".:")
        raise TrainingError(
            f"{path} does not hold the weights of {model.name} ({first}). Expected a .keras, .h5, .hdf5 or .weights.h5 "
            "file of this network. Name the file's network with --network."
        ) from error


def dropout_states(model: keras.Model) -> tuple[tuple[int, ...], ...]:
    """Return the random states of the dropout layers, which Keras does not save."""
    return tuple(tuple(state.numpy().tolist()) for state in _dropout_variables(model))


def restore_dropout_states(model: keras.Model, states: tuple[tuple[int, ...], ...]) -> None:
    """Set the random states of the dropout layers."""
    for variable, state in zip(_dropout_variables(model), states, strict=True):
        variable.assign(state)


def _dropout_variables(model: keras.Model) -> list[Any]:
    return [layer.seed_generator.state for layer in model.layers if hasattr(layer, "seed_generator")]
