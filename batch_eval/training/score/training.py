"""Train the score network: one digit, or something else?"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from batch_eval.imaging.looking import InkModel
from batch_eval.models.tensorflow_runtime import import_tensorflow
from batch_eval.training.augment import augmented, jittered, plate_of_ink, plate_of_mnist
from batch_eval.training.batches import Digits, network_input
from batch_eval.training.drawing import draw_ink
from batch_eval.training.score.findings import findings
from batch_eval.training.score.others import other

if TYPE_CHECKING:
    import keras

BATCH = 128
WIDTHS = ((16, 5, 2), (24, 3, 1), (32, 3, 2), (48, 3, 2))
"""Filters, kernel and stride of its convolutions."""

SCENES, WRONG_TIMES = 1 / 6, 3
"""Scenes that are drawn for each digit, and how often each wrong finding in them is used, moved a little."""


@dataclass(frozen=True)
class ScoreSettings:
    """``count`` images of one digit, and as many of something else, are seen in every epoch."""

    count: int = 60_000
    epochs: int = 10
    seed: int = 1
    learning_rate: float = 2e-3


def build() -> keras.Model:
    """Build the network untrained.

    It takes (N, 28, 28, 1) float32, ink 1 on 0. It gives the probability of one digit, (N, 1).
    """
    import keras
    from keras import layers

    model = keras.Sequential([keras.Input((28, 28, 1))], name="score")
    for filters, kernel, stride in WIDTHS:
        model.add(layers.Conv2D(filters, kernel, strides=stride, padding="same", use_bias=False))
        model.add(layers.BatchNormalization())
        model.add(layers.ReLU())
    for layer in (layers.Flatten(), layers.Dropout(0.3), layers.Dense(1, activation="sigmoid")):
        model.add(layer)
    return model


def score_images(
    given: Digits, model: InkModel, settings: ScoreSettings
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Return images (2 · count, 28, 28) uint8, and 1 for each digit, 0 for other things."""
    rng = np.random.default_rng([settings.seed, 21])
    found = findings(settings.seed + 1, max(1, round(settings.count * SCENES)), given, model)
    # At most half of the other things are wrong findings, and at most a third of the digits right ones.
    wrong = [jittered(rng, image) for image in found.wrong for _ in range(WRONG_TIMES)][: settings.count // 2]
    seen = found.right[: settings.count // 3]
    real = [_varied(rng, given.images[int(rng.integers(len(given)))]) for _ in range(settings.count // 3)]
    drawn = [
        augmented(rng, plate_of_ink(draw_ink(rng, int(rng.integers(10)), rare=True)))
        for _ in range(settings.count - len(seen) - len(real))
    ]
    others = [other(rng, given, model) for _ in range(settings.count - len(wrong))]
    images = np.stack([*seen, *real, *drawn, *wrong, *others])
    # The digits come first, then as many others.
    return images, np.repeat(np.array([1, 0], np.float32), settings.count)


def _varied(rng: np.random.Generator, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return jittered(rng, image) if rng.random() < 0.4 else augmented(rng, plate_of_mnist(image))


def train_score(
    given: Digits, ink_model: InkModel, settings: ScoreSettings, report: Callable[[str], None]
) -> tuple[keras.Model, float]:
    """Train the network; return it, and how long it took in seconds. ``report`` gets lines of progress."""
    import_tensorflow("training")
    import keras

    begun = time.monotonic()
    keras.utils.set_random_seed(settings.seed)
    report(f"Drawing {2 * settings.count:,} images")
    images, truth = score_images(given, ink_model, settings)
    model = build()
    steps = settings.epochs * (len(images) // BATCH)
    rate = keras.optimizers.schedules.CosineDecay(settings.learning_rate, max(1, steps))
    model.compile(keras.optimizers.AdamW(rate), "binary_crossentropy", metrics=["accuracy"], jit_compile=False)
    told = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: report(f"Epoch {epoch + 1} of {settings.epochs}: loss {logs['loss']:.4f}")
    )
    model.fit(network_input(images), truth, batch_size=BATCH, epochs=settings.epochs, verbose=0, callbacks=[told])
    return model, time.monotonic() - begun
