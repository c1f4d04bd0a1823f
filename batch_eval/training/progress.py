"""A training in progress.

It has epochs, the best weights so far, and checkpoints.
"""

from __future__ import annotations

import hashlib
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from batch_eval.errors import TrainingError
from batch_eval.training.batches import Digits
from batch_eval.training.checkpoint import (
    Checkpoint,
    dropout_states,
    file_name,
    load_weights,
    read_checkpoint,
    restore_dropout_states,
    write_checkpoint,
)
from batch_eval.training.history import FIGURES, Epoch, best_of
from batch_eval.training.networks import Hyperparameters, network
from batch_eval.training.settings import Settings

if TYPE_CHECKING:
    import keras

OnProgress = Callable[[str, Epoch | None], None]
"""Gets a line of progress, and the epoch that has just ended, if one has."""


def binding_options(
    settings: Settings, hyperparameters: Hyperparameters, training_set: Digits, validation_set: Digits
) -> dict[str, str]:
    """Return the options that a checkpoint and the training that resumes from it must share."""
    digest = hashlib.sha256()
    for array in (training_set.images, training_set.labels, validation_set.images, validation_set.labels):
        digest.update(array.tobytes())
    # --epochs and --early-stopping are missing on purpose: they only decide where a training ends.
    options = {
        "--network": settings.network,
        "--batch-size": settings.batch_size,
        "--learning-rate": hyperparameters.learning_rate,
        "--optimizer": hyperparameters.optimizer,
        "--reduce-lr": hyperparameters.plateau or "off",
        "--best-by": hyperparameters.best_by,
        "--augment": hyperparameters.augment,
        "--drawn": hyperparameters.drawn,
        "--seed": settings.seed,
        "the hash of the digits": digest.hexdigest()[:16],
    }
    return {name: str(value) for name, value in options.items()}


def checkpoint_to_resume(path: Path | None, options: Mapping[str, str], epochs: int) -> Checkpoint | None:
    """Return the checkpoint at ``path``.

    None means no path, or another model file.

    Raises TrainingError for a checkpoint of other options, or if all ``epochs`` are done.
    """
    found = read_checkpoint(path) if path else None
    if found is None:
        return None
    differing = [
        f"{name} was {found.options.get(name)} and is {value}"
        for name, value in options.items()
        if found.options.get(name) != value
    ]
    if differing:
        raise TrainingError(
            f"{path} is a checkpoint of another training: {'; '.join(differing)}. Give the same data and options. "
            "To start anew with its weights, resume from the finished model instead."
        )
    if len(found.epochs) >= epochs:
        raise TrainingError(
            f"{path} is the checkpoint after epoch {len(found.epochs)} of {epochs}. Give a higher --epochs to continue."
        )
    return found


@dataclass
class Progress:
    """What a training has reached: every epoch, the best weights, and the seconds.

    ``stream_states`` holds the batches' random state at the end of each pass. Keras draws batches ahead, so it may
    hold a pass whose epoch has not ended.
    """

    model: keras.Model
    planned_epochs: int
    on_progress: OnProgress
    options: Mapping[str, str]
    checkpoints: Path | None = None
    best_by: str = "loss"
    epochs: list[Epoch] = field(default_factory=list)
    best_weights: list[Any] = field(default_factory=list)
    stream_states: deque[Mapping[str, Any]] = field(default_factory=deque)
    started: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        """Duration of the training, with that before it was resumed."""
        return time.monotonic() - self.started

    def restore(self, path: Path, checkpoint: Checkpoint, callbacks: Sequence[Any]) -> None:
        """Restore the state of a checkpoint. Call it when Keras' training has begun.

        Raises TrainingError if the weights cannot be read, or if early stopping had ended the training there.
        """
        # Keras skips the optimizer's state in the file, with a mere warning, unless its variables exist.
        self.model.optimizer.build(self.model.trainable_variables)
        self.epochs[:] = checkpoint.epochs
        self.started -= sum(epoch.seconds for epoch in checkpoint.epochs)
        # Callbacks count epochs without improvement, so replay the earlier epochs for them.
        for epoch in checkpoint.epochs:
            for callback in callbacks:
                callback.on_epoch_end(epoch.epoch - 1, asdict(epoch))
        if self.model.stop_training:
            raise TrainingError(
                f"{path} is where --early-stopping ended the training. Give it more patience to continue."
            )
        # After the replay, in which SwapEMAWeights exchanges weights and their averages.
        load_weights(self.model, path)
        restore_dropout_states(self.model, checkpoint.seeds)
        best = best_of(self.epochs, self.best_by)
        is_last = best is self.epochs[-1]
        self.best_weights[:] = self.model.get_weights() if is_last else self._weights_of(best, path)

    def _weights_of(self, best: Epoch, path: Path) -> list[Any]:
        """Return the weights of the best epoch from its checkpoint, which lies beside ``path``."""
        file = path.with_name(file_name(best))
        if not file.is_file():
            raise TrainingError(
                f"The best epoch before {path} is number {best.epoch}, but {file.name} is not beside it. "
                "Put it there, or resume from another checkpoint."
            )
        model = network(self.model.name).build()
        load_weights(model, file)
        weights: list[Any] = model.get_weights()
        return weights

    def epoch_ended(self, number: int, logs: Mapping[str, float]) -> None:
        """Record an epoch, counted from 0: keep the best weights, write a checkpoint, report."""
        names = [f"{part}{figure}" for part in ("", "val_") for figure in FIGURES]
        figures = {name: logs[name] for name in names}
        epoch = Epoch(number + 1, **figures, seconds=self.seconds - sum(e.seconds for e in self.epochs))
        self.epochs.append(epoch)
        if best_of(self.epochs, self.best_by) is epoch:
            self.best_weights[:] = self.model.get_weights()
        stream = self.stream_states.popleft()
        if self.checkpoints:
            checkpoint = Checkpoint(self.options, tuple(self.epochs), stream, dropout_states(self.model))
            write_checkpoint(self.checkpoints, self.model, checkpoint)
        self.on_progress(f"Epoch {epoch.epoch} of {self.planned_epochs}", epoch)
