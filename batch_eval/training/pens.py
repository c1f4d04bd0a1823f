"""Pens: the width, colour and texture of strokes, and how ink is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from batch_eval.training.writer import Stroke, resample

SUBPIXEL = 4
"""Fractional bits of the coordinates that OpenCV draws at, so 1/16 px."""
SUPERSAMPLING = 2
"""Ink is drawn this many times larger, then averaged."""


@dataclass(frozen=True)
class Pen:
    """A writing tool."""

    name: str
    width: tuple[float, float]
    """Range of widths, in digit heights."""
    darkness: tuple[float, float]
    """Range of the ink's opacity, 0 to 1."""
    colours: tuple[tuple[int, int, int], ...]
    """BGR, 0 to 255. A colour that stands twice is twice as likely."""
    grain: float = 0.0
    """Share of the ink that is missing in the hollows of the paper, 0 to 1."""
    pressure: float = 0.1
    """Standard deviation of the logarithm of the width along a stroke."""
    chisel: float = 0.0
    """Share of the width that a flat tip loses along its edge, 0 to 1."""


BLACK, BLUE, RED, GREEN = (30, 28, 28), (150, 60, 30), (40, 35, 190), (60, 120, 40)
PENS = {
    pen.name: pen
    for pen in (
        Pen("pencil", (0.02, 0.05), (0.35, 0.7), ((70, 70, 72),), grain=0.5, pressure=0.25),
        Pen("ballpoint", (0.015, 0.035), (0.6, 0.9), (BLACK, BLUE, BLUE, RED), grain=0.1, pressure=0.15),
        Pen("fountain", (0.03, 0.07), (0.75, 0.95), (BLACK, BLUE, (140, 30, 20)), pressure=0.2, chisel=0.6),
        Pen("felt-tip", (0.045, 0.09), (0.8, 1.0), (BLACK, BLUE, RED, GREEN), pressure=0.08),
        Pen("marker", (0.1, 0.17), (0.85, 1.0), (BLACK, BLACK, BLUE, RED), pressure=0.05, chisel=0.3),
        Pen("crayon", (0.06, 0.12), (0.6, 0.9), (BLUE, RED, GREEN, (160, 40, 120)), grain=0.6, pressure=0.2),
    )
}


@dataclass(frozen=True)
class Nib:
    """The tip of a pen on one digit."""

    width: float
    """In digit heights."""
    pressure: float = 0.1
    chisel: float = 0.0
    angle: float = 0.7
    """Direction of a flat tip's edge, in radians."""

    def widths(self, rng: np.random.Generator, stroke: Stroke) -> NDArray[np.float64]:
        """Return the width at each point of an (N, 2) stroke, (N,), in digit heights."""
        direction = np.arctan2(*np.gradient(stroke, axis=0).T[::-1])
        # A flat tip draws a hairline along its edge and its full width across it, as in calligraphy.
        flat = 1 - self.chisel * np.abs(np.cos(direction - self.angle))
        # Pressure changes slowly: four random values along the stroke, interpolated. The exponential keeps the width
        # positive, and makes doubling as likely as halving.
        pressure = np.interp(np.linspace(0, 3, len(stroke)), np.arange(4), rng.normal(0, self.pressure, 4))
        return np.asarray(self.width * flat * np.exp(pressure))


def ink(rng: np.random.Generator, strokes: Sequence[Stroke], nib: Nib, size: int, height: float) -> NDArray[np.uint8]:
    """Draw strokes in the middle of a square, (size, size) uint8, ink 255 on 0, anti-aliased.

    ``height`` is the length of one unit of the strokes, in pixels.
    """
    points = np.vstack(strokes)
    middle = (points.min(axis=0) + points.max(axis=0)) / 2
    scale = height * SUPERSAMPLING
    canvas = np.zeros((size * SUPERSAMPLING,) * 2, np.uint8)
    for stroke in strokes:
        # Points closer than a third of the width add time but no shape.
        path = resample(stroke, max(0.02, nib.width / 3))
        widths = nib.widths(rng, path) * scale
        _trace(canvas, (path - middle) * scale + size * SUPERSAMPLING / 2, widths)
    return np.asarray(cv2.resize(canvas, (size, size), interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _trace(canvas: NDArray[np.uint8], path: Stroke, widths: NDArray[np.float64]) -> None:
    """Draw a path of varying width in place."""
    fixed = np.rint(path * 2**SUBPIXEL).astype(np.int32)
    thickness = np.maximum(1, np.rint(widths)).astype(int)
    # OpenCV draws one whole thickness per line, so draw runs of equal thickness as one polyline each. The runs share
    # their end points, or there would be gaps.
    starts = np.flatnonzero(np.diff(thickness, prepend=-1))
    for start, end in zip(starts, [*starts[1:], len(fixed) - 1], strict=True):
        piece = fixed[start : end + 1].reshape(1, -1, 2)
        cv2.polylines(canvas, [*piece], False, 255, int(thickness[start]), cv2.LINE_AA, SUBPIXEL)
