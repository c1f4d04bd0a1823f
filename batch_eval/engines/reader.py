"""Reads single images: from a file's bytes to the most probable classes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from batch_eval.engines.rows import Guess, top_guesses
from batch_eval.errors import UnreadableImageError
from batch_eval.files import read
from batch_eval.imaging import Prepared, Preprocessor
from batch_eval.imaging.steps import Image
from batch_eval.models import Classifier

STDIN = "-"
"""Stands for the image that is read from stdin."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How a model reads one image.

    ``image`` is the decoded original, (H, W) or (H, W, 3) BGR uint8; a large JPEG is reduced. ``prepared`` is what the
    model saw. ``guesses`` fall in confidence; a blank image has none.
    """

    image: Image
    prepared: Prepared
    guesses: tuple[Guess, ...]


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
        return self.reading.prepared.flags if self.reading else ()

    @property
    def seen(self) -> Image | None:
        """What the model saw, uint8 of its input size; None for an unreadable image."""
        return self.reading.prepared.image if self.reading else None


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads images with one model and one recipe, from any thread."""

    classifier: Classifier
    recipe: Preprocessor

    def read(self, data: bytes, top: int) -> Reading:
        """Read the bytes of an image file as its ``top`` most probable classes.

        Raises UnreadableImageError with the reason.
        """
        image = self.recipe.decode(data)
        prepared = self.recipe(image)
        return Reading(image, prepared, () if prepared.blank else self._guesses(prepared.image, top))

    def _guesses(self, image: Image, top: int) -> tuple[Guess, ...]:
        shares = self.classifier.predict(np.asarray(image, np.uint8)[None])[0]
        return top_guesses(shares, self.classifier.class_names, top)

    def predictions(self, paths: Iterable[str], top: int, stdin: bytes = b"") -> Iterator[Prediction]:
        """Yield the prediction for each file, in order; ``-`` stands for the bytes of ``stdin``."""
        for path in paths:
            try:
                yield Prediction(path, self.read(stdin if path == STDIN else read(path), top))
            except UnreadableImageError as error:
                yield Prediction(path, None, str(error))


@dataclass(frozen=True, slots=True)
class Predictions:
    """Predictions one after the other, and the reader that makes them."""

    reader: Reader
    images: Iterable[Prediction]
