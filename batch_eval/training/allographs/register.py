"""The register of allographs: the ways in which people write each digit."""

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

from batch_eval.training.hand import Hand, Stroke

Model: TypeAlias = Callable[[Hand], list[Stroke]]


class Allograph(NamedTuple):
    """One way to write a digit: its label, how often it occurs relative to the digit's others, and its strokes."""

    label: int
    name: str
    weight: float
    draw: Model


ALLOGRAPHS: list[Allograph] = []


def writes(label: int, weight: float) -> Callable[[Model], Model]:
    """Register the decorated model of strokes as a way to write ``label``."""

    def register(draw: Model) -> Model:
        ALLOGRAPHS.append(Allograph(label, draw.__name__, weight, draw))
        return draw

    return register
