"""Recipes: named steps in order, from a decoded image to what the model sees."""

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
from batch_eval.imaging.canvas import crop_canvas
from batch_eval.imaging.decode import decode
from batch_eval.imaging.digit import choose_digit
from batch_eval.imaging.filters import shrink
from batch_eval.imaging.ink import clear_paper, separate_ink
from batch_eval.imaging.options import PreprocessingOptions
from batch_eval.imaging.page import MIN_PAGE, count_digits
from batch_eval.imaging.pixels import drop_equal_channels
from batch_eval.imaging.polarity import dark_ink
from batch_eval.imaging.quality import FLAGGED_STEPS, flags
from batch_eval.imaging.second_look import look_again
from batch_eval.imaging.steps import Image
from batch_eval.imaging.stroke import normalise_stroke
from batch_eval.imaging.surroundings.lines import remove_lines
from batch_eval.imaging.surroundings.sheet import cut_to_sheet

REVISION = 17
"""Version of the steps. Raise it when a step computes something else, or a network of `look` is trained again.

It is part of the settings' hash, so old evaluations differ from new ones.
"""

# chosen by experiment over 384, for speed; docs/preprocessing.md, "What each step costs"
WORK_SIDE = 320
"""Longest side, in pixels, at which `photo` looks for the digit."""


@dataclass(frozen=True, slots=True)
class Step:
    """One named step of a recipe."""

    name: str
    """Name in `--skip` and `--adjust`."""
    run: Callable[..., Image]
    """Function from image to image; from two images if ``looks``."""
    fallback: Callable[[Image], Image] | None = None
    """What runs if the step is skipped. None if it cannot be."""
    numbers: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    """Keyword arguments of ``run`` that users may set, with their lowest and highest value."""
    looks: bool = False
    """Whether it also gets the result of the recipe's first step."""

    def skipped(self) -> Step:
        """Return the step that runs in place of this one."""
        if self.fallback is None:
            raise AssertionError(f"the step {self.name} cannot be skipped")
        return Step(f"no {self.name}", self.fallback)

    def default(self, name: str) -> float:
        """Return the default of one of the step's numbers."""
        value: float = signature(self.run).parameters[name].default
        return value

    def adjusted(self, adjust: Mapping[str, float]) -> Step:
        """Return the step with its own numbers set; `stroke.thickest` is a number of `stroke`."""
        own = {name: adjust[key] for name in self.numbers if (key := f"{self.name}.{name}") in adjust}
        return replace(self, run=partial(self.run, **own)) if own else self


def _unchanged(image: Image) -> Image:
    return image


def _shrink(image: Image, *, side: int = WORK_SIDE) -> Image:
    return shrink(image, side)


def _negative(image: Image) -> Image:
    # OpenCV's own function has no module, by which pickle finds functions for other processes
    return cv2.bitwise_not(image)


def _darkness(image: Image) -> Image:
    """Return how dark each pixel is: the ink map of a scan in even light."""
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
    Step("canvas", crop_canvas, fallback=_unchanged),
    Step("shrink", _shrink, numbers={"side": (64, 2048)}),
    Step("sheet", cut_to_sheet, fallback=_unchanged),
    Step("polarity", dark_ink, fallback=_unchanged, numbers={"window": (0.05, 1)}),
    Step("ink", separate_ink, fallback=_darkness, numbers={"window": (0.05, 1)}),
    Step("lines", remove_lines, fallback=_unchanged, numbers={"strength": (1, 100)}),
    Step("paper", clear_paper, fallback=steps.clear_background, numbers={"tone": (0.1, 0.9)}),
    Step("digit", choose_digit, fallback=_unchanged),
    Step("look", look_again, fallback=_unchanged, numbers={"doubt": (-20, 20)}, looks=True),
    Step("isolate", steps.crop_to_ink),
    Step("stroke", normalise_stroke, fallback=_unchanged, numbers={"thinnest": (0.5, 8), "thickest": (0.5, 8)}),
    *_FINISH,
)
RECIPES = ("photo", "mnist", "simple", "none")
"""Names of the recipes; docs/preprocessing.md describes them."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """What the model will see."""

    image: Image
    """uint8, (28, 28) from `photo` and `mnist`. The other recipes resize to the model's input."""
    blank: bool
    """Whether no ink was found."""
    flags: tuple[str, ...] = ()
    """Quality flags, keys of ``quality.FLAGS``."""
    digits: int = 1
    """How many separate digits stand on a page of several; else 1."""

    @property
    def reason(self) -> str:
        """Why there is nothing to classify, or why what was classified is not all; empty if all is well."""
        if self.digits > 1:
            return f"{self.digits} separate digits; cut it first"
        return "no ink was found" if self.blank else ""


