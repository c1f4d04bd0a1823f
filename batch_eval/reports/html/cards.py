"""The gallery's cards: what the page shows for one image."""

from __future__ import annotations

from dataclasses import dataclass

from batch_eval.engines.rows import Guess
from batch_eval.evaluation import Evaluation, Outcome
from batch_eval.evaluation.breakdown import suspects
from batch_eval.evaluation.records import GUESSES
from batch_eval.reports.html.pictures import Pictures, Shown
from batch_eval.reports.html.tags import Tags


@dataclass(frozen=True, slots=True)
class Card:
    """One image: label, prediction, URLs of its pictures, and what may explain an error."""

    row: int
    id: str
    truth: str | None
    predicted: str
    outcome: Outcome
    reason: str
    guesses: tuple[Guess, ...]
    labels: tuple[tuple[str, str], ...]
    flags: tuple[str, ...]
    suspect: bool
    original: Shown | None
    seen: Shown | None
    steps: Shown | None


# Every optional part is filled, so that the script finds it and removes what an image lacks.
PATTERN = Card(-1, "", "", "", Outcome.WRONG, "", (Guess("", 0.0),) * GUESSES, (("", ""),), (), True, *(Shown(""),) * 3)
"""An empty card. The page's script copies and fills it, so all cards have one layout."""


class Cards:
    """Makes cards. The suspects are computed once for all of them."""

    def __init__(self, evaluation: Evaluation, pictures: Pictures, tags: Tags) -> None:
        self._evaluation = evaluation
        self._tags = tags
        self._pictures = pictures
        self._suspects = suspects(evaluation)

    def card(self, row: int) -> Card:
        """Return the card of a row."""
        record = self._evaluation.record(row)
        return Card(
            row=row,
            id=record.id,
            truth=record.truth,
            predicted=record.read_as,
            outcome=record.outcome,
            reason=record.reason,
            guesses=record.guesses,
            labels=tuple((name, values[row]) for name, values in self._evaluation.records.slices.items()),
            flags=self._tags.of(row),
            suspect=bool(self._suspects[row]),
            original=self._pictures.original(row),
            seen=self._pictures.seen(row),
            steps=self._pictures.steps(row),
        )
