"""What is written beside a trained model: its card, its history as a table, and the history's plot."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from functools import cache
from typing import TYPE_CHECKING, Any

from batch_eval.training.data import CLASS_NAMES
from batch_eval.training.history import Epoch

if TYPE_CHECKING:
    import jinja2

FORMAT = 3
"""The card's ``format``: 1 the first; 2 has ``optimizer``, and ``augmentation`` in place of ``augmented``; 3 has
``class_names``."""

WIDTH, HEIGHT, MARGIN = 640, 300, 48  # of one plot, in SVG units


_AUGMENTATIONS = {
    "none": "none",
    "light": "turned by up to 10°, scaled by up to a tenth, shifted by up to a tenth",
    "strong": "posture, bending, stroke width, defects of ink and threshold, greys, place",
}


@dataclass(frozen=True)
class Card:
    """All that is needed to make the same model again, and how good it is; ``seconds`` is the training's duration."""

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
        """Whether the model reads digits."""
        return self.class_names == CLASS_NAMES

    @property
    def test_accuracy(self) -> float:
        """Correct / test digits, 0 to 1."""
        return self.test_correct / self.test_digits


def card_json(card: Card) -> bytes:
    """Return the card for programs."""
    content = {"format": FORMAT, **asdict(card), "test_accuracy": round(card.test_accuracy, 6)}
    return (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode()


def card_markdown(card: Card) -> bytes:
    """Return the card for people."""
    page = _templates().get_template("card.md.jinja")
    return page.render(card=card, augmentation=_AUGMENTATIONS[card.augmentation]).encode()


def history_csv(epochs: Sequence[Epoch]) -> bytes:
    """Return one row an epoch."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(field.name for field in fields(Epoch))
    table.writerows([f"{value:.6g}" for value in asdict(epoch).values()] for epoch in epochs)
    return text.getvalue().encode()


def history_svg(epochs: Sequence[Epoch]) -> bytes:
    """Return the plot of loss and error by epoch, on training and checking digits."""
    plots = (
        _plot("loss", [e.loss for e in epochs], [e.val_loss for e in epochs]),
        _plot("error, %", [100 - 100 * e.accuracy for e in epochs], [100 - 100 * e.val_accuracy for e in epochs]),
    )
    page = _templates().get_template("history.svg.jinja")
    return page.render(plots=plots, width=WIDTH, height=HEIGHT, margin=MARGIN, epochs=len(epochs)).encode()


def _plot(title: str, train: Sequence[float], check: Sequence[float]) -> dict[str, Any]:
    """Return a plot's lines as SVG coordinates; the vertical axis begins at 0."""
    top = max(*train, *check, 1e-9)
    return {"title": title, "top": top, "train": list(_points(train, top)), "check": list(_points(check, top))}


def _points(values: Sequence[float], top: float) -> Iterator[tuple[float, float]]:
    """Yield the x and y of each value inside the plot's margins."""
    step = (WIDTH - 2 * MARGIN) / max(1, len(values) - 1)
    for i, value in enumerate(values):
        yield MARGIN + i * step, HEIGHT - MARGIN - value / top * (HEIGHT - 2 * MARGIN)


@cache
def _templates() -> jinja2.Environment:
    import jinja2

    return jinja2.Environment(
        loader=jinja2.PackageLoader("batch_eval.training", "templates"),
        autoescape=jinja2.select_autoescape(["svg.jinja"]),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
