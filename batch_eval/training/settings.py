"""The settings of a training run, and the hyperparameters that follow from them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from batch_eval.errors import TrainingError
from batch_eval.training.batches import AUGMENTATIONS
from batch_eval.training.networks import Hyperparameters, network

OPTIMIZERS = ("adam", "adamw", "sgd", "rmsprop", "adadelta")
# Keras' defaults but for Adadelta: Keras has 0.001, while 1.0 is the rate of its paper (Zeiler, 2012).
_DEFAULT_RATES = {"adam": 1e-3, "adamw": 1e-3, "sgd": 1e-2, "rmsprop": 1e-3, "adadelta": 1.0}


@dataclass(frozen=True)
class Settings:
    """What a training can vary. None means the network's default, or that a feature is off."""

    network: str = "default"
    epochs: int | None = None
    batch_size: int = 128
    learning_rate: float | None = None
    seed: int = 1
    augment: str | None = None
    drawn: int | None = None
    optimizer: str | None = None
    early_stopping: int | None = None
    """Patience in epochs."""
    reduce_lr: int | None = None
    """Patience in epochs."""
    validation: float | None = None
    """Share of each class to set aside as validation set, 0 to 1."""
    checkpoints: Path | None = None
    """Folder for checkpoints."""
    resume: Path | None = None
    """A checkpoint to resume from, or a model file with the initial weights."""
    tensorboard: Path | None = None
    """Folder for TensorBoard's logs."""


def hyperparameters_of(settings: Settings) -> Hyperparameters:
    """Return the network's hyperparameters with those that are set. Raises TrainingError for an unknown value."""
    chosen = network(settings.network).defaults
    _check("--augment", settings.augment, AUGMENTATIONS)
    _check("--optimizer", settings.optimizer, OPTIMIZERS)
    # Learning rates differ a thousandfold between optimizers, so another optimizer brings its own.
    if settings.optimizer not in (None, chosen.optimizer):
        chosen = replace(chosen, optimizer=settings.optimizer, learning_rate=_DEFAULT_RATES[settings.optimizer])
    names = ("epochs", "learning_rate", "drawn", "augment")
    return replace(chosen, **{name: value for name in names if (value := getattr(settings, name)) is not None})


def without_drawn(settings: Settings) -> Settings:
    """Return settings that add no drawn digits, for classes that are not digits.

    Raises TrainingError if drawn digits were asked for.
    """
    if settings.drawn:
        raise TrainingError(
            f"--drawn {settings.drawn} adds drawn digits to the training set, but the classes are not digits. "
            "Leave --drawn out."
        )
    return replace(settings, drawn=0)


def _check(option: str, value: str | None, allowed: tuple[str, ...]) -> None:
    if value is not None and value not in allowed:
        raise TrainingError(f"{option} {value} is invalid. Must be one of {', '.join(allowed)}.")