@dataclass(frozen=True)
class Preprocessor:
    """A recipe with its settings. Call it with a decoded image."""

    name: str
    """One of ``RECIPES``."""
    steps: tuple[Step, ...]
    """The steps in order."""
    skip: tuple[str, ...] = ()
    """Names of the skipped steps."""
    adjust: Mapping[str, float] = field(default_factory=dict)
    """Numbers that differ from their defaults, such as ``{"stroke.thickest": 3}``."""
    passes_mnist: bool = False
    """Whether MNIST-like images pass through unchanged."""
    work_side: int | None = None
    """Longest side, in pixels, that the recipe works at. JPEGs are decoded reduced to it."""
    settings_sha256: str = field(default="")
    """Hash of the settings. Evaluations store it."""

    def __str__(self) -> str:
        """Return the recipe's name and its changes: `photo -lines stroke.thickest=3`."""
        changes = [*(f"-{step}" for step in self.skip), *(f"{key}={value:g}" for key, value in self.adjust.items())]
        return " ".join([self.name, *changes])

    def decode(self, data: bytes) -> Image:
        """Decode an image file for this recipe.

        Large JPEGs are decoded reduced to ``work_side``. Grey that is stored as colour becomes (H, W): MNIST's digits
        are recognised in any format.

        Args:
            data: The file's bytes.

        Returns:
            (H, W) or (H, W, 3) BGR uint8.

        Raises:
            UnreadableImageError: The image is damaged or not an image.

        """
        return drop_equal_channels(decode(data, reduce_to=self.work_side))

    def __call__(self, image: Image) -> Prepared:
        """Prepare one decoded image, (H, W) or (H, W, 3) BGR uint8."""
        image = self._visible(image)
        seen, kept = image, {}
        for name, seen in self.trace(image):
            if name in FLAGGED_STEPS:  # a large image must not stay in memory once for each step
                kept[name] = seen
        digits = count_digits(kept["paper"]) if "paper" in kept else 1
        page = digits if digits >= MIN_PAGE else 1
        blank = self.passes_mnist and not cv2.countNonZero(seen)
        return Prepared(seen, blank, flags(kept, several=page > 1), page)

    def passes(self, image: Image) -> bool:
        """Say whether no step changes an image, as it looks like MNIST."""
        return self._passes(self._visible(image))

    def trace(self, image: Image) -> Iterator[tuple[str, Image]]:
        """Yield each step's name and result, on which the next one works; nothing for an MNIST-like image."""
        image = self._visible(image)
        if self._passes(image):
            return
        first = image
        for number, step in enumerate(self.steps):
            image = step.run(image, first) if step.looks else step.run(image)
            first = first if number else image
            yield step.name, image

    def _passes(self, image: Image) -> bool:
        return self.passes_mnist and image.ndim == 2 and steps.is_mnist_like(image)

    def _visible(self, image: Image) -> Image:
        # `simple` and `none` show the model what it was given
        return steps.visible(image) if self.passes_mnist else image


