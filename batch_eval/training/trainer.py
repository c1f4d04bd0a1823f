"""Train a network: the loop, and what came of it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from batch_eval.errors import TrainingError
from batch_eval.training.batches import CLASSES, Digits, batches, drawn_plates, network_input
from batch_eval.training.compiling import chosen_callbacks, compile_for
from batch_eval.training.networks import network
from batch_eval.training.settings import Settings, recipe_of
from batch_eval.training.splitting import split

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Epoch:
    """One pass over the training digits: its number from 1, losses, accuracies of 0 to 1, and seconds."""

    epoch: int
    loss: float
    accuracy: float
    val_loss: float
    val_accuracy: float
    seconds: float


@dataclass(frozen=True)
class Training:
    """A finished training: the model with its best weights, every epoch, and whether it was stopped early."""

    model: keras.Model
    epochs: tuple[Epoch, ...]
    seconds: float
    interrupted: bool


def train(
    given: Digits,
    settings: Settings,
    *,
    report: Callable[[str, Epoch | None], None],
    check: Digits | None = None,
) -> Training:
    """Train on ``given`` (N, 28, 28) and on digits drawn here; Ctrl-C after the first epoch keeps the best so far.

    The best epoch is chosen by ``check``, or by some of ``given`` that are set aside for it.
    ``report`` gets a line of progress, and the epoch that has just ended if there is one. The same seed gives the
    same weights on the same machine. Raises TrainingError when there are too few digits.
    """
    import keras

    keras.utils.set_random_seed(settings.seed)
    recipe = recipe_of(settings)
    train_set, val_set = split(given, recipe, settings, check)
    if recipe.drawn:
        report(f"Drawing {recipe.drawn:,} digits", None)
    plates = drawn_plates(settings.seed, recipe.drawn)
    steps = (len(train_set) + len(plates)) // settings.batch_size
    if steps == 0:
        raise TrainingError(
            f"{len(train_set) + len(plates)} training digits do not fill one batch of {settings.batch_size}. "
            "Give more images, or a smaller --batch-size."
        )
    model = network(settings.network).build()
    compile_for(model, recipe, recipe.epochs * steps, constant=settings.reduce_lr is not None)
    stream = batches(train_set, plates, size=settings.batch_size, seed=settings.seed, augment=recipe.augment)
    callbacks = chosen_callbacks(settings, averaged=recipe.averaged)
    return _fit(model, stream, val_set, callbacks, epochs=recipe.epochs, steps=steps, report=report)


def _fit(
    model: keras.Model,
    stream: Any,
    val_set: Digits,
    callbacks: Sequence[Any],
    *,
    epochs: int,
    steps: int,
    report: Callable[[str, Epoch | None], None],
) -> Training:
    """Run the epochs, remember the best weights, and put them back at the end."""
    import keras
    import numpy as np

    done: list[Epoch] = []
    best: list[Any] = []
    begun = time.monotonic()

    def remember(number: int, logs: dict[str, float]) -> None:
        figures = {key: logs[key] for key in ("loss", "accuracy", "val_loss", "val_accuracy")}
        epoch = Epoch(number + 1, **figures, seconds=time.monotonic() - begun - sum(e.seconds for e in done))
        if not done or epoch.val_loss <= min(e.val_loss for e in done):
            best[:] = model.get_weights()
        done.append(epoch)
        report(f"Epoch {epoch.epoch} of {epochs}", epoch)

    interrupted = False
    try:
        model.fit(
            stream,
            steps_per_epoch=steps,
            epochs=epochs,
            shuffle=False,
            verbose=0,
            validation_data=(network_input(val_set.images), np.eye(CLASSES, dtype=np.float32)[val_set.labels]),
            validation_batch_size=500,
            callbacks=[
                *callbacks,
                keras.callbacks.LambdaCallback(on_epoch_end=remember),
            ],
        )
    except KeyboardInterrupt:
        if not best:
            raise
        interrupted = True
    if any(not math.isfinite(epoch.loss) for epoch in done):
        raise TrainingError("the loss became infinite. Choose a smaller --learning-rate.")
    model.set_weights(best)
    return Training(model, tuple(done), time.monotonic() - begun, interrupted)
