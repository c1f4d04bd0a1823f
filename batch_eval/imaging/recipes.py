"""The recipes: named steps in order, from a decoded image to what the model sees."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from functools import partial
from inspect import signature

import cv2

from batch_eval.errors import ConfigError
from batch_eval.imaging import steps
from batch_eval.imaging.decode import decode
from batch_eval.imaging.digit import choose_digit
from batch_eval.imaging.filters import shrink
from batch_eval.imaging.ink import clear_paper, separate_ink
from batch_eval.imaging.lines import remove_lines
from batch_eval.imaging.options import PreprocessingOptions
from batch_eval.imaging.pixels import drop_equal_channels
from batch_eval.imaging.polarity import dark_ink
from batch_eval.imaging.quality import flags
from batch_eval.imaging.sheet import cut_to_sheet
from batch_eval.imaging.steps import Image
from batch_eval.imaging.stroke import normalise_stroke

REVISION = 13
"""Raised whenever a step changes what it computes, so that the settings' hash tells old evaluations from new ones."""

WORK_SIDE = 320
"""Longest side, in pixels, at which `photo` looks for the digit."""


@dataclass(frozen=True, slots=True)
class Step:
    """One named function from image to image, and what takes its place when it is switched off.

    ``plain`` is None for a step that the recipe cannot do without. ``numbers`` are the keyword arguments of ``run``
    that users may set, with the lowest and highest value that make sense.
    """

    name: str
    run: Callable[..., Image]
    plain: Callable[[Image], Image] | None = None
    numbers: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    def without(self) -> Step:
        """Return the step that stands here when this one is switched off."""
        if self.plain is None:
            raise AssertionError(f"the step {self.name} cannot be switched off")
        return Step(f"no {self.name}", self.plain)

    def default(self, name: str) -> float:
        """Return what one of the step's numbers is unless it is set: the default of the keyword argument."""
        value: float = signature(self.run).parameters[name].default
        return value

    def adjusted(self, adjust: Mapping[str, float]) -> Step:
        """Return the step with those numbers set that are its own: `stroke.thickest` is one of `stroke`."""
        own = {name: adjust[key] for name in self.numbers if (key := f"{self.name}.{name}") in adjust}
        return replace(self, run=partial(self.run, **own)) if own else self


def _same(image: Image) -> Image:
    return image


def _shrink(image: Image, *, side: int = WORK_SIDE) -> Image:
    return shrink(image, side)


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
    Step("shrink", _shrink, numbers={"side": (64, 2048)}),
    Step("sheet", cut_to_sheet, plain=_same),
    Step("polarity", dark_ink, plain=_same, numbers={"window": (0.05, 1)}),
    Step("ink", separate_ink, plain=_darkness, numbers={"window": (0.05, 1)}),
    Step("lines", remove_lines, plain=_same, numbers={"strength": (1, 100)}),
    Step("paper", clear_paper, plain=steps.clear_background, numbers={"tone": (0.1, 0.9)}),
    Step("digit", choose_digit, plain=_same),
    Step("isolate", steps.crop_to_ink),
    Step("stroke", normalise_stroke, plain=_same, numbers={"thinnest": (0.5, 8), "thickest": (0.5, 8)}),
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

    ``adjust`` holds the numbers that are not at their defaults, by step and name, such as `stroke.thickest`.
    ``work_side`` is the longest side in pixels that the recipe works at: photos may be decoded reduced to it.
    """

    name: str
    steps: tuple[Step, ...]
    skip: tuple[str, ...] = ()
    adjust: Mapping[str, float] = field(default_factory=dict)
    passes_mnist: bool = False
    work_side: int | None = None
    settings_sha256: str = field(default="")

    def __str__(self) -> str:
        """Return the recipe's name and what differs from it: `photo -lines stroke.thickest=3`."""
        changes = [*(f"-{step}" for step in self.skip), *(f"{key}={value:g}" for key, value in self.adjust.items())]
        return " ".join([self.name, *changes])

    def decode(self, data: bytes) -> Image:
        """Decode an image file, a large JPEG reduced to what the recipe works at; raises UnreadableImageError.

        Returns (H, W) also for grey that is stored as colour, so that MNIST's digits are known however they are saved.
        """
        return drop_equal_channels(decode(data, reduce_to=self.work_side))

    def __call__(self, image: Image) -> Prepared:
        """Prepare one (H, W) or (H, W, 3) BGR uint8 image."""
        stages = dict(self.trace(image))
        seen = stages[self.steps[-1].name] if stages else image
        return Prepared(seen, blank=self.passes_mnist and not cv2.countNonZero(seen), flags=flags(stages))

    def trace(self, image: Image) -> Iterator[tuple[str, Image]]:
        """Yield each step's name and what it made of the image; nothing for an image that already is MNIST-like."""
        if self.passes_mnist and image.ndim == 2 and steps.is_mnist_like(image):
            return
        for step in self.steps:
            image = step.run(image)
            yield step.name, image


