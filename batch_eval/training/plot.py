"""Plot the training history as SVG: loss and error by epoch, on logarithmic scales."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from batch_eval.training.history import Epoch, best_of

WIDTH, HEIGHT, MARGIN = 640, 300, 48  # of one plot, in SVG units
STEPS = tuple(m * 10.0**power for power in range(-9, 10) for m in (1, 2, 5))
"""Values where a scale may begin, end and have ticks."""
# What is missing rather than what is there: on a logarithmic scale, from 99.0 to 99.5 % is as far as from 98 to 99 %.
ERROR = "error, 100 – accuracy, in %"
SHARES = {
    ERROR: "accuracy",
    "100 – precision, in %": "precision",
    "100 – recall, in %": "recall",
}
"""Title of a plot -> the figure."""
MAX_LABELS = 12
"""Epochs whose number fits below the plot."""


def history_svg(epochs: Sequence[Epoch], best_by: str = "loss") -> bytes:
    """Return the plots of each figure on training and validation set, with the best epoch marked."""
    from batch_eval.reports.templating import fill

    plots = [_plot("loss", [e.loss for e in epochs], [e.val_loss for e in epochs])]
    for title, name in SHARES.items():
        train, validation = ([100 - 100 * getattr(epoch, part + name) for epoch in epochs] for part in ("", "val_"))
        if not any(math.isnan(value) for value in (*train, *validation)):
            plots.append(_plot(title, train, validation))
    across = dict(zip((epoch.epoch for epoch in epochs), _across(len(epochs)), strict=True))
    every = math.ceil(len(epochs) / MAX_LABELS)
    labelled = {number: x for number, x in across.items() if (number - 1) % every == 0}
    size = {"width": WIDTH, "height": HEIGHT, "margin": MARGIN}
    best = across[best_of(epochs, best_by).epoch]
    return fill(
        Path(__file__).with_name("templates"), "history.svg.jinja", plots=plots, best=best, epochs=labelled, **size
    )


def _plot(title: str, train: Sequence[float], validation: Sequence[float]) -> dict[str, Any]:
    """Return the lines of a plot and the ticks of its vertical axis, in SVG coordinates."""
    ticks = _ticks([*train, *validation])
    lines = {
        name: list(zip(_across(len(values)), (_down(value, ticks) for value in values), strict=True))
        for name, values in (("train", train), ("validation", validation))
    }
    return {"title": title, "ticks": {f"{tick:g}": _down(tick, ticks) for tick in ticks}, **lines}


def _ticks(values: Sequence[float]) -> Sequence[float]:
    """Return the ticks of a logarithmic scale that holds the values."""
    # Zero has no logarithm. It is left out here and drawn at the scale's lower end.
    positive = [value for value in values if value > STEPS[0]] or [1.0]
    below = max(i for i, step in enumerate(STEPS) if step <= min(positive))
    above = min(i for i, step in enumerate(STEPS) if step > max(positive))
    return STEPS[below : above + 1]


def _across(count: int) -> Iterator[float]:
    """Yield the x coordinate of each epoch."""
    for i in range(count):
        yield MARGIN + i * (WIDTH - 2 * MARGIN) / max(1, count - 1)


def _down(value: float, ticks: Sequence[float]) -> float:
    """Return the y coordinate of a value."""
    share = math.log(max(value, ticks[0]) / ticks[0]) / math.log(ticks[-1] / ticks[0])
    return HEIGHT - MARGIN - share * (HEIGHT - 2 * MARGIN)
