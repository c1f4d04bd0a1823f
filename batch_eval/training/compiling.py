"""Prepare a Keras model for training: optimizer, learning rate schedule, loss and callbacks."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from batch_eval.errors import TrainingError
from batch_eval.installation import install_command
from batch_eval.training.networks import Hyperparameters

if TYPE_CHECKING:
    import keras

EMA_MOMENTUM = 0.999
"""Share of the old average that each step keeps in the moving average of the weights."""
LABEL_SMOOTHING = 0.05
"""Probability that the target distribution spreads evenly over all classes."""
WEIGHT_DECAY = 0.02
"""Of AdamW, relative to the learning rate (Loshchilov and Hutter, 2019, arXiv:1711.05101)."""


def compile_for(model: keras.Model, hyperparameters: Hyperparameters, steps: int) -> None:
    """Set optimizer, loss and metrics for a training of ``steps`` batches.

    The learning rate warms up and decays, unless it waits for a plateau.
    """
    import keras

    rate = hyperparameters.learning_rate
    config: dict[str, Any] = {"learning_rate": rate if hyperparameters.plateau else _schedule(rate, steps)}
    if hyperparameters.optimizer == "adamw":
        config["weight_decay"] = WEIGHT_DECAY
    if hyperparameters.average_weights:
        # The average forgets what is about 1 / (1 - momentum) steps old. In a short training 1000 steps would reach
        # back to the random initial weights, so cap the reach at a tenth of the steps.
        config |= {"use_ema": True, "ema_momentum": min(EMA_MOMENTUM, 1 - 10 / (steps + 10))}
    optimizer = _optimizer_class(hyperparameters.optimizer)(**config)
    if hyperparameters.optimizer == "adamw":
        # Decay pulls weights towards 0. Biases and batch normalisation's scales have no reason to be small.
        optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    # Smoothed labels keep the model from being overconfident (Szegedy et al., 2016, arXiv:1512.00567).
    smoothing = LABEL_SMOOTHING if hyperparameters.average_weights else 0.0
    loss = keras.losses.CategoricalCrossentropy(label_smoothing=smoothing)
    # Of one-hot labels, these count each class whose probability exceeds 0.5, as courses print them.
    counts = [keras.metrics.Precision(name="precision"), keras.metrics.Recall(name="recall")]
    model.compile(optimizer, loss, metrics=["accuracy", *counts], jit_compile=False)


def _optimizer_class(name: str) -> Any:
    from keras import optimizers

    classes = (optimizers.Adam, optimizers.AdamW, optimizers.SGD, optimizers.RMSprop, optimizers.Adadelta)
    return {cls.__name__.lower(): cls for cls in classes}[name]


def _schedule(rate: float, steps: int) -> Any:
    """Return a schedule.

    Linear warm-up to ``rate`` takes 5 % of the steps. Then a cosine decays to ``rate / 5``.

    Sources: Goyal et al., 2017, arXiv:1706.02677 (warm-up); Loshchilov and Hutter, 2017, arXiv:1608.03983 (cosine).
    """
    import keras

    # Adam's first steps rest on few gradients, so the rate starts low. The cosine then stays high in the middle and
    # falls gently at the end, where the weights settle.
    warmup = max(1, steps // 20)
    return keras.optimizers.schedules.CosineDecay(
        rate / 20, max(1, steps - warmup), alpha=0.2, warmup_target=rate, warmup_steps=warmup
    )


def epoch_callbacks(hyperparameters: Hyperparameters) -> list[Any]:
    """Return Keras' callbacks that act at the end of an epoch."""
    from keras import callbacks

    # The averaged weights come first: validation, checkpoints and the best weights must all see them.
    chosen: list[Any] = [callbacks.SwapEMAWeights(swap_on_epoch=True)] if hyperparameters.average_weights else []
    if plateau := hyperparameters.plateau:
        chosen.append(
            callbacks.ReduceLROnPlateau(patience=plateau.patience, factor=plateau.factor, min_lr=plateau.floor)
        )
    if hyperparameters.early_stopping is not None:
        chosen.append(callbacks.EarlyStopping(patience=hyperparameters.early_stopping))
    return chosen


def tensorboard_callbacks(folder: Path | None) -> list[Any]:
    """Return the callback that writes for TensorBoard, if a folder is given.

    Raises TrainingError if TensorBoard is not installed.
    """
    if folder is None:
        return []
    try:
        # Keras imports it only when it writes the first figure, after minutes of training.
        importlib.import_module("tensorboard")
    except ImportError as error:
        raise TrainingError(
            f"--tensorboard needs tensorboard ({error}). Install it with: {install_command('tensorboard')}"
        ) from error
    from keras import callbacks

    return [callbacks.TensorBoard(str(folder))]
