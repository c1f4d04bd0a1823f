"""CSV of predictions: one row per image, two columns per rank."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from batch_eval.engines.reader import Predictions
from batch_eval.reports.context import NO_CONTEXT, ReportContext
from batch_eval.reports.csv_tables import table
from batch_eval.wording import printable

TITLE = "CSV predictions"


def document(predictions: Predictions, context: ReportContext = NO_CONTEXT) -> bytes:  # noqa: ARG001 - same in all formats
    """Return the table."""
    rows = list(predictions.images)
    columns: dict[str, list[Any]] = {
        "image": [printable(row.name) for row in rows],
        "outcome": [row.outcome for row in rows],
    }
    # Rank 1 keeps the plain names `predicted` and `confidence`, so scripts for one guess work with any --top.
    for rank in range(max((len(row.guesses) for row in rows), default=0)):
        number = f"_{rank + 1}" if rank else ""
        guesses = [row.guesses[rank] if rank < len(row.guesses) else None for row in rows]
        columns[f"predicted{number}"] = [guess and guess.name for guess in guesses]
        columns[f"confidence{number}"] = [guess and round(guess.confidence, 6) for guess in guesses]
    columns["digit_score"] = [None if row.score is None else round(row.score, 6) for row in rows]
    columns["reason"] = [row.reason for row in rows]
    columns["flags"] = [" ".join(row.flags) for row in rows]
    return table(columns)


def files(predictions: Predictions, context: ReportContext = NO_CONTEXT) -> Iterator[tuple[str, bytes]]:
    """Yield ``predictions.csv``."""
    yield "predictions.csv", document(predictions, context)
