"""What a distortion is: a name, levels with a unit, and a pure function."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from batch_eval.imaging.steps import Image

Apply: TypeAlias = Callable[[Image, float, np.random.Generator], Image]


@dataclass(frozen=True)
class Distortion:
    """A way to make a photo worse. ``levels`` run from mild to harsh.

    ``apply`` takes (H, W) or (H, W, 3) BGR uint8, a level and a random generator. It returns uint8, and leaves its
    argument as it is. The same state of the generator gives the same image.
    """

    name: str
    """What `--distortion` and gates call it."""
    title: str
    """What it is, as a noun: ``focus blur``."""
    levels: tuple[float, ...]
    unit: str
    """How a level is written, a format string: ``{:g}°``."""
    meaning: str
    """What a level says, as a phrase: ``angle``."""
    apply: Apply

    def __call__(self, image: Image, level: float, rng: np.random.Generator) -> Image:
        """Return a distorted copy of an image."""
        return self.apply(image, level, rng)

    def text(self, level: float) -> str:
        """Return a level with its unit: ``25°``."""
        return self.unit.format(level)

    @property
    def axis(self) -> str:
        """What its levels measure, with the unit: ``angle, °``."""
        unit = self.unit.replace("{:g}", "").strip()
        return self.meaning if unit in ("", self.meaning) else f"{self.meaning}, {unit}"


@dataclass(frozen=True)
class Setting:
    """A distortion at one of its levels."""

    distortion: Distortion
    level: float

    def __str__(self) -> str:
        """Return what gates write: ``blur@4``."""
        return f"{self.distortion.name}@{self.level:g}"

    @property
    def text(self) -> str:
        """The level with its unit."""
        return self.distortion.text(self.level)