def preprocessor(
    preprocess: PreprocessingOptions | str = "photo",
    *,
    size: tuple[int, int] = (steps.SIDE, steps.SIDE),
    channels: int = 1,
) -> Preprocessor:
    """Return a recipe, without the steps that the options skip.

    ``size`` (height, width) and ``channels`` (1 or 3) are the model's input, which `simple` and `none` resize to.
    Raises ConfigError for an unknown recipe, a step that cannot be skipped, and a number that is unknown, out of its
    range, or of a step that is skipped.
    """
    options = PreprocessingOptions.of(preprocess)
    name = options.recipe
    if name not in RECIPES:
        raise ConfigError(_unknown("preprocessing", name, RECIPES))
    recipe = {
        "photo": _PHOTO,
        "mnist": _MNIST,
        "simple": (*_resize(size, 1), Step("invert", cv2.bitwise_not)),
        "none": _resize(size, channels),
    }[name]
    optional = [step.name for step in recipe if step.plain]
    for skipped in options.skip:
        if skipped not in optional:
            raise ConfigError(_unknown(f"step that `{name}` can skip", skipped, optional))
    kept = tuple(step.without() if step.name in options.skip else step for step in recipe)
    adjusted = _adjustments(name, kept, options.adjust)
    settings = {"recipe": name, "revision": REVISION, "steps": [step.name for step in kept], "size": [*size, channels]}
    settings |= {"adjust": adjusted} if adjusted else {}
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()
    return Preprocessor(
        name,
        tuple(step.adjusted(adjusted) for step in kept),
        options.skip,
        adjusted,
        passes_mnist=name in ("photo", "mnist"),
        work_side=int(adjusted.get("shrink.side", WORK_SIDE)) if name == "photo" else None,
        settings_sha256=digest,
    )


def parse_adjustments(given: Sequence[str]) -> dict[str, float]:
    """Return what ``STEP.NAME=VALUE`` sets, the last where one is given twice; raises ConfigError for other words."""
    found: dict[str, float] = {}
    for words in given:
        key, equals, value = words.partition("=")
        try:
            found[key.strip()] = float(value)
        except ValueError:
            shown = f"{value!r} is no number" if equals else "there is no ="
            raise ConfigError(
                f"cannot adjust {words!r}: {shown}. Write it as STEP.NAME=VALUE, such as stroke.thickest=3."
            ) from None
    return found


def _adjustments(recipe: str, kept: Sequence[Step], adjust: Mapping[str, float]) -> dict[str, float]:
    """Return what is set to another value than its default, when it may be."""
    known = {f"{step.name}.{name}": (step, name) for step in kept for name in step.numbers}
    found: dict[str, float] = {}
    for key, value in adjust.items():
        if key not in known:
            raise ConfigError(_unknown(f"number that `{recipe}` lets you set with these steps", key, list(known)))
        step, name = known[key]
        low, high = step.numbers[name]
        if not low <= value <= high:
            raise ConfigError(f"{key}={value:g} is out of range. Must be from {low:g} to {high:g}.")
        default = step.default(name)
        if value != default:
            found[key] = type(default)(value)
    return found


def _resize(size: tuple[int, int], channels: int) -> tuple[Step, ...]:
    """Return the steps that only fit an image to the model's input, keeping its colours and polarity."""
    colour = Step("grey", steps.grey) if channels == 1 else Step("colour", steps.colour)
    return colour, Step("resize", partial(steps.resize, size=size))


def _unknown(what: str, value: str, known: Sequence[str]) -> str:
    """Say that a value is unknown, what would be known, and the nearest of those."""
    near = get_close_matches(value, known, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return f"{value!r} is no {what}.{hint} Known: {', '.join(known) or 'none'}."
