"""The files beside a trained model: its model card, and its history as a table."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from batch_eval.training.data import CLASS_NAMES
from batch_eval.training.history import Epoch

FORMAT = 3
"""The card's ``format``.

- 1: the first.
- 2: adds ``optimizer``; ``augmentation`` replaces ``augmented``.
- 3: adds ``class_names``.
"""

_AUGMENTATIONS = {
    "none": "none",
    "light": "rotation by up to 10°, scale and shift by up to 10 %",
    "strong": "affine and elastic distortion, stroke width, defects of ink and threshold, greys, place",
}


@dataclass(frozen=True)
class Card:
    """What it takes to train the same model again, and how accurate it is.

    ``given_digits`` counts the training set, validation set included. ``seconds`` is the duration of the training.
    """

    # The names are keys of the saved card. A new one raises FORMAT.
    network: str
    summary: str
    parameters: int
    model_sha256: str
    version: str
    data: str
    data_sha256: str
    given_digits: int
    drawn_digits: int
    seed: int
    epochs: int
    epochs_planned: int
    batch_size: int
    learning_rate: float
    optimizer: str
    augmentation: str
    test_digits: int
    test_correct: int
    seconds: int
    libraries: Mapping[str, str]
    class_names: tuple[str, ...] = CLASS_NAMES
    notes: tuple[str, ...] = ()

    @property
    def are_digits(self) -> bool:
        """Whether the classes are the digits."""
        return self.class_names == CLASS_NAMES

    @property
    def test_accuracy(self) -> float:
        """Correct / all of the test set, 0 to 1."""
        return self.test_correct / self.test_digits


def card_json(card: Card) -> bytes:
    """Return the card as JSON."""
    content = {"format": FORMAT, **asdict(card), "test_accuracy": round(card.test_accuracy, 6)}
    return (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode()


def card_markdown(card: Card) -> bytes:
    """Return the card as Markdown."""
    from batch_eval.reports.templating import fill

    templates = Path(__file__).with_name("templates")
    return fill(templates, "card.md.jinja", card=card, augmentation=_AUGMENTATIONS[card.augmentation])


def history_csv(epochs: Sequence[Epoch]) -> bytes:
    """Return the history as CSV, one row per epoch."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(field.name for field in fields(Epoch))
    table.writerows([f"{value:.6g}" for value in asdict(epoch).values()] for epoch in epochs)
    return text.getvalue().encode()
