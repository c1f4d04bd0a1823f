"""A simulated writer, who draws lines, curves and arcs through control points and never hits them exactly."""

from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

Stroke: TypeAlias = NDArray[np.float64]  # (N, 2) points x, y along the pen's path; y grows downwards
SAMPLES = 12  # points from one control point to the next


@dataclass(frozen=True)
class Writer:
    """One writer at one moment.

    ``jitter`` is the standard deviation of control points, in digit heights.
    """

    rng: np.random.Generator
    jitter: float = 0.02

    def between(self, low: float, high: float) -> float:
        """Return a number from ``low`` to ``high``, uniformly distributed."""
        return float(self.rng.uniform(low, high))

    def chance(self, probability: float) -> bool:
        """Return True with this probability."""
        return bool(self.rng.random() < probability)

    def line(self, *points: tuple[float, float]) -> Stroke:
        """Return straight lines from point to point, (N, 2)."""
        corners = self._jittered(points)
        steps = np.linspace(0, 1, SAMPLES, endpoint=False)[:, None]
        pieces = [a + (b - a) * steps for a, b in pairwise(corners)]
        return np.vstack([*pieces, corners[-1:]])

    def curve(self, *points: tuple[float, float]) -> Stroke:
        """Return a smooth curve through the points, (N, 2): a Catmull-Rom spline."""
        p = self._jittered(points)
        # Each piece needs a neighbour on both sides. The ends have none, so mirror the next point there.
        p = np.vstack([2 * p[0] - p[1], p, 2 * p[-1] - p[-2]])
        t = np.linspace(0, 1, SAMPLES, endpoint=False)[:, None]
        pieces = [_catmull_rom(p[i : i + 4], t) for i in range(len(p) - 3)]
        return np.vstack([*pieces, p[-2:-1]])

    def arc(self, centre: tuple[float, float], radii: tuple[float, float], start: float, sweep: float) -> Stroke:
        """Return part of an ellipse, (N, 2).

        ``start`` and ``sweep`` are degrees: 0 points right, 90 down. A positive sweep turns clockwise.
        """
        count = max(4, int(abs(sweep) / 360 * 4 * SAMPLES))
        angle = np.radians(start + np.linspace(0, sweep, count))
        # The radius drifts along the way, so a full turn need not close, as in quick writing.
        drift = 1 + np.linspace(-1, 1, count) * self.rng.normal(0, 2 * self.jitter)
        middle = self._jittered([centre])[0]
        unit = np.stack([np.cos(angle), np.sin(angle)], axis=1)
        return np.asarray(middle + unit * np.asarray(radii) * drift[:, None])

    def _jittered(self, points: ArrayLike) -> Stroke:
        """Move every control point a little."""
        exact = np.asarray(points, dtype=np.float64)
        return exact + self.rng.normal(0, self.jitter, exact.shape)


def join(*parts: Stroke) -> Stroke:
    """Join parts into one stroke, (N, 2). Each later part moves to where the one before ended."""
    path = [parts[0]]
    for part in parts[1:]:
        path.append(part[1:] + (path[-1][-1] - part[0]))
    return np.vstack(path)


def resample(stroke: Stroke, spacing: float) -> Stroke:
    """Return points at equal distances along the stroke, (M, 2), at least two."""
    steps = np.hypot(*np.diff(stroke, axis=0).T)
    along = np.concatenate([[0.0], np.cumsum(steps)])
    wanted = np.linspace(0, along[-1], max(2, int(along[-1] / spacing) + 1))
    return np.stack([np.interp(wanted, along, stroke[:, axis]) for axis in (0, 1)], axis=1)


def _catmull_rom(p: Stroke, t: NDArray[np.float64]) -> Stroke:
    """Return the curve from ``p[1]`` to ``p[2]`` at ``t`` of 0 to 1.

    It is cubic. Its slope at ``p[1]`` is that of the line from ``p[0]`` to ``p[2]``, so pieces join smoothly. Source:
    Catmull and Rom, A class of local interpolating splines, 1974.
    """
    return np.asarray(
        0.5
        * (
            2 * p[1]
            + (p[2] - p[0]) * t
            + (2 * p[0] - 5 * p[1] + 4 * p[2] - p[3]) * t**2
            + (3 * p[1] - p[0] - 3 * p[2] + p[3]) * t**3
        )
    )
