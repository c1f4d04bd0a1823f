"""Reads single images: from a file's bytes to the most probable classes."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

from batch_eval.dataset import Content
from batch_eval.dataset.names import image_id
from batch_eval.dataset.sources.opening import holds_set, open_source
from batch_eval.engines.local import decoded
from batch_eval.engines.rows import Guess, top_guesses
from batch_eval.engines.scoring import FLAG, digit_scores, is_flagged
from batch_eval.errors import UnreadableImageError
from batch_eval.files import read
from batch_eval.imaging import Prepared, Preprocessor
from batch_eval.imaging.guard import one_image
from batch_eval.imaging.steps import Image
from batch_eval.models import Classifier

NamedImage = tuple[str, Callable[[], Content]]
"""An image's name, and what returns it or raises UnreadableImageError."""
STDIN = "-"
"""Stands for the image that is read from stdin."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How a model reads one image.

    ``image`` is the decoded original, (H, W) or (H, W, 3) BGR uint8; a large JPEG is reduced. ``prepared`` is what the
    model saw. ``guesses`` fall in confidence; a blank image has none. ``score`` says how much it looks like one digit,
    0 to 1; NaN for a blank image, and for recipes that find no ink.
    """

    image: Image
    prepared: Prepared
    guesses: tuple[Guess, ...]
    score: float = math.nan

    @property
    def flags(self) -> tuple[str, ...]:
        """The quality flags, and whether it is no digit."""
        return (*self.prepared.flags, FLAG) if is_flagged(self.score) else self.prepared.flags


@dataclass(frozen=True, slots=True)
class Prediction:
    """A named image with its reading, or with the ``problem`` that makes it unreadable."""

    name: str
    reading: Reading | None
    problem: str = ""

    @property
    def outcome(self) -> str:
        """``read``, ``blank`` or ``unreadable``."""
        if self.reading is None:
            return "unreadable"
        return "blank" if self.reading.prepared.blank else "read"

    @property
    def reason(self) -> str:
        """Why nothing was read; empty where something was."""
        return self.reading.prepared.reason if self.reading else self.problem

    @property
    def guesses(self) -> tuple[Guess, ...]:
        """The most probable classes, none of an image that is blank or unreadable."""
        return self.reading.guesses if self.reading else ()

    @property
    def flags(self) -> tuple[str, ...]:
        """The quality flags."""
        return self.reading.flags if self.reading else ()

    @property
    def score(self) -> float | None:
        """How much the image looks like one digit, 0 to 1, where that is known."""
        return None if self.reading is None or math.isnan(self.reading.score) else self.reading.score

    @property
    def seen(self) -> Image | None:
        """What the model saw, uint8 of its input size; None for an unreadable image."""
        return self.reading.prepared.image if self.reading else None


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads images with one model and one recipe, from any thread."""

    classifier: Classifier
    recipe: Preprocessor

    def read(self, content: Content, top: int) -> Reading:
        """Read an image, the bytes of a file or pixels, as its ``top`` most probable classes.

        Raises UnreadableImageError with the reason.
        """
        image, prepared = one_image(self._prepare, content)
        if prepared.blank:
            return Reading(image, prepared, ())
        seen = np.asarray(prepared.image, np.uint8)[None]
        probabilities = self.classifier.predict(seen)
        guesses = top_guesses(probabilities[0], self.classifier.class_names, top)
        return Reading(
            image, prepared, guesses, float(digit_scores(self.recipe, self.classifier, seen, probabilities)[0])
        )

    def _prepare(self, content: Content) -> tuple[Image, Prepared]:
        image = decoded(content, self.recipe)
        return image, self.recipe(image)

    def predictions(self, images: Iterable[NamedImage], top: int) -> Iterator[Prediction]:
        """Yield the prediction for each image, in order."""
        for name, content in images:
            try:
                yield Prediction(name, self.read(content(), top))
            except UnreadableImageError as error:
                yield Prediction(name, None, str(error))


def named_images(places: Iterable[str], stdin: bytes = b"") -> Iterator[NamedImage]:
    """Yield images by their paths, and those of sets by the set's path and their ids.

    ``-`` stands for the bytes of ``stdin``. Raises DatasetError where a folder holds no images.
    """
    for place in places:
        if place == STDIN:
            yield place, lambda: stdin
        elif holds_set(place):
            source = open_source(place)
            for file in source.images:
                yield f"{place.rstrip('/')}/{image_id(file)}", partial(source.read, file)
        else:
            yield place, partial(read, place)


@dataclass(frozen=True, slots=True)
class Predictions:
    """Predictions one after the other, and the reader that makes them."""

    reader: Reader
    images: Iterable[Prediction]
