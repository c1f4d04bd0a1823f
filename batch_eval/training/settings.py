"""What a training run can vary, and what the network's recipe fills in."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from batch_eval.errors import TrainingError
from batch_eval.training.batches import AUGMENTATIONS
from batch_eval.training.networks import Network, network

OPTIMIZERS = ("adam", "adamw", "sgd", "rmsprop", "adadelta")
_USUAL_RATES = {"adam": 1e-3, "adamw": 1e-3, "sgd": 1e-2, "rmsprop": 1e-3, "adadelta": 1.0}


@dataclass(frozen=True)
class Settings:
    """What a training run can vary; None takes the network's own recipe, or leaves a choice out.

    ``early_stopping`` and ``reduce_lr`` are epochs of patience, ``validation`` is the share of every class that is
    set aside for checking. ``checkpoints`` and ``tensorboard`` are folders to write to; ``resume`` is a checkpoint to
    go on from, or a model whose weights to begin with.
    """

    network: str = "default"
    epochs: int | None = None
    batch_size: int = 128
    learning_rate: float | None = None
    seed: int = 1
    augment: str | None = None
    drawn: int | None = None
    optimizer: str | None = None
    early_stopping: int | None = None
    reduce_lr: int | None = None
    validation: float | None = None
    checkpoints: Path | None = None
    resume: Path | None = None
    tensorboard: Path | None = None


def recipe_of(settings: Settings) -> Network:
    """Return the network with what is set in place of its recipe; raises TrainingError for what there is not."""
    own = network(settings.network)
    _check("--augment", settings.augment, AUGMENTATIONS)
    _check("--optimizer", settings.optimizer, OPTIMIZERS)
    if settings.optimizer not in (None, own.optimizer):
        own = replace(own, optimizer=settings.optimizer, learning_rate=_USUAL_RATES[settings.optimizer])
    names = ("epochs", "learning_rate", "drawn", "augment")
    return replace(own, **{name: value for name in names if (value := getattr(settings, name)) is not None})


def without_drawn(settings: Settings) -> Settings:
    """Return the settings for images that are no digits, among which drawn digits have no place.

    Raises TrainingError when drawn digits were asked for.
    """
    if settings.drawn:
        raise TrainingError(
            f"--drawn {settings.drawn} adds digits that the program draws, but the classes are no digits. "
            "Leave --drawn out."
        )
    return replace(settings, drawn=0)


def _check(option: str, value: str | None, allowed: tuple[str, ...]) -> None:
    if value is not None and value not in allowed:
        raise TrainingError(f"{option} {value} is invalid. Must be one of {', '.join(allowed)}.")
