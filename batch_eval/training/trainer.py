"""Train a network: the loop, its settings, and what came of it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from batch_eval.errors import TrainingError
from batch_eval.training.batches import CLASSES, Digits, batches, drawn_digits, drawn_plates, network_input
from batch_eval.training.networks import network

if TYPE_CHECKING:
    import keras

MEMORY_OF_WEIGHTS = 0.999  # a step's share in the running mean of the weights is the rest
LABEL_SMOOTHING = 0.05
SETTLING_RATE = 0.2  # the learning rate of the settling epochs, as a share of the one before
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
    settling: int = 0


def recipe_of(settings: Settings) -> Recipe:
    """Return what is set, and the network's recipe for the rest; raises TrainingError for an unknown network.

    Who sets the epochs gets exactly those; settling is part of the network's own recipe.
    """
    own = network(settings.network)
    return Recipe(
        own.epochs if settings.epochs is None else settings.epochs,
        own.learning_rate if settings.learning_rate is None else settings.learning_rate,
        own.drawn if settings.drawn is None else settings.drawn,
        own.settling if settings.epochs is None and settings.augment else 0,
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
    loop = _Loop(network(settings.network).build(), val_set, steps, recipe.epochs + recipe.settling, report)
    stream = partial(batches, train_set, plates, size=settings.batch_size, augment=settings.augment)
    loop.fit(stream(seed=settings.seed), recipe.epochs, recipe.learning_rate)
    if recipe.settling and not loop.interrupted:
        keras.utils.set_random_seed(settings.seed + 1)
        settling = stream(seed=settings.seed + 1, plain=1.0)
        loop.fit(settling, recipe.settling, recipe.learning_rate * SETTLING_RATE)
    return loop.finish()


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


class _Loop:
    """Fits a model over one or two runs of epochs, remembers the best weights of the last one, and every epoch."""

    def __init__(
        self,
        model: keras.Model,
        val_set: Digits,
        steps: int,
        planned: int,
        report: Callable[[str, Epoch | None], None],
    ) -> None:
        import numpy as np

        self._model, self._steps, self._planned, self._report = model, steps, planned, report
        self._check = network_input(val_set.images), np.eye(CLASSES, dtype=np.float32)[val_set.labels]
        self._begun = time.monotonic()
        self._epochs: list[Epoch] = []
        self._best: tuple[float, list[Any]] | None = None
        self.interrupted = False

    def fit(self, stream: Any, epochs: int, learning_rate: float) -> None:
        """Run ``epochs``, and put their best weights back; Ctrl-C after the first one ends them."""
        import keras

        _compile(self._model, learning_rate, epochs * self._steps)
        before, self._best = self._best, None
        try:
            self._model.fit(
                stream,
                steps_per_epoch=self._steps,
                epochs=epochs,
                shuffle=False,
                verbose=0,
                validation_data=self._check,
                validation_batch_size=500,
                callbacks=[
                    keras.callbacks.SwapEMAWeights(swap_on_epoch=True),
                    keras.callbacks.LambdaCallback(on_epoch_end=self._remember),
                ],
            )
        except KeyboardInterrupt:
            self._best = self._best or before
            if self._best is None:
                raise
            self.interrupted = True
        if any(not math.isfinite(epoch.loss) for epoch in self._epochs):
            raise TrainingError("the loss became infinite. Choose a smaller --learning-rate.")
        if self._best:
            self._model.set_weights(self._best[1])

    def _remember(self, _: int, logs: dict[str, float]) -> None:
        figures = {key: logs[key] for key in ("loss", "accuracy", "val_loss", "val_accuracy")}
        seconds = time.monotonic() - self._begun - sum(e.seconds for e in self._epochs)
        epoch = Epoch(len(self._epochs) + 1, **figures, seconds=seconds)
        if self._best is None or epoch.val_loss <= self._best[0]:
            self._best = epoch.val_loss, self._model.get_weights()
        self._epochs.append(epoch)
        self._report(f"Epoch {epoch.epoch} of {self._planned}", epoch)

    def finish(self) -> Training:
        """Return what came of it all."""
        return Training(self._model, tuple(self._epochs), time.monotonic() - self._begun, self.interrupted)
