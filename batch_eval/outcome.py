"""Outcome: what became of one image file."""

from enum import StrEnum


class Outcome(StrEnum):
    """What became of an image file: exactly one of these for every file found."""

    CORRECT = "correct"
    WRONG = "wrong"
    BLANK = "blank"
    UNREADABLE = "unreadable"
    UNLABELLED = "unlabelled"
    OUT_OF_RANGE = "out_of_range"

    @property
    def meaning(self) -> str:
        """The sentence that reports show beside the outcome."""
        return _MEANINGS[self]

    @property
    def scored(self) -> bool:
        """Whether the outcome counts in the accuracy's denominator."""
        return self in (Outcome.CORRECT, Outcome.WRONG, Outcome.BLANK)


_MEANINGS = {
    Outcome.CORRECT: "The prediction is the label.",
    Outcome.WRONG: "The prediction differs from the label.",
    Outcome.BLANK: "No ink was found; counts as an error.",
    Outcome.UNREADABLE: "The file cannot be decoded or is damaged; not scored.",
    Outcome.UNLABELLED: "The image has no label; predicted but not scored.",
    Outcome.OUT_OF_RANGE: "The label is none of the model's classes; not scored.",
}
OUTCOMES = tuple(Outcome)
