"""Light that falls unevenly, and lines that are printed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from batch_eval.distortions.camera import clipped
from batch_eval.imaging.polarity import dark_on_light
from batch_eval.imaging.steps import Image

Floats = NDArray[np.float32]
SHADOW_EDGE = 0.05
"""Softness of a shadow's edge. Unit: half the picture."""
LINE_WIDTH = 0.012
"""Thickness of a printed line. Unit: the longer side. With 8 mm between lines, it is 0.3 to 0.6 mm."""


def unevenly_lit(image: Image, level: float, rng: np.random.Generator) -> Image:
    """Let the light fall off from one side to the other. ``level`` is the percentage lost at the far side."""
    fall = np.clip(slope(*_plane(image), rng.uniform(0, 2 * np.pi)), 0, 1)
    return _lit(image, 1 - np.float32(level / 100) * fall)


def shadowed(image: Image, level: float, rng: np.random.Generator) -> Image:
    """Cast a shadow with a straight edge near the middle. ``level`` is the percentage of light that it takes."""
    angle, place = rng.uniform(0, 2 * np.pi), rng.uniform(-0.3, 0.3)
    return _lit(image, 1 - shade(*_plane(image), angle, place, SHADOW_EDGE, level / 100))


def ruled(image: Image, level: float, rng: np.random.Generator) -> Image:
    """Print lines on the paper, below the ink. ``level`` is the percentage of light that they take.

    On dark paper the lines are bright.
    """
    side = max(image.shape[:2])
    pitch = rng.uniform(0.16, 0.34) * side
    lines = ruling(image.shape[:2], rng.uniform(0, pitch), pitch, LINE_WIDTH * side, rng.normal(0, 0.03))
    light = 1 - np.float32(level / 100) * lines
    # On a board the picture is a negative: lines that darken the negative brighten it.
    return _lit(image, light) if dark_on_light(image) else 255 - _lit(255 - np.asarray(image), light)


def _lit(image: Image, light: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Multiply an image by the light on each point, (H, W) of 0 to 1."""
    return clipped(image * (light if image.ndim == 2 else light[..., None]))


def _plane(image: Image) -> tuple[Floats, Floats]:
    """Return the coordinates (x, y) of each pixel, -1 to 1."""
    rows, columns = (np.linspace(-1, 1, n, dtype=np.float32) for n in image.shape[:2])
    x, y = np.meshgrid(columns, rows)
    return x, y


def slope(x: Floats, y: Floats, angle: float) -> NDArray[np.floating]:
    """Return an even slope in the direction of an angle in radians.

    ``x`` and ``y`` are coordinates of -1 to 1. The slope is 0 at one end of the axis, 0.5 in the middle and 1 at the
    other end.
    """
    return np.asarray((x * np.cos(angle) + y * np.sin(angle)) / 2 + 0.5)


def shade(x: Floats, y: Floats, angle: float, place: float, softness: float, depth: float) -> NDArray[np.floating]:
    """Return the share of the light, 0 to ``depth``, that a shadow with a soft straight edge takes.

    ``x`` and ``y`` are coordinates of -1 to 1, in whose unit ``place`` and ``softness`` are. ``angle`` is in radians.
    """
    # A logistic function across the edge: 0 in the light, 1 in the shadow.
    side = (x * np.cos(angle) + y * np.sin(angle) + place) / softness
    return np.asarray(depth / (1 + np.exp(-side)))


def ruling(shape: tuple[int, ...], offset: float, pitch: float, thickness: float, angle: float) -> Floats:
    """Return how parallel lines cover each pixel of (H, W), float32, 0 to 1.

    ``offset``, ``pitch`` and ``thickness`` are in pixels. ``angle`` is in radians, 0 is level.
    """
    # The distance of each pixel to its nearest line gives the coverage. It falls from 1 to 0 within one pixel, which
    # draws anti-aliased lines at any angle.
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    across = y * np.cos(angle) - x * np.sin(angle) + offset
    distance = np.abs((across + pitch / 2) % pitch - pitch / 2)
    return np.asarray(np.clip(thickness / 2 + 0.5 - distance, 0, 1), np.float32)
