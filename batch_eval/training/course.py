"""A training under way, as Keras tells of it: every epoch, the best weights so far, and checkpoints to go on from."""

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
    file_name,
    load_weights,
    read_checkpoint,
    seeds_of,
    set_seeds,
    write_checkpoint,
)
from batch_eval.training.history import Epoch, best_of
from batch_eval.training.networks import Network, network
from batch_eval.training.settings import Settings

if TYPE_CHECKING:
    import keras

Report = Callable[[str, Epoch | None], None]


def kept_options(settings: Settings, recipe: Network, train_set: Digits, val_set: Digits) -> dict[str, str]:
    """Return what a resumed training must have in common with the one that made its checkpoint."""
    digest = hashlib.sha256()
    for array in (train_set.images, train_set.labels, val_set.images, val_set.labels):
        digest.update(array.tobytes())
    options = {
        "--network": recipe.name,
        "--batch-size": settings.batch_size,
        "--learning-rate": recipe.learning_rate,
        "--optimizer": recipe.optimizer,
        "--reduce-lr": settings.reduce_lr or "off",
        "--augment": recipe.augment,
        "--drawn": recipe.drawn,
        "--seed": settings.seed,
        "the hash of the digits": digest.hexdigest()[:16],
    }
    return {name: str(value) for name, value in options.items()}


def earlier_part(path: Path | None, options: Mapping[str, str], epochs: int) -> Checkpoint | None:
    """Return the checkpoint to go on from, or None where training begins anew, perhaps with a file's weights.

    Raises TrainingError when the checkpoint is of a training with other options, or of a finished one.
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
            f"{path} is a checkpoint of another training: {'; '.join(differing)}. Give the same data and options, or "
            "resume from a finished model to begin anew with its weights."
        )
    if len(found.epochs) >= epochs:
        raise TrainingError(
            f"{path} is the checkpoint after epoch {len(found.epochs)} of {epochs}. Give a higher --epochs to go on."
        )
    return found


@dataclass
class Course:
    """What has been reached: every epoch, the best weights, and the duration with that before a resumption.

    ``passes`` holds the state of the stream of batches at the end of each pass that Keras has drawn, which may be
    ahead of the epochs.
    """

    model: keras.Model
    planned: int
    report: Report
    options: Mapping[str, str]
    checkpoints: Path | None = None
    done: list[Epoch] = field(default_factory=list)
    best: list[Any] = field(default_factory=list)
    passes: deque[Mapping[str, Any]] = field(default_factory=deque)
    begun: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        """How long the training has taken."""
        return time.monotonic() - self.begun

    def go_on(self, path: Path, earlier: Checkpoint, patient: Sequence[Any]) -> None:
        """Put everything back as it was when a checkpoint was written; Keras' training has just begun.

        The ``patient`` callbacks count epochs without a better one, so they are told of the earlier epochs again.
        Raises TrainingError when the weights cannot be read, or when training had ended there.
        """
        self.model.optimizer.build(self.model.trainable_variables)
        self.done[:] = earlier.epochs
        self.begun -= sum(epoch.seconds for epoch in earlier.epochs)
        for epoch in earlier.epochs:
            for callback in patient:
                callback.on_epoch_end(epoch.epoch - 1, asdict(epoch))
        if self.model.stop_training:
            raise TrainingError(f"{path} is where --early-stopping ended the training. Give more patience to go on.")
        load_weights(self.model, path)  # after the callbacks, one of which exchanges weights and their means
        set_seeds(self.model, earlier.seeds)
        best = best_of(self.done)
        self.best[:] = self.model.get_weights() if best is self.done[-1] else self._weights_beside(path, best)

    def _weights_beside(self, path: Path, best: Epoch) -> list[Any]:
        """Return the weights of the best epoch's checkpoint."""
        file = path.with_name(file_name(best))
        if not file.is_file():
            raise TrainingError(
                f"The best epoch before {path} is number {best.epoch}, but there is no {file.name} beside it. "
                "Put it there, or resume from another checkpoint."
            )
        model = network(self.model.name).build()
        load_weights(model, file)
        weights: list[Any] = model.get_weights()
        return weights

    def epoch_ended(self, number: int, logs: Mapping[str, float]) -> None:
        """Take note of an epoch, counted from 0: remember the best weights, write a checkpoint, report."""
        figures = {key: logs[key] for key in ("loss", "accuracy", "val_loss", "val_accuracy")}
        epoch = Epoch(number + 1, **figures, seconds=self.seconds - sum(e.seconds for e in self.done))
        self.done.append(epoch)
        if best_of(self.done) is epoch:
            self.best[:] = self.model.get_weights()
        stream = self.passes.popleft()
        if self.checkpoints:
            checkpoint = Checkpoint(self.options, tuple(self.done), stream, seeds_of(self.model))
            write_checkpoint(self.checkpoints, self.model, checkpoint)
        self.report(f"Epoch {epoch.epoch} of {self.planned}", epoch)
