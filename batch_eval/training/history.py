"""The course of a training: its epochs, and which of them is the best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Epoch:
    """One pass over the training digits: its number from 1, losses, accuracies of 0 to 1, and seconds."""

    epoch: int
    loss: float
    accuracy: float
    val_loss: float
    val_accuracy: float
    seconds: float


def best_of(epochs: Sequence[Epoch]) -> Epoch:
    """Return the epoch with the lowest loss on the checking digits; of equal ones the last, which has learnt longer."""
    return min(reversed(epochs), key=lambda epoch: epoch.val_loss)
