"""Set aside the validation set: digits that no training step sees, which choose the best epoch."""

from __future__ import annotations

import numpy as np

from batch_eval.errors import TrainingError
from batch_eval.training.batches import CLASSES, Digits, drawn_digits
from batch_eval.training.networks import Hyperparameters
from batch_eval.training.settings import Settings

MAX_VALIDATION = 2000
"""Size of the default validation set in digits. It is at most a tenth of the training set."""


def split(
    digits: Digits, hyperparameters: Hyperparameters, settings: Settings, validation: Digits | None = None
) -> tuple[Digits, Digits]:
    """Return the training set and the validation set.

    A given ``validation`` is used as it is. Otherwise, the settings may name a share to take from each class.
    Otherwise, the last digits are set aside.

    Raises TrainingError if there are too few digits for the share.
    """
    if validation is not None:
        return digits, validation
    train, rest = _split_rows(digits, hyperparameters.validation, settings.seed)
    if not hyperparameters.drawn and len(rest):
        return _select(digits, train), _select(digits, rest)
    # Trained on drawn digits too, the model must be good at both: add as many drawn ones, of a seed that training
    # does not use.
    unseen = drawn_digits(settings.seed + 1000, max(len(rest), CLASSES))
    images, labels = digits.images[rest], digits.labels[rest]
    both = Digits(np.concatenate([images, unseen.images]), np.concatenate([labels, unseen.labels]))
    return _select(digits, train), both


def _split_rows(digits: Digits, share: float | None, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows of the training set and those of the validation set."""
    rows = np.arange(len(digits))
    if share is None:
        count = min(MAX_VALIDATION, len(digits) // 10)
        return rows[: len(digits) - count], rows[len(digits) - count :]
    from sklearn.model_selection import train_test_split

    try:
        train, validation = train_test_split(rows, test_size=share, stratify=digits.labels, random_state=seed)
    except ValueError as error:
        raise TrainingError(
            f"--validation {share} cannot be taken from {len(digits)} digits: {error} "
            "Give a share between 0 and 1 that leaves digits of every class in both sets."
        ) from error
    return train, validation


def _select(digits: Digits, rows: np.ndarray) -> Digits:
    return Digits(digits.images[rows], digits.labels[rows])
