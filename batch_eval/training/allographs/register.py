"""The register of allographs."""

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

from batch_eval.training.writer import Stroke, Writer

StrokeModel: TypeAlias = Callable[[Writer], list[Stroke]]


class Allograph(NamedTuple):
    """One way to write a digit. ``weight`` is its frequency relative to the digit's other allographs."""

    label: int
    name: str
    weight: float
    draw: StrokeModel
    rare: bool = False


# The order matters: `choose_allograph` draws by position, so a new allograph changes what a seed draws.
ALLOGRAPHS: list[Allograph] = []


def writes(label: int, weight: float, *, rare: bool = False) -> Callable[[StrokeModel], StrokeModel]:
    """Register a function as a way to write ``label``, as in ``@writes(7, 4)``."""

    def register(draw: StrokeModel) -> StrokeModel:
        ALLOGRAPHS.append(Allograph(label, draw.__name__, weight, draw, rare))
        return draw

    return register
