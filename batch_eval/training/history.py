"""The training history: figures of each epoch, and which epoch is best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Epoch:
    """The figures of one epoch, counted from 1: losses, accuracies of 0 to 1, and seconds."""

    # The names are the columns of the saved history and keys in checkpoints.
    epoch: int
    loss: float
    accuracy: float
    val_loss: float
    val_accuracy: float
    seconds: float


def best_of(epochs: Sequence[Epoch]) -> Epoch:
    """Return the epoch with the lowest validation loss. Of equal ones, return the last."""
    return min(reversed(epochs), key=lambda epoch: epoch.val_loss)
