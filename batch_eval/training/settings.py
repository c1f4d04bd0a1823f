"""The settings of a training run, and the hyperparameters that follow from them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from batch_eval.errors import TrainingError
from batch_eval.training.batches import AUGMENTATIONS
from batch_eval.training.networks import Hyperparameters, Plateau, network

OPTIMIZERS = ("adam", "adamw", "sgd", "rmsprop", "adadelta")
# Keras' defaults but for Adadelta: Keras has 0.001, while 1.0 is the rate of its paper (Zeiler, 2012).
_DEFAULT_RATES = {"adam": 1e-3, "adamw": 1e-3, "sgd": 1e-2, "rmsprop": 1e-3, "adadelta": 1.0}


FIGURES = ("loss", "accuracy")
"""Validation figures that may choose the best epoch."""


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
    best_by: str | None = None
    """`loss` or `accuracy`."""
    early_stopping: int | None = None
    """Patience in epochs; 0 switches it off."""
    reduce_lr: int | None = None
    """Patience in epochs; 0 switches it off."""
    reduce_lr_factor: float | None = None
    reduce_lr_floor: float | None = None
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
    _check("--best-by", settings.best_by, FIGURES)
    names = ("epochs", "learning_rate", "drawn", "augment", "best_by", "validation")
    given: dict[str, Any] = {name: value for name in names if (value := getattr(settings, name)) is not None}
    if settings.early_stopping is not None:
        given["early_stopping"] = settings.early_stopping or None
    return replace(chosen, **given, plateau=_plateau(settings, chosen.plateau))


def _plateau(settings: Settings, default: Plateau | None) -> Plateau | None:
    """Return when the learning rate falls, from the options or else the network.

    Raises TrainingError for a factor or floor without a patience, or out of range.
    """
    given: dict[str, Any] = {
        name: value
        for name, value in (("factor", settings.reduce_lr_factor), ("floor", settings.reduce_lr_floor))
        if value is not None
    }
    if settings.reduce_lr == 0 or (settings.reduce_lr is None and default is None):
        if given:
            raise TrainingError(f"--reduce-lr-{next(iter(given))} needs --reduce-lr PATIENCE.")
        return None
    if not 0 < given.get("factor", 0.5) < 1 or given.get("floor", 0) < 0:
        raise TrainingError(
            "--reduce-lr-factor must lie between 0 and 1, and --reduce-lr-floor must not be negative. "
            f"{settings.reduce_lr_factor} and {settings.reduce_lr_floor} were given."
        )
    if settings.reduce_lr is None and default is not None:
        return replace(default, **given)
    return Plateau(settings.reduce_lr or 1, **given)


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
