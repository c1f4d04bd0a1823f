"""Set digits aside: those that no training step sees, to choose the best epoch by."""

from __future__ import annotations

import numpy as np

from batch_eval.errors import TrainingError
from batch_eval.training.batches import CLASSES, Digits, drawn_digits
from batch_eval.training.networks import Network
from batch_eval.training.settings import Settings

CHECKED = 2000  # given digits that are set aside when no share is named, and at most a tenth


def split(given: Digits, recipe: Network, settings: Settings, check: Digits | None = None) -> tuple[Digits, Digits]:
    """Return the digits to train on and those to check with, among them as many newly drawn ones if any are drawn.

    With ``check`` it is these alone, and all of ``given`` to train on. A share that is named is taken from every class
    alike; without one, the last digits are set aside. Raises TrainingError when there are too few digits for the share.
    """
    if check is not None:
        return given, check
    train, rest = _shared(given, settings)
    if not recipe.drawn and len(rest):
        return _of(given, train), _of(given, rest)
    unseen = drawn_digits(settings.seed + 1000, max(len(rest), CLASSES))
    images, labels = given.images[rest], given.labels[rest]
    both = Digits(np.concatenate([images, unseen.images]), np.concatenate([labels, unseen.labels]))
    return _of(given, train), both


def _shared(given: Digits, settings: Settings) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows to train on and the rows to check with."""
    rows = np.arange(len(given))
    if settings.validation is None:
        count = min(CHECKED, len(given) // 10)
        return rows[: len(given) - count], rows[len(given) - count :]
    from sklearn.model_selection import train_test_split

    try:
        train, check = train_test_split(
            rows, test_size=settings.validation, stratify=given.labels, random_state=settings.seed
        )
    except ValueError as error:
        raise TrainingError(
            f"--validation {settings.validation} cannot be taken from {len(given)} digits: {error} "
            "Give a share between 0 and 1 that leaves digits of every class on both sides."
        ) from error
    return train, check


def _of(digits: Digits, rows: np.ndarray) -> Digits:
    return Digits(digits.images[rows], digits.labels[rows])
