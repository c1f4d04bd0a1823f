"""What the page is told of a reading: guesses, flags, and pictures as data URIs."""

from __future__ import annotations

from typing import Any

from batch_eval.engines.reader import Reader, Reading
from batch_eval.imaging.files import encode
from batch_eval.imaging.filters import shrink
from batch_eval.imaging.quality import FLAGS
from batch_eval.imaging.steps import Image
from batch_eval.reports.html.pictures import data_uri

TOP = 5
"""Classes shown."""
ORIGINAL_SIDE, STEP_SIDE = 480, 168
"""Longest sides, in pixels, of the pictures."""


def answer(data: bytes, reader: Reader) -> dict[str, Any]:
    """Return how a model reads the bytes of an image, for the page; raises UnreadableImageError."""
    reading = reader.read(data, TOP)
    return {
        "guesses": [guess._asdict() for guess in reading.guesses],
        "reason": reading.prepared.reason,
        "flags": [{"name": flag, "meaning": FLAGS[flag]} for flag in reading.prepared.flags],
        "original": _picture(reading.image, ORIGINAL_SIDE),
        "seen": _picture(reading.prepared.image, ORIGINAL_SIDE),
        "steps": _steps(reading, reader),
    }


def _steps(reading: Reading, reader: Reader) -> list[dict[str, str]]:
    """Return every step's name and picture; none for an image that needed none."""
    return [{"name": name, "picture": _picture(image, STEP_SIDE)} for name, image in reader.recipe.trace(reading.image)]


def _picture(image: Image, side: int) -> str:
    """Return an image of at most ``side`` pixels as a PNG in a data URI."""
    return data_uri("image/png", encode(shrink(image, side)))
