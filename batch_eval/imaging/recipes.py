"""The recipes: named steps in order, from a decoded image to what the model sees."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import partial

import cv2

from batch_eval.errors import ConfigError
from batch_eval.imaging import steps
from batch_eval.imaging.digit import choose_digit
from batch_eval.imaging.ink import clear_paper, dark_ink, separate_ink, shrink
from batch_eval.imaging.lines import remove_lines
from batch_eval.imaging.quality import flags
from batch_eval.imaging.steps import Image
from batch_eval.imaging.stroke import normalise_stroke

REVISION = 3
"""Raised whenever a step changes what it computes, so that the settings' hash tells old evaluations from new ones."""

WORK_SIDE = 320
"""Longest side, in pixels, at which `photo` looks for the digit."""


@dataclass(frozen=True, slots=True)
class Step:
    """One named function from image to image, and what takes its place when it is switched off.

    ``plain`` is None for a step that the recipe cannot do without.
    """

    name: str
    run: Callable[[Image], Image]
    plain: Callable[[Image], Image] | None = None

    def without(self) -> Step:
        """Return the step that stands here when this one is switched off."""
        if self.plain is None:
            raise AssertionError(f"the step {self.name} cannot be switched off")
        return Step(f"no {self.name}", self.plain)


def _same(image: Image) -> Image:
    return image


def _darkness(image: Image) -> Image:
    """Return how dark each pixel is, whatever the light: the ink map of an even scan."""
    return cv2.bitwise_not(steps.grey(image))


_FINISH = (
    Step("crop", steps.crop_to_ink),
    Step("fit", steps.fit_to_box),
    Step("centre", steps.centre),
)
_MNIST = (
    Step("grey", steps.grey),
    Step("polarity", steps.bright_ink),
    Step("background", steps.clear_background),
    *_FINISH,
)
_PHOTO = (
    Step("shrink", partial(shrink, side=WORK_SIDE)),
    Step("polarity", dark_ink, plain=_same),
    Step("ink", separate_ink, plain=_darkness),
    Step("lines", remove_lines, plain=_same),
    Step("paper", clear_paper, plain=steps.clear_background),
    Step("digit", choose_digit, plain=_same),
    Step("isolate", steps.crop_to_ink),
    Step("stroke", normalise_stroke, plain=_same),
    *_FINISH,
)
RECIPES = ("photo", "mnist", "simple", "none")
"""`photo` reads what people photograph; `mnist` is the plain recipe; `simple` resizes and inverts, as tutorials do;
`none` only resizes."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """What the model will see: ``image`` uint8, (28, 28) from `photo` and `mnist`; ``blank`` when no ink was found."""

    image: Image
    blank: bool
    flags: tuple[str, ...] = ()

    @property
    def reason(self) -> str:
        """Why there is nothing to classify."""
        return "no ink was found" if self.blank else ""


@dataclass(frozen=True)
class Preprocessor:
    """A recipe with its settings; call it with a decoded image. ``skip`` lists the steps that are switched off.

    ``work_side`` is the longest side in pixels that the recipe works at: photos may be decoded reduced to it.
    """

    name: str
    steps: tuple[Step, ...]
    skip: tuple[str, ...] = ()
    passes_mnist: bool = False
    work_side: int | None = None
    settings_sha256: str = field(default="")

    def __call__(self, image: Image) -> Prepared:
        """Prepare one (H, W) or (H, W, 3) BGR uint8 image."""
        stages = dict(self.trace(image))
        seen = stages[self.steps[-1].name] if stages else image
        return Prepared(seen, blank=self.passes_mnist and not seen.any(), flags=flags(stages))

    def trace(self, image: Image) -> Iterator[tuple[str, Image]]:
        """Yield each step's name and what it made of the image; nothing for an image that already is MNIST-like."""
        if self.passes_mnist and image.ndim == 2 and steps.is_mnist_like(image):
            return
        for step in self.steps:
            image = step.run(image)
            yield step.name, image


def preprocessor(
    name: str = "photo",
    *,
    size: tuple[int, int] = (steps.SIDE, steps.SIDE),
    channels: int = 1,
    skip: Sequence[str] = (),
) -> Preprocessor:
    """Return the recipe called ``name``, without the optional steps in ``skip``.

    ``size`` (height, width) and ``channels`` (1 or 3) are the model's input, which `simple` and `none` resize to.
    Raises ConfigError for an unknown recipe or a step that cannot be skipped.
    """
    if name not in RECIPES:
        raise ConfigError(_unknown("preprocessing", name, RECIPES))
    recipe = {
        "photo": _PHOTO,
        "mnist": _MNIST,
        "simple": (*_resize(size, 1), Step("invert", cv2.bitwise_not)),
        "none": _resize(size, channels),
    }[name]
    optional = [step.name for step in recipe if step.plain]
    for skipped in skip:
        if skipped not in optional:
            raise ConfigError(_unknown(f"step that `{name}` can skip", skipped, optional))
    kept = tuple(step.without() if step.name in skip else step for step in recipe)
    settings = {"recipe": name, "revision": REVISION, "steps": [step.name for step in kept], "size": [*size, channels]}
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()
    return Preprocessor(
        name,
        kept,
        tuple(skip),
        passes_mnist=name in ("photo", "mnist"),
        work_side=WORK_SIDE if name == "photo" else None,
        settings_sha256=digest,
    )


def _resize(size: tuple[int, int], channels: int) -> tuple[Step, ...]:
    """Return the steps that only fit an image to the model's input, keeping its colours and polarity."""
    colour = Step("grey", steps.grey) if channels == 1 else Step("colour", steps.colour)
    return colour, Step("resize", partial(steps.resize, size=size))


def _unknown(what: str, value: str, known: Sequence[str]) -> str:
    """Say that a value is unknown, what would be known, and the nearest of those."""
    near = get_close_matches(value, known, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return f"{value!r} is no {what}.{hint} Known: {', '.join(known) or 'none'}."