def preprocessor(
    preprocess: PreprocessingOptions | str = "photo",
    *,
    size: tuple[int, int] = (steps.SIDE, steps.SIDE),
    channels: int = 1,
) -> Preprocessor:
    """Return a recipe with its settings.

    Args:
        preprocess: The options, or the name of a recipe.
        size: (height, width) of the model's input, to which `simple` and `none` resize.
        channels: Channels of the model's input, 1 or 3, which `none` converts to.

    Raises:
        ConfigError: The recipe is unknown; a step cannot be skipped; a number is unknown, out of range, or of a
            skipped step.

    """
    options = PreprocessingOptions.of(preprocess)
    name = options.recipe
    if name not in RECIPES:
        raise ConfigError(f"unknown recipe {name!r}.{_hint(name, RECIPES)} Known: {', '.join(RECIPES)}.")
    recipe = {
        "photo": _PHOTO,
        "mnist": _MNIST,
        "simple": (*_resize(size, 1), Step("invert", _negative)),
        "none": _resize(size, channels),
    }[name]
    _check_skips(name, recipe, options.skip)
    kept = tuple(step.skipped() if step.name in options.skip else step for step in recipe)
    adjusted = _adjustments(name, kept, options.adjust)
    # what is at its default stays out of the hash, so that new numbers do not change old hashes
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
    """Parse adjustments from the command line or a configuration file.

    >>> parse_adjustments(["stroke.thickest=3"])
    {'stroke.thickest': 3.0}

    Args:
        given: Each is ``STEP.NAME=VALUE``. Of the same number, the last counts.

    Raises:
        ConfigError: One does not have this form.

    """
    found: dict[str, float] = {}
    for words in given:
        key, equals, value = words.partition("=")
        try:
            found[key.strip()] = float(value)
        except ValueError:
            shown = f"{value!r} is not a number" if equals else "the = is missing"
            raise ConfigError(
                f"cannot adjust {words!r}: {shown}. Write it as STEP.NAME=VALUE, such as stroke.thickest=3."
            ) from None
    return found


def _check_skips(name: str, recipe: Sequence[Step], skip: Sequence[str]) -> None:
    """Raise ConfigError if a recipe cannot skip one of these steps."""
    optional = [step.name for step in recipe if step.fallback]
    for step in skip:
        if not optional:
            raise ConfigError(f"cannot skip {step!r}: the recipe {name!r} has no step to skip.")
        if step not in optional:
            raise ConfigError(
                f"cannot skip {step!r}.{_hint(step, optional)} The recipe {name!r} can skip: {', '.join(optional)}."
            )


def _adjustments(recipe: str, kept: Sequence[Step], adjust: Mapping[str, float]) -> dict[str, float]:
    """Return the numbers that differ from their defaults, after checking them."""
    known = {f"{step.name}.{name}": (step, name) for step in kept for name in step.numbers}
    found: dict[str, float] = {}
    for key, value in adjust.items():
        if not known:
            raise ConfigError(f"cannot adjust {key!r}: the recipe {recipe!r} has no number to adjust.")
        if key not in known:
            raise ConfigError(
                f"cannot adjust {key!r}.{_hint(key, list(known))} "
                f"With these steps, the recipe {recipe!r} can adjust: {', '.join(known)}."
            )
        step, name = known[key]
        low, high = step.numbers[name]
        if not low <= value <= high:
            raise ConfigError(f"{key}={value:g} is out of range. Must be from {low:g} to {high:g}.")
        default = step.default(name)
        if value != default:
            found[key] = type(default)(value)
    return found


def _resize(size: tuple[int, int], channels: int) -> tuple[Step, ...]:
    """Return the steps that fit an image to the model's input and keep its polarity."""
    colour = Step("grey", steps.grey) if channels == 1 else Step("colour", steps.colour)
    return colour, Step("resize", partial(steps.resize, size=size))


def _hint(value: str, known: Sequence[str]) -> str:
    """Suggest the nearest known value, after a space; empty if none is near."""
    near = get_close_matches(value, known, n=1)
    return f" Did you mean {near[0]!r}?" if near else ""
