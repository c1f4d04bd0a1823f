"""Train the ink network on drawn scenes."""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from batch_eval.errors import TrainingError
from batch_eval.models.tensorflow_runtime import import_tensorflow
from batch_eval.training.batches import Digits
from batch_eval.training.checkpoint import load_weights
from batch_eval.training.ink.loss import ink_loss
from batch_eval.training.ink.network import SIDE, build
from batch_eval.training.ink.stream import Batch, Scenes, pool

if TYPE_CHECKING:
    import keras

SMALL_SIDE = SIDE // 2
SMALL_FIRST = 0.6
"""Share of the steps, at the beginning, that see small scenes only. They have a quarter of the pixels."""
SMALL_EVERY = 2
"""Later, one step in so many sees small scenes too."""
BATCH, SMALL_BATCH = 32, 64
KEPT = 6000
"""Scenes of each size that are kept. Each is used about four times."""
WARM_UP = 300
"""Steps over which the learning rate rises."""
MEAN_EVERY, MEMORY = 10, 0.98
"""Steps between two moves of the running mean of the weights, and the share of it that stays."""
EPOCH = 1000
"""Steps that count as an epoch; scenes never end."""
REPORT_EVERY, CHECKPOINT_EVERY = 200, EPOCH
"""Steps between two lines of progress, and between two checkpoints."""


@dataclass(frozen=True)
class InkSettings:
    """How long to train, and from where.

    ``start`` is a model file whose weights to begin with. The model is written to ``checkpoint`` now and then.
    ``processes`` draw scenes beside the training.
    """

    steps: int = 14 * EPOCH
    seed: int = 1
    learning_rate: float = 2.5e-3
    start: Path | None = None
    checkpoint: Path | None = None
    processes: int = 1


@dataclass(frozen=True)
class InkTraining:
    """A finished training. ``missed`` is how badly it covers the ink of its last scenes, 0 to 1."""

    model: keras.Model
    missed: Mapping[int, float]
    steps: int
    seconds: float


def train_ink(given: Digits, settings: InkSettings, report: Callable[[str], None]) -> InkTraining:
    """Train the network on scenes with ``given`` digits (N, 28, 28) and drawn ones.

    ``report`` gets lines of progress. The same seed draws the same scenes. On the same machine, it gives the
    same weights. Raises TrainingError when the loss becomes infinite, or when the file to start from does not fit.
    """
    import_tensorflow("training")
    import keras

    begun = time.monotonic()
    keras.utils.set_random_seed(settings.seed)
    model = build(None)
    if settings.start:
        load_weights(model, settings.start)
    mean = RunningMean(model)
    missed = {SMALL_SIDE: 1.0, SIDE: 1.0}
    with tempfile.TemporaryDirectory() as folder, pool(given, Path(folder), settings.processes) as processes:
        large = Scenes(processes, settings.seed, SIDE, batch=BATCH, kept=KEPT, every=2)
        small = Scenes(processes, settings.seed, SMALL_SIDE, batch=SMALL_BATCH, kept=KEPT)
        streams = {SIDE: large.batches(), SMALL_SIDE: small.batches()}
        take_step = _step(model, settings)
        for step in range(settings.steps):
            for side in _sides(step, settings.steps):
                loss, missing = take_step(step, next(streams[side]))
                if not math.isfinite(loss):
                    raise TrainingError("the loss became infinite. Choose a smaller --learning-rate.")
                # A running mean over about the last hundred batches.
                missed[side] += (missing - missed[side]) / 100
            mean.follow(step)
            if (step + 1) % REPORT_EVERY == 0:
                report(_progress(step + 1, settings.steps, missed, time.monotonic() - begun))
            if settings.checkpoint and (step + 1) % CHECKPOINT_EVERY == 0:
                mean.model().save(settings.checkpoint)
    return InkTraining(mean.model(), missed, settings.steps, time.monotonic() - begun)


def _sides(step: int, steps: int) -> Iterator[int]:
    """Yield the sizes of the scenes that a step sees."""
    if step >= SMALL_FIRST * steps:
        yield SIDE
    if step < SMALL_FIRST * steps or step % SMALL_EVERY == 0:
        yield SMALL_SIDE


def _step(model: keras.Model, settings: InkSettings) -> Callable[[int, Batch], tuple[float, float]]:
    """Return a function that trains on a batch and returns loss and missed ink."""
    import keras
    import tensorflow as tf

    optimizer = keras.optimizers.AdamW(settings.learning_rate, weight_decay=1e-3, clipnorm=1.0)
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    optimizer.build(model.trainable_variables)

    @tf.function(reduce_retracing=True)  # type: ignore[untyped-decorator]
    def descend(images: Any, maps: Any, single: Any) -> tuple[Any, Any]:
        with tf.GradientTape() as tape:
            patches = model(tf.cast(images, tf.float32), training=True)
            loss, missing = ink_loss(patches, tf.cast(maps, tf.float32) / 255, tf.cast(single, tf.float32))
        optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
        return loss, missing

    def take(step: int, batch: Batch) -> tuple[float, float]:
        # Rise over the first steps, and fall along half a cosine to a hundredth.
        warm = min(1.0, (step + 1) / WARM_UP)
        fall = 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * step / settings.steps))
        optimizer.learning_rate = settings.learning_rate * warm * fall
        loss, missing = descend(*batch)
        return float(loss), float(missing)

    return take


class RunningMean:
    """The running mean of a model's weights, which is the result."""

    def __init__(self, model: keras.Model) -> None:
        self._model, self._mean = model, model.get_weights()

    def follow(self, step: int) -> None:
        """Move the mean towards the weights after a step, at first by more."""
        if step % MEAN_EVERY == 0:
            count = step // MEAN_EVERY
            # The share is 0 at step 0 and grows to MEMORY, so the random weights of the beginning are forgotten.
            share = min(MEMORY, count / (10 + count))
            pairs = zip(self._mean, self._model.get_weights(), strict=True)
            self._mean = [share * old + (1 - share) * new for old, new in pairs]

    def model(self) -> keras.Model:
        """Return a model of the network's own size with these weights."""
        model = build()
        model.set_weights(self._mean)
        return model


def _progress(step: int, steps: int, missed: Mapping[int, float], seconds: float) -> str:
    parts = ", ".join(f"{share:.4f} at {side} px" for side, share in missed.items() if share < 1)
    return f"Step {step:,} of {steps:,}: ink missed {parts}, {seconds:.0f} s"
