"""What Keras is told before it trains: the optimizer with its schedule, the loss, and its own callbacks."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from batch_eval.errors import TrainingError
from batch_eval.training.networks import Network
from batch_eval.training.settings import Settings

if TYPE_CHECKING:
    import keras

MEMORY_OF_WEIGHTS = 0.999  # a step's share in the running mean of the weights is the rest
LABEL_SMOOTHING = 0.05


def compile_for(model: keras.Model, recipe: Network, steps: int, *, constant: bool) -> None:
    """Set the optimizer and the loss; the learning rate warms up and decays over ``steps``, unless ``constant``."""
    import keras

    config: dict[str, Any] = {"learning_rate": recipe.learning_rate if constant else _schedule(recipe, steps)}
    if recipe.optimizer == "adamw":
        config["weight_decay"] = 0.02
    if recipe.averaged:
        config |= {"use_ema": True, "ema_momentum": min(MEMORY_OF_WEIGHTS, 1 - 10 / (steps + 10))}
    optimizer = _class_of(recipe.optimizer)(**config)
    if recipe.optimizer == "adamw":
        optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    loss = keras.losses.CategoricalCrossentropy(label_smoothing=LABEL_SMOOTHING if recipe.averaged else 0.0)
    model.compile(optimizer, loss, metrics=["accuracy"], jit_compile=False)


def _class_of(name: str) -> Any:
    from keras import optimizers

    classes = (optimizers.Adam, optimizers.AdamW, optimizers.SGD, optimizers.RMSprop, optimizers.Adadelta)
    return {cls.__name__.lower(): cls for cls in classes}[name]


def _schedule(recipe: Network, steps: int) -> Any:
    """Return a warm-up over a twentieth of the steps, then a cosine decay to nearly zero."""
    import keras

    warmup, rate = max(1, steps // 20), recipe.learning_rate
    return keras.optimizers.schedules.CosineDecay(
        rate / 20, max(1, steps - warmup), alpha=0.2, warmup_target=rate, warmup_steps=warmup
    )


def patient_callbacks(settings: Settings, *, averaged: bool) -> list[Any]:
    """Return Keras' callbacks that look at every epoch; the mean of the weights comes first, as the others see it."""
    from keras import callbacks

    chosen: list[Any] = [callbacks.SwapEMAWeights(swap_on_epoch=True)] if averaged else []
    if settings.reduce_lr is not None:
        chosen.append(callbacks.ReduceLROnPlateau(patience=settings.reduce_lr))
    if settings.early_stopping is not None:
        chosen.append(callbacks.EarlyStopping(patience=settings.early_stopping))
    return chosen


def tensorboard(folder: Path | None) -> list[Any]:
    """Return the callback that writes for TensorBoard, if a folder is given; raises TrainingError without it."""
    if folder is None:
        return []
    try:
        importlib.import_module("tensorboard")  # which Keras imports only when it writes the first figure
    except ImportError as error:
        raise TrainingError(
            f"--tensorboard needs tensorboard ({error}). Install it with: pip install 'batch_eval[tensorboard]'"
        ) from error
    from keras import callbacks

    return [callbacks.TensorBoard(str(folder))]
