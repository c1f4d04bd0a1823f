"""The convention of a model: what its images and classes meant when it was trained.

Files hardly ever state it. Range, ink and orientation of the pixels, and the order of the classes, are four parts. Each
is found in one of five ways (``FOUND``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from batch_eval.models.input_range import RANGES, Floats, Images, InputRange

BRIGHT, DARK = "bright", "dark"
INKS = (BRIGHT, DARK)
"""Ink is bright on dark, as in MNIST, or dark on bright."""
UPRIGHT, TRANSPOSED = "upright", "transposed"
GIVEN, STATED, TESTED, UNDECIDED, ASSUMED = "given", "stated", "tested", "undecided", "assumed"
FOUND: Mapping[str, str] = {
    GIVEN: "an option gave it",
    STATED: "the file states it",
    TESTED: "the self-test found it",
    UNDECIDED: "the self-test could not tell, so the usual one is used",
    ASSUMED: "not tested, so the usual one is used",
}
PARTS = ("input_range", "ink", "orientation", "classes")
WORDS: Mapping[str, str] = {
    "input_range": "pixels {}",
    "ink": "{} ink",
    "orientation": "{} digits",
    "classes": "classes {}",
}
"""Each of ``PARTS`` in words, with its value filled in."""


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


@dataclass(frozen=True, slots=True)
class FoundConvention:
    """A model's convention, how each part of it was found, and what the self-test measured."""

    convention: Convention = Convention()
    order: str = "0..9"
    """Name of the order of the classes."""
    found: Mapping[str, str] = field(default_factory=lambda: dict.fromkeys(PARTS, ASSUMED))
    """Each of ``PARTS`` to one of ``FOUND``."""
    right: int = 0
    """Of the package's own digits that the self-test used, those that the model read right."""
    digits: int = 0
    """Digits that the self-test used; 0 without a test."""
    notes: tuple[str, ...] = ()
    """Sentences for the user, on what is unusual or could not be tested."""

    @property
    def parts(self) -> dict[str, str]:
        """Return each part's value."""
        return parts_of(self.convention, self.order)

    @property
    def sentence(self) -> str:
        """Return the convention in words, with how it was found: ``pixels 0..255 (stated by the file); bright …``."""
        shown = {part: WORDS[part].format(value) for part, value in self.parts.items()}
        groups = [
            f"{', '.join(shown[part] for part in PARTS if self.found[part] == way)} ({_WAYS.get(way, way)})"
            for way in dict.fromkeys(self.found[part] for part in PARTS)
        ]
        score = [f"{self.right} of {self.digits} own digits right"] if self.digits else []
        return "; ".join([*groups, *score])


_WAYS = {STATED: "stated by the file", TESTED: "self-test", UNDECIDED: "self-test undecided", ASSUMED: "not tested"}


def parts_of(convention: Convention, order: str) -> dict[str, str]:
    """Return each of ``PARTS`` with its value."""
    values = (str(convention.input_range), convention.ink, convention.orientation, order)
    return dict(zip(PARTS, values, strict=True))
