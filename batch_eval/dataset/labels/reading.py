"""What every source of labels gives: a label and the slices of each image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reading:
    """Labels for N images, in their order.

    ``source`` says in one line where the labels are, ``option`` which option takes them. ``truths`` has one name or
    None for each image. A name may be no class of the model. ``slices`` has one tuple for each image in the order of
    ``slice_names``, or is empty. ``missing`` names label rows that have no image. ``offer`` describes what could be
    labels and was not taken. ``weak`` marks labels that are taken only where nothing else gives any.
    """

    source: str
    truths: Sequence[str | None]
    option: str = ""
    slice_names: tuple[str, ...] = ()
    slices: Sequence[tuple[str, ...]] = ()
    missing: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    offer: str = ""
    weak: bool = False
