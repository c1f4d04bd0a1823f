"""The suites of distortions, and the choice among them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from batch_eval.distortions import camera, light, mnist_c, place, strokes
from batch_eval.distortions.distortion import Distortion, Setting
from batch_eval.errors import ConfigError

_SIDE = "{:g} % of the side"


@dataclass(frozen=True)
class Suite:
    """Distortions that are tried together.

    ``prepared`` says that they distort what the model sees, after preprocessing. Others distort the photo before it.
    """

    name: str
    distortions: tuple[Distortion, ...]
    prepared: bool = False

    def chosen(self, names: Sequence[str] = ()) -> Suite:
        """Return the suite with the distortions of these names only; without names, all.

        Raises ConfigError for an unknown name.
        """
        if not names:
            return self
        for name in names:
            self.find(name)
        return Suite(self.name, tuple(one for one in self.distortions if one.name in names), self.prepared)

    def find(self, name: str) -> Distortion:
        """Return a distortion by its name. Raises ConfigError for an unknown one."""
        known = {one.name: one for one in self.distortions}
        if name not in known:
            close = get_close_matches(name, known, n=1)
            hint = f" Did you mean {close[0]}?" if close else ""
            raise ConfigError(f"unknown distortion {name!r}.{hint} Must be one of {', '.join(known)}.")
        return known[name]

    @property
    def settings(self) -> tuple[Setting, ...]:
        """Every level of every distortion."""
        return tuple(Setting(one, level) for one in self.distortions for level in one.levels)


# Levels were chosen by looking at benchmarks/stress.py: the first is hardly seen, at the last most photos are lost, or
# no photo would be taken.
PHOTO = Suite(
    "photo",
    (
        Distortion("turn", "turning", (5, 10, 15, 20, 25, 35, 45), "{:g}°", "angle", place.turned),
        Distortion("tilt", "perspective", (10, 20, 30, 40, 50, 60), "{:g}°", "angle", place.tilted),
        Distortion("shift", "shifting", (5, 10, 20, 30, 40), _SIDE, "distance", place.shifted),
        Distortion("crop", "close cropping", (5, 10, 15, 20, 25, 30), "{:g} % of each side", "cut", place.cropped),
        Distortion("blur", "focus blur", (0.5, 1, 2, 3, 4, 6), _SIDE, "sigma", camera.focus_blurred),
        Distortion("motion", "motion blur", (2, 4, 8, 12, 16, 24), _SIDE, "length", camera.motion_blurred),
        Distortion("noise", "noise", (5, 10, 20, 40, 60, 80), "{:g} of 255", "sigma", camera.noisy),
        Distortion("jpeg", "JPEG compression", (50, 30, 20, 10, 5, 1), "quality {:g}", "quality", camera.compressed),
        Distortion("resolution", "low resolution", (128, 64, 48, 32, 24, 16), "{:g} px", "longer side", camera.reduced),
        Distortion("dark", "underexposure", (1, 2, 3, 4, 6, 8), "{:g} EV", "exposure", camera.darker),
        Distortion("bright", "overexposure", (0.5, 1, 1.5, 2, 3, 4), "{:g} EV", "exposure", camera.brighter),
        Distortion("uneven", "uneven light", (20, 40, 60, 80, 95), "{:g} % lost", "light", light.unevenly_lit),
        Distortion("shadow", "shadow edge", (20, 40, 60, 80, 95), "{:g} % lost", "light", light.shadowed),
        Distortion("cast", "colour cast", (20, 40, 60, 80, 95), "{:g} % lost", "weakest colour", camera.tinted),
        Distortion("thin", "thinner strokes", (0.25, 0.5, 1, 2, 3, 4), _SIDE, "width lost", strokes.thinner),
        Distortion("thick", "thicker strokes", (1, 2, 4, 6, 9, 12), _SIDE, "width added", strokes.thicker),
        Distortion("ruled", "ruled lines", (20, 40, 60, 80, 100), "{:g} % dark", "lines", light.ruled),
    ),
)
"""What a phone does to a photo, before preprocessing."""
MNIST_C = Suite(
    "mnist-c",
    tuple(
        Distortion(name, title, (1,), "as published", "severity", apply)
        for name, (title, apply) in mnist_c.CORRUPTIONS.items()
    ),
    prepared=True,
)
"""The fifteen corruptions of MNIST-C, each at its one published severity, after preprocessing."""
SUITES = {suite.name: suite for suite in (PHOTO, MNIST_C)}


def find_suite(name: str) -> Suite:
    """Return a suite by its name. Raises ConfigError for an unknown one."""
    if name not in SUITES:
        raise ConfigError(f"unknown suite {name!r}. Must be one of {', '.join(SUITES)}.")
    return SUITES[name]
