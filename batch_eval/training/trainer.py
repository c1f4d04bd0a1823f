"""Train a network from its settings."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from batch_eval.errors import TrainingError
from batch_eval.models.tensorflow_runtime import import_tensorflow
from batch_eval.training.batches import CLASSES, Digits, batches, drawn_plates, network_input
from batch_eval.training.checkpoint import Checkpoint, load_weights
from batch_eval.training.compiling import compile_for, epoch_callbacks, tensorboard_callbacks
from batch_eval.training.history import Epoch
from batch_eval.training.networks import network
from batch_eval.training.progress import OnProgress, Progress, binding_options, checkpoint_to_resume
from batch_eval.training.settings import Settings, hyperparameters_of
from batch_eval.training.splitting import split
from batch_eval.training.stopping import stopping_between_batches

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class TrainingResult:
    """A finished training: the model with its best weights, and the history."""

    model: keras.Model
    epochs: tuple[Epoch, ...]
    seconds: float
    interrupted: bool
    """Whether Ctrl-C ended it."""
    origin: str = ""
    """A sentence on what it was resumed from, if it was."""


def train(
    digits: Digits, settings: Settings, *, on_progress: OnProgress, validation: Digits | None = None
) -> TrainingResult:
    """Train on ``digits`` (N, 28, 28) and on drawn digits. Ctrl-C after the first epoch keeps the best weights.

    The loss on ``validation`` chooses the best epoch. Without it, a part of ``digits`` is set aside. The same seed
    gives the same weights on the same machine, also after a resume.

    Raises TrainingError if there are too few digits, or if the file to resume from does not fit.
    """
    import_tensorflow("training")
    import keras

    # First of all: the seed decides the initial weights and the dropout layers' states, in the order of their making.
    keras.utils.set_random_seed(settings.seed)
    hyperparameters = hyperparameters_of(settings)
    board = tensorboard_callbacks(settings.tensorboard)
    training_set, validation_set = split(digits, hyperparameters, settings, validation)
    options = binding_options(settings, hyperparameters, training_set, validation_set)
    checkpoint = checkpoint_to_resume(settings.resume, options, hyperparameters.epochs)
    if hyperparameters.drawn:
        on_progress(f"Drawing {hyperparameters.drawn:,} digits", None)
    plates = drawn_plates(settings.seed, hyperparameters.drawn)
    steps = _steps_per_epoch(len(training_set) + len(plates), settings.batch_size)
    model = network(settings.network).build()
    if settings.resume and not checkpoint:
        load_weights(model, settings.resume)
    compile_for(model, hyperparameters, hyperparameters.epochs * steps)
    progress = Progress(
        model, hyperparameters.epochs, on_progress, options, settings.checkpoints, hyperparameters.best_by
    )
    stream = batches(
        *(training_set, plates),
        size=settings.batch_size,
        seed=settings.seed,
        augment=hyperparameters.augment,
        state=checkpoint.stream if checkpoint else None,
        on_pass_end=progress.stream_states.append,
    )
    watching = epoch_callbacks(hyperparameters)
    callbacks = [*watching, *board, _progress_callback(progress, settings, checkpoint, watching)]
    first = len(checkpoint.epochs) if checkpoint else 0
    interrupted = _fit(progress, stream, validation_set, callbacks, steps=steps, first=first)
    return TrainingResult(model, tuple(progress.epochs), progress.seconds, interrupted, _origin(settings, checkpoint))


def _steps_per_epoch(digits: int, batch_size: int) -> int:
    """Return the number of whole batches. Raises TrainingError if there is none."""
    steps = digits // batch_size
    if steps == 0:
        raise TrainingError(
            f"{digits} training digits do not fill one batch of {batch_size}. "
            "Give more images, or a smaller --batch-size."
        )
    return steps


def _progress_callback(
    progress: Progress, settings: Settings, checkpoint: Checkpoint | None, watching: Sequence[Any]
) -> Any:
    """Return the Keras callback that records epochs, and restores the checkpoint when training begins."""
    from keras.callbacks import LambdaCallback

    def begin(_logs: Any) -> None:
        if settings.resume and checkpoint:
            progress.restore(settings.resume, checkpoint, watching)

    # Keras resets its callbacks when training begins. Ours comes after them, so what it restores stays.
    return LambdaCallback(on_train_begin=begin, on_epoch_end=progress.epoch_ended)


def _fit(
    progress: Progress, stream: Any, validation_set: Digits, callbacks: Sequence[Any], *, steps: int, first: int
) -> bool:
    """Train from epoch ``first``, counted from 0, and set the best weights. Return whether Ctrl-C ended it."""
    import numpy as np

    one_hot = np.eye(CLASSES, dtype=np.float32)[validation_set.labels]
    interrupted = False
    try:
        with stopping_between_batches(lambda: progress.best_weights) as stopping:
            progress.model.fit(
                stream,
                steps_per_epoch=steps,
                initial_epoch=first,
                epochs=progress.planned_epochs,
                shuffle=False,  # the stream shuffles, from its own random state
                verbose=0,
                validation_data=(network_input(validation_set.images), one_hot),
                validation_batch_size=500,
                callbacks=[*callbacks, stopping],
            )
    except KeyboardInterrupt:
        if not progress.best_weights:
            raise
        interrupted = True
    if any(not math.isfinite(epoch.loss) for epoch in progress.epochs):
        raise TrainingError("the loss became infinite. Choose a smaller --learning-rate.")
    progress.model.set_weights(progress.best_weights)
    return interrupted


def _origin(settings: Settings, checkpoint: Checkpoint | None) -> str:
    """Return a sentence on what a training was resumed from."""
    if settings.resume is None:
        return ""
    if checkpoint is None:
        return f"Training began with the weights of {settings.resume.name}."
    return f"Training was resumed from {settings.resume.name} after epoch {len(checkpoint.epochs)}."
