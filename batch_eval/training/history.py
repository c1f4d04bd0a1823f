"""The training history: figures of each epoch, and which epoch is best."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

FIGURES = ("loss", "accuracy", "precision", "recall")
"""What is measured of the training set. Figures of the validation set begin with ``val_``."""


@dataclass(frozen=True)
class Epoch:
    """The figures of one epoch, counted from 1: losses, shares of 0 to 1, and seconds.

    Precision and recall are Keras'. They count each class whose probability exceeds 0.5. They are NaN in histories of
    older versions.
    """

    # The names are the columns of the saved history and keys in checkpoints.
    epoch: int
    loss: float
    accuracy: float
    val_loss: float
    val_accuracy: float
    seconds: float
    precision: float = math.nan
    recall: float = math.nan
    val_precision: float = math.nan
    val_recall: float = math.nan


def best_of(epochs: Sequence[Epoch], best_by: str = "loss") -> Epoch:
    """Return the epoch with the lowest validation loss, or the highest validation accuracy.

    Of equal ones, return the last.
    """
    if best_by == "accuracy":
        return max(reversed(epochs), key=lambda epoch: epoch.val_accuracy)
    return min(reversed(epochs), key=lambda epoch: epoch.val_loss)
