"""Checkpoints: the model after an epoch, with what it takes to go on as if the training had never stopped.

A checkpoint is a ``.keras`` file that holds the optimizer's state too, and has one more entry in its archive; Keras
and ``batch-eval run`` open it like any other model.
"""

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

ENTRY = "training.json"
FORMAT = 1
"""The entry's ``format``: 1 the first."""


@dataclass(frozen=True)
class Checkpoint:
    """How far a training has come.

    ``options`` are those that must be given again, by name; ``stream`` is the state of the generator that chooses and
    varies digits, at the end of the last epoch; ``seeds`` are the states of the dropout layers, in their order.
    """

    options: Mapping[str, str]
    epochs: tuple[Epoch, ...]
    stream: Mapping[str, Any]
    seeds: tuple[tuple[int, ...], ...]


def file_name(epoch: Epoch) -> str:
    """Return what the checkpoint after an epoch is called."""
    return f"{epoch.epoch:02d}-{epoch.val_loss:.4f}.keras"


def write_checkpoint(folder: Path, model: keras.Model, checkpoint: Checkpoint) -> None:
    """Write model and state into a folder, whole or not at all; raises ReportError when it cannot be written."""
    name = file_name(checkpoint.epochs[-1])
    with tempfile.TemporaryDirectory() as beside:
        path = Path(beside, name)
        model.save(path)
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr(ENTRY, json.dumps({"format": FORMAT, **asdict(checkpoint)}))
        publish(folder, [("the checkpoint", name, path.read_bytes())], None)


def read_checkpoint(path: Path) -> Checkpoint | None:
    """Return the state that a checkpoint holds, or None for a file that is none.

    Raises TrainingError when there is no such file, or when its state cannot be read.
    """
    if not path.is_file():
        raise TrainingError(f"--resume {path} does not exist. Give a checkpoint, or a model file to begin with.")
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
            f"{path} is a damaged checkpoint: its entry {ENTRY} cannot be read ({error}). Resume from an earlier one."
        ) from error


def _parsed(content: Any) -> Checkpoint:
    if content["format"] != FORMAT:
        raise ValueError(f"its format is {content['format']}, expected {FORMAT}")
    epochs = tuple(Epoch(**epoch) for epoch in content["epochs"])
    return Checkpoint(content["options"], epochs, content["stream"], tuple(map(tuple, content["seeds"])))


def load_weights(model: keras.Model, path: Path) -> None:
    """Read the weights of a file into a model, and the optimizer's state if it is compiled and built.

    Raises TrainingError when the file holds no such weights.
    """
    try:
        model.load_weights(path)
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        first = (str(error) or type(error).__name__).splitlines()[0].rstrip(".:")
        raise TrainingError(
            f"{path} does not hold the weights of {model.name} ({first}). Expected a .keras, .h5, .hdf5 or .weights.h5 "
            "file of this network. Name the network that it was trained as with --network."
        ) from error


def seeds_of(model: keras.Model) -> tuple[tuple[int, ...], ...]:
    """Return the states of the dropout layers' generators, which a model file does not hold."""
    return tuple(tuple(seed.numpy().tolist()) for seed in _seeds(model))


def set_seeds(model: keras.Model, states: tuple[tuple[int, ...], ...]) -> None:
    """Put the states of the dropout layers' generators back."""
    for seed, state in zip(_seeds(model), states, strict=True):
        seed.assign(state)


def _seeds(model: keras.Model) -> list[Any]:
    return [layer.seed_generator.state for layer in model.layers if hasattr(layer, "seed_generator")]
