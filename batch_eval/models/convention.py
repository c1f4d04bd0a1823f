"""The convention of a model: what its images and classes meant when it was trained.

Files hardly ever state it. Range, ink and orientation of the pixels, and the order of the classes, are its four parts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from batch_eval.found_convention import PARTS
from batch_eval.models.input_range import RANGES, Floats, Images, InputRange

BRIGHT, DARK = "bright", "dark"
INKS = (BRIGHT, DARK)
"""Ink is bright on dark, as in MNIST, or dark on bright."""
UPRIGHT, TRANSPOSED = "upright", "transposed"


@dataclass(frozen=True, slots=True)
class Convention:
    """How images are given to a model. The default is the usual one."""

    input_range: InputRange = RANGES["0..1"]
    ink: str = BRIGHT
    """``bright`` or ``dark``."""
    transposed: bool = False
    """Whether rows and columns are swapped, as in EMNIST's files."""

    def apply(self, images: Images) -> Floats:
        """Return the model's numbers for (N, h, w, C) uint8 images, which are upright and have bright ink.

        They have the shape (N, w, h, C) if the model takes them transposed.
        """
        if self.ink == DARK:
            images = np.subtract(np.uint8(255), images)
        if self.transposed:
            images = images.swapaxes(1, 2)
        return self.input_range.apply(images)

    @property
    def contrast(self) -> float:
        """Difference between the numbers for full ink and for none."""
        return 1 / self.input_range.deviation[0] if not self.input_range.axes else 0.5

    @property
    def orientation(self) -> str:
        """``upright`` or ``transposed``."""
        return TRANSPOSED if self.transposed else UPRIGHT

    def __str__(self) -> str:
        """Return the convention in words."""
        words = {BRIGHT: "bright ink on dark", DARK: "dark ink on bright"}
        return f"{self.input_range}, {words[self.ink]}, {self.orientation}"


def values_of(convention: Convention, order: str) -> dict[str, str]:
    """Return each part of a convention with its value, and the name of the order of the classes."""
    values = (str(convention.input_range), convention.ink, convention.orientation, order)
    return dict(zip(PARTS, values, strict=True))
