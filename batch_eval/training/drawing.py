"""Handwritten digits drawn by a program: an allograph, a hand that varies it, and ink."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from batch_eval.training.allographs import ALLOGRAPHS, Allograph
from batch_eval.training.hand import Hand, Stroke, resample
from batch_eval.training.pens import Nib, ink

SPACING = 0.02  # of the points along a stroke, in digit heights


def write(rng: np.random.Generator, label: int) -> list[Stroke]:
    """Return the strokes of one handwritten digit: (N, 2) arrays in units of its height, y growing downwards."""
    hand = Hand(rng, jitter=float(rng.uniform(0.005, 0.035)))
    strokes = [resample(stroke, SPACING) for stroke in choose(rng, label).draw(hand)]
    rounding, wobble = float(rng.exponential(1.2)), float(rng.exponential(0.006))
    strokes = [_wobbled(rng, _rounded(stroke, rounding), wobble) for stroke in strokes]
    matrix = _posture(rng)
    return _unit_height([stroke @ matrix.T for stroke in strokes])


def choose(rng: np.random.Generator, label: int) -> Allograph:
    """Pick one of the digit's allographs, as often as their weights say."""
    ways, shares = _ways(label)
    return ways[int(rng.choice(len(ways), p=shares))]


@cache
def _ways(label: int) -> tuple[list[Allograph], NDArray[np.float64]]:
    """Return the allographs of a digit and their shares, which sum to 1."""
    ways = [way for way in ALLOGRAPHS if way.label == label]
    weights = np.array([way.weight for way in ways])
    return ways, weights / weights.sum()


def _rounded(stroke: Stroke, sigma: float) -> Stroke:
    """Round the corners: blur along the path with ``sigma`` in points, ends kept."""
    reach = int(3 * sigma)
    if reach == 0:
        return stroke
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    padded = np.pad(stroke, ((reach, reach), (0, 0)), mode="reflect", reflect_type="odd")
    return np.stack([np.convolve(padded[:, axis], kernel / kernel.sum(), "valid") for axis in (0, 1)], axis=1)


def _wobbled(rng: np.random.Generator, stroke: Stroke, sigma: float) -> Stroke:
    """Shake the pen: smooth noise of deviation ``sigma``, in digit heights, along the path."""
    knots = max(2, len(stroke) // 6)
    where = np.linspace(0, knots - 1, len(stroke))
    noise = rng.normal(0, sigma, (2, knots))
    return np.asarray(stroke + np.stack([np.interp(where, np.arange(knots), row) for row in noise], axis=1))


def _posture(rng: np.random.Generator) -> NDArray[np.float64]:
    """Return a (2, 2) matrix: a writer's width, slant and rotation."""
    width = float(np.exp(rng.normal(0, 0.2)))
    slant = float(rng.normal(0.1, 0.18))
    turn = float(np.radians(rng.normal(0, 4)))
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    return np.asarray(rotation @ np.array([[width, -slant], [0, 1]]))


def _unit_height(strokes: list[Stroke]) -> list[Stroke]:
    """Scale so that the longer side of all strokes together is one."""
    points = np.vstack(strokes)
    return [stroke / np.ptp(points, axis=0).max() for stroke in strokes]


def random_nib(rng: np.random.Generator) -> Nib:
    """Pick a pen's tip, from a hairline to a broad marker."""
    width = float(np.exp(rng.uniform(np.log(0.012), np.log(0.2))))
    chisel = float(rng.uniform(0.2, 0.7)) if rng.random() < 0.25 else 0.0
    return Nib(width, float(rng.uniform(0, 0.2)), chisel, float(rng.uniform(0, np.pi)))


def draw_ink(rng: np.random.Generator, label: int, size: int = 96) -> NDArray[np.uint8]:
    """Draw one digit as ink 255 on 0, (size, size) uint8, with any of the pens' widths and defects of the ink."""
    strokes, nib = write(rng, label), random_nib(rng)
    picture = ink(rng, strokes, nib, size, height=size * 0.96 / (1 + nib.width * 1.3))
    if nib.width > 0.07 and rng.random() < 0.12:
        picture = scribble(rng, strokes, nib, size)
    if rng.random() < 0.12:
        picture = broken(rng, picture)
    return picture


def scribble(rng: np.random.Generator, strokes: list[Stroke], nib: Nib, size: int) -> NDArray[np.uint8]:
    """Fill a broad stroke by going to and fro across it with a fine pen, (size, size) uint8."""
    pitch = float(rng.uniform(0.018, 0.035))
    zigzags = [_zigzag(rng, resample(stroke, pitch), nib.width) for stroke in strokes]
    fine = Nib(float(rng.uniform(0.015, 0.03)))
    return ink(rng, zigzags, fine, size, height=size * 0.96 / (1 + nib.width * 1.5))


def _zigzag(rng: np.random.Generator, stroke: Stroke, width: float) -> Stroke:
    """Return points to the left and right of the path in turn, about ``width`` apart."""
    along = np.gradient(stroke, axis=0)
    across = along[:, ::-1] * (1, -1) / (np.hypot(*along.T)[:, None] + 1e-9)
    side = np.where(np.arange(len(stroke)) % 2, 0.5, -0.5) * rng.uniform(0.7, 1.2, len(stroke))
    return np.asarray(stroke + across * (side * width)[:, None])


def broken(rng: np.random.Generator, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Take ink away in patches and streaks, as a dry pen or a hard threshold does; shape and dtype are kept."""
    size = picture.shape[0]
    coarse = rng.random((int(rng.integers(8, 32)),) * 2, dtype=np.float32)
    paper = cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC)
    kept = paper > rng.uniform(0.04, 0.22)
    return np.asarray(picture * kept, dtype=np.uint8)
