"""Train a network: the loop, its settings, and what came of it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from batch_eval.errors import TrainingError
from batch_eval.training.batches import CLASSES, Digits, batches, drawn_digits, drawn_plates, network_input
from batch_eval.training.networks import network

if TYPE_CHECKING:
    import keras

MEMORY_OF_WEIGHTS = 0.999  # a step's share in the running mean of the weights is the rest
LABEL_SMOOTHING = 0.05
CHECKED = 2000  # given digits, and as many drawn ones, that no training step sees


@dataclass(frozen=True)
class Settings:
    """What a training run can vary; None takes the network's own recipe."""

    network: str = "default"
    epochs: int | None = None
    batch_size: int = 128
    learning_rate: float | None = None
    seed: int = 1
    augment: bool = True
    drawn: int | None = None


@dataclass(frozen=True)
class Recipe:
    """The settings of a run after the network's own recipe has filled the gaps."""

    epochs: int
    learning_rate: float
    drawn: int


def recipe_of(settings: Settings) -> Recipe:
    """Return what is set, and the network's recipe for the rest; raises TrainingError for an unknown network."""
    own = network(settings.network)
    return Recipe(
        own.epochs if settings.epochs is None else settings.epochs,
        own.learning_rate if settings.learning_rate is None else settings.learning_rate,
        own.drawn if settings.drawn is None else settings.drawn,
    )


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


def train(given: Digits, settings: Settings, *, report: Callable[[str, Epoch | None], None]) -> Training:
    """Train on ``given`` (N, 28, 28) and on digits drawn here; Ctrl-C after the first epoch keeps the best so far.

    ``report`` gets a line of progress, and the epoch that has just ended if there is one. The same seed gives the
    same weights on the same machine. Raises TrainingError when there are too few digits.
    """
    import keras

    keras.utils.set_random_seed(settings.seed)
    recipe = recipe_of(settings)
    train_set, val_set = _split(given, settings)
    report(f"Drawing {recipe.drawn:,} digits", None)
    plates = drawn_plates(settings.seed, recipe.drawn)
    steps = (len(train_set) + len(plates)) // settings.batch_size
    if steps == 0:
        raise TrainingError(
            f"{len(train_set) + len(plates)} training digits do not fill one batch of {settings.batch_size}. "
            "Give more images, or a smaller --batch-size."
        )
    model = network(settings.network).build()
    _compile(model, recipe.learning_rate, recipe.epochs * steps)
    stream = batches(train_set, plates, size=settings.batch_size, seed=settings.seed, augment=settings.augment)
    return _fit(model, stream, val_set, epochs=recipe.epochs, steps=steps, report=report)


def _split(given: Digits, settings: Settings) -> tuple[Digits, Digits]:
    """Set digits aside for checking: the last given ones, at most a tenth, and as many newly drawn ones."""
    import numpy as np

    count = min(CHECKED, len(given) // 10)
    unseen = drawn_digits(settings.seed + 1000, max(count, CLASSES))
    split = len(given) - count
    images = np.concatenate([given.images[split:], unseen.images])
    labels = np.concatenate([given.labels[split:], unseen.labels])
    return Digits(given.images[:split], given.labels[:split]), Digits(images, labels)


def _compile(model: keras.Model, learning_rate: float, steps: int) -> None:
    """Set AdamW with a warm-up, a cosine decay to nearly zero and a running mean of the weights."""
    import keras

    warmup = max(1, steps // 20)
    schedule = keras.optimizers.schedules.CosineDecay(
        learning_rate / 20, max(1, steps - warmup), alpha=0.2, warmup_target=learning_rate, warmup_steps=warmup
    )
    optimizer = keras.optimizers.AdamW(
        schedule, weight_decay=0.02, use_ema=True, ema_momentum=min(MEMORY_OF_WEIGHTS, 1 - 10 / (steps + 10))
    )
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    loss = keras.losses.CategoricalCrossentropy(label_smoothing=LABEL_SMOOTHING)
    model.compile(optimizer, loss, metrics=["accuracy"], jit_compile=False)


def _fit(
    model: keras.Model,
    stream: Any,
    val_set: Digits,
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
                keras.callbacks.SwapEMAWeights(swap_on_epoch=True),
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
