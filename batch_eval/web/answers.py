"""The answer to the page: guesses, quality flags, and pictures of every step."""

from __future__ import annotations

from typing import Any

from batch_eval.engines.reader import Reader, Reading
from batch_eval.imaging.files import encode
from batch_eval.imaging.filters import shrink
from batch_eval.imaging.quality import FLAGS
from batch_eval.imaging.steps import Image
from batch_eval.reports.html.pictures import data_uri

TOP = 5
"""Number of guesses."""
LARGE_SIDE = 480
"""Longer side of the two main pictures, in pixels."""
STEP_SIDE = 168
"""Longer side of a step's picture, in pixels."""


def answer(data: bytes, reader: Reader) -> dict[str, Any]:
    """Return how a model reads an image file's bytes, ready for JSON. Raises UnreadableImageError."""
    reading = reader.read(data, TOP)
    return {
        "guesses": [guess._asdict() for guess in reading.guesses],
        "reason": reading.prepared.reason,
        "flags": [{"name": flag, "meaning": FLAGS[flag]} for flag in reading.flags],
        # The page shows this copy, because browsers cannot show every format, such as HEIC.
        "original": _picture(reading.image, LARGE_SIDE),
        "seen": _picture(reading.prepared.image, LARGE_SIDE),
        "steps": _steps(reading, reader),
    }


def _steps(reading: Reading, reader: Reader) -> list[dict[str, str]]:
    """Return name and picture of each preprocessing step. An image that looks like MNIST has none."""
    return [{"name": name, "picture": _picture(image, STEP_SIDE)} for name, image in reader.recipe.trace(reading.image)]


def _picture(image: Image, side: int) -> str:
    """Return an image as a PNG data URI, shrunk if its longer side exceeds ``side`` pixels."""
    return data_uri("image/png", encode(shrink(image, side)))
