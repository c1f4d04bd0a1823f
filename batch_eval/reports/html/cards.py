"""The gallery's cards: what the page shows of one image."""

from __future__ import annotations

from dataclasses import dataclass

from batch_eval.evaluation import OUTCOMES, Evaluation, Outcome
from batch_eval.reports.breakdown import suspects
from batch_eval.reports.findings import BLANK
from batch_eval.reports.html.marks import Marks
from batch_eval.reports.html.pictures import Pictures

TOP = 3
"""How many of the model's likeliest classes a card shows."""


@dataclass(frozen=True, slots=True)
class Guess:
    """One of the classes that the model holds likely, with its probability in 0..1."""

    name: str
    probability: float


@dataclass(frozen=True, slots=True)
class Card:
    """One image: its label and reading, the pictures' addresses, and all that may explain an error."""

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
    original: str | None
    seen: str | None
    steps: str | None


PATTERN = Card(-1, "", "", "", Outcome.WRONG, "", (Guess("", 0.0),) * TOP, (("", ""),), (), True, "", "", "")
"""The card that the page's script copies and fills, so that cards have one layout."""


class Cards:
    """Makes the cards of an evaluation."""

    def __init__(self, evaluation: Evaluation, pictures: Pictures, marks: Marks) -> None:
        self._evaluation = evaluation
        self._marks = marks
        self._pictures = pictures
        self._suspects = suspects(evaluation)

    def card(self, row: int) -> Card:
        """Return the card of a row."""
        r = self._evaluation.records
        predicted = int(r.predicted[row])
        return Card(
            row=row,
            id=r.ids[row],
            truth=r.truth[row],
            predicted=self._evaluation.class_names[predicted] if predicted >= 0 else BLANK,
            outcome=OUTCOMES[r.outcome[row]],
            reason=r.reasons.get(row, ""),
            guesses=self._guesses(row) if predicted >= 0 else (),
            labels=tuple((name, values[row]) for name, values in r.slices.items()),
            flags=self._marks.of(row),
            suspect=bool(self._suspects[row]),
            original=self._pictures.original(row),
            seen=self._pictures.seen(row),
            steps=self._pictures.steps(row),
        )

    def _guesses(self, row: int) -> tuple[Guess, ...]:
        probabilities = self._evaluation.records.probabilities[row]
        top = (-probabilities).argsort(kind="stable")[:TOP].tolist()
        return tuple(Guess(self._evaluation.class_names[i], float(probabilities[i])) for i in top)
