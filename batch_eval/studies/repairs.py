"""Small changes to what a model saw. Each might make it read right."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import cv2
import numpy as np

from batch_eval.imaging.steps import Image

BACKGROUND = 32
"""Grey level below which a pixel holds no ink."""
_CROSS = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
_SQUARE = cv2.getStructuringElement(cv2.MORPH_RECT, (3, 3))
_DIRECTIONS = {"left": (-1, 0), "right": (1, 0), "up": (0, -1), "down": (0, 1)}
SPOT_STEP = 2
"""Pixels between the places where a spot is tried, at 28 pixels a side. Every place takes four times as long."""


class Repair(NamedTuple):
    """A changed image, how it was changed, and how much.

    ``kind`` is one of `evaluation.explanations.KINDS`.
    ``level`` counts from 1, the smallest change of its kind. ``place`` is the centre (x, y)
    of a spot in pixels. It is None for changes of the whole image.
    """

    kind: str
    words: str
    level: int
    image: Image
    place: tuple[int, int] | None = None


def repairs(image: Image) -> list[Repair]:
    """Return the changes to try of (h, w) uint8 with bright ink on dark.

    The smallest comes first. No two give the same image.
    """
    unit = max(image.shape) / 28
    found = sorted(_repairs(image, unit), key=lambda repair: repair.level)
    # reversed, so that of equal images the smallest change stays; one that changes nothing is dropped
    distinct = {repair.image.tobytes(): repair for repair in reversed(found)}
    distinct.pop(image.tobytes(), None)
    return sorted(distinct.values(), key=lambda repair: repair.level)


def _repairs(image: Image, unit: float) -> Iterator[Repair]:
    yield from _strokes(image)
    for level, degrees in enumerate((5, 10, 15, 20), start=1):
        for sign, way in ((1, "anticlockwise"), (-1, "clockwise")):
            yield Repair("turning", f"turn by {degrees}° {way}", level, _turned(image, sign * degrees, 1))
    for level in (1, 2, 3):
        for way, (x, y) in _DIRECTIONS.items():
            distance = round(level * unit)
            words = f"shift {way} by {distance} pixel{'s' if distance > 1 else ''}"
            yield Repair("moving", words, level, _moved(image, x * distance, y * distance))
    for level, (small, large) in enumerate(((0.9, 1.1), (0.8, 1.2)), start=1):
        yield Repair("size", f"{100 - round(100 * small)} % smaller", level, _turned(image, 0, small))
        yield Repair("size", f"{round(100 * large) - 100} % larger", level, _turned(image, 0, large))
    for level, slant in enumerate((0.1, 0.2, 0.3), start=1):
        yield Repair("slant", f"slant to the right by {round(100 * slant)} %", level, _slanted(image, slant))
        yield Repair("slant", f"slant to the left by {round(100 * slant)} %", level, _slanted(image, -slant))
    yield from _spots(image, unit)


def _strokes(image: Image) -> Iterator[Repair]:
    """Yield thicker and thinner strokes, three levels of each."""
    # Half a pixel on each side is the mean of the image and of the first whole step. One pixel is taken in four
    # directions (cross), then in eight (square).
    ways: tuple[tuple[str, Callable[..., cv2.typing.MatLike]], ...] = (("thicker", cv2.dilate), ("thinner", cv2.erode))
    for word, change in ways:
        cross, square = change(image, _CROSS), change(image, _SQUARE)
        half = cv2.addWeighted(image, 0.5, cross, 0.5, 0)
        for level, (amount, changed) in enumerate((("a little ", half), ("", cross), ("much ", square)), start=1):
            yield Repair(f"{word} strokes", f"{amount}{word} strokes", level, np.asarray(changed, np.uint8))


def _spots(image: Image, unit: float) -> Iterator[Repair]:
    """Yield the image with a spot erased, and with a spot of ink added.

    Ink is erased where there is some. It is added at empty places near ink.
    """
    ink = (image >= BACKGROUND).astype(np.uint8)
    near = cv2.dilate(ink, _SQUARE, iterations=max(1, round(2 * unit)))
    step = max(1, round(SPOT_STEP * unit))
    peak = int(image.max())
    for level, radius in enumerate((1.5, 2.5, 3.5), start=1):
        size = max(1, round(radius * unit))
        for y in range(step // 2, image.shape[0], step):
            for x in range(step // 2, image.shape[1], step):
                if ink[y, x]:
                    erased = cv2.circle(image.copy(), (x, y), size, 0, -1)
                    yield Repair("erasing", f"erase this spot {_where(image, x, y)}", level, erased, (x, y))
                elif near[y, x]:
                    added = cv2.circle(image.copy(), (x, y), max(1, size - 1), peak, -1)
                    word = "close this gap" if _bridges(ink, x, y, size) else "add ink"
                    yield Repair("adding", f"{word} {_where(image, x, y)}", level, added, (x, y))


def _bridges(ink: Image, x: int, y: int, size: int) -> bool:
    """Whether a spot touches ink that is not connected around it.

    Such a spot joins two strokes, or two sides of one.
    """
    reach = size + 1
    ring = ink[max(0, y - reach) : y + reach + 1, max(0, x - reach) : x + reach + 1]
    return cv2.connectedComponents(ring)[0] > 2  # the background is one of them


def _where(image: Image, x: int, y: int) -> str:
    """Return a place in words: ``at the top left``, ``in the middle``."""
    rows = ("top", "middle", "bottom")[min(2, 3 * y // image.shape[0])]
    columns = ("left", "", "right")[min(2, 3 * x // image.shape[1])]
    if rows == "middle":
        return f"at the {columns}" if columns else "in the middle"
    return f"at the {rows} {columns}".rstrip()


def _turned(image: Image, degrees: float, scale: float) -> Image:
    centre = ((image.shape[1] - 1) / 2, (image.shape[0] - 1) / 2)
    return _warped(image, cv2.getRotationMatrix2D(centre, degrees, scale))


def _moved(image: Image, x: int, y: int) -> Image:
    return _warped(image, np.array([[1, 0, x], [0, 1, y]], np.float64))


def _slanted(image: Image, slant: float) -> Image:
    middle = (image.shape[0] - 1) / 2
    # rows move in proportion to their distance from the middle one, which stays
    return _warped(image, np.array([[1, -slant, slant * middle], [0, 1, 0]], np.float64))


def _warped(image: Image, matrix: cv2.typing.MatLike) -> Image:
    return np.asarray(cv2.warpAffine(image, matrix, (image.shape[1], image.shape[0])), np.uint8)
