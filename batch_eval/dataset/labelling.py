"""What every source of labels returns, and how a label is written."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from batch_eval.wording import printable

DIGITS = frozenset("0123456789")

_WHOLE_NUMBER = re.compile(r"([0-9]+)(?:\.0*|,0)")


@dataclass(frozen=True, slots=True)
class Labelling:
    """Labels for a list of N images, in its order.

    ``truths`` has one class name or None for each image, ``slices`` one tuple in the order of ``slice_names`` (or is
    empty when there are none). ``missing`` names rows of a label file that have no image.
    """

    source: str
    truths: Sequence[str | None]
    slice_names: tuple[str, ...] = ()
    slices: Sequence[tuple[str, ...]] = ()
    missing: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@lru_cache(maxsize=4096)
def clean_label(text: str) -> str | None:
    """Return the class name that a cell holds: ``7`` for ``" 7.0 "``, None for an empty cell."""
    text = printable(text.strip())
    number = _WHOLE_NUMBER.fullmatch(text)
    return number[1] if number else text or None
