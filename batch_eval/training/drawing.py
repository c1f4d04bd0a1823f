"""Draw handwritten digits as strokes and as ink."""

# The idea: choose an allograph (one way to write the digit), let a writer draw its control points with jitter, then
# vary corners, tremor, slant and proportions. A random pen turns the strokes into ink.

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from batch_eval.training.allographs import ALLOGRAPHS, Allograph
from batch_eval.training.pens import Nib, ink
from batch_eval.training.writer import Stroke, Writer, resample

SPACING = 0.02  # distance of points along a stroke, in digit heights


def write(
    rng: np.random.Generator, label: int, allograph: Allograph | None = None, *, rare: bool = False
) -> list[Stroke]:
    """Return the strokes of one handwritten digit, in a given way to write it or in one by chance.

    Chance may take ``rare`` ways or not.

    Each is (N, 2) in units of the digit's longer side, and y grows downwards.
    """
    writer = Writer(rng, jitter=float(rng.uniform(0.005, 0.035)))
    return handwritten(rng, (allograph or choose_allograph(rng, label, rare=rare)).draw(writer))


def handwritten(rng: np.random.Generator, strokes: Sequence[Stroke]) -> list[Stroke]:
    """Give strokes a writer's roundness, tremor and posture. Each is (N, 2) in units of their longer side."""
    strokes = [resample(stroke, SPACING) for stroke in strokes]
    rounding, tremor = float(rng.exponential(1.2)), float(rng.exponential(0.006))
    strokes = [_with_tremor(rng, _rounded(stroke, rounding), tremor) for stroke in strokes]
    matrix = _posture(rng)
    return _unit_height([stroke @ matrix.T for stroke in strokes])


def choose_allograph(rng: np.random.Generator, label: int, *, rare: bool = False) -> Allograph:
    """Choose one of the digit's allographs with a probability proportional to its weight."""
    allographs, probabilities = _allographs_of(label, rare)
    return allographs[int(rng.choice(len(allographs), p=probabilities))]


@cache
def _allographs_of(label: int, rare: bool) -> tuple[list[Allograph], NDArray[np.float64]]:
    """Return the allographs of a digit and their probabilities."""
    allographs = [allograph for allograph in ALLOGRAPHS if allograph.label == label and rare >= allograph.rare]
    weights = np.array([allograph.weight for allograph in allographs])
    return allographs, weights / weights.sum()


def _rounded(stroke: Stroke, sigma: float) -> Stroke:
    """Round the corners by a Gaussian blur along the path. ``sigma`` is in points."""
    reach = int(3 * sigma)
    if reach == 0:
        return stroke
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    # Odd reflection continues the path beyond its ends, so that the blur does not shorten the stroke.
    padded = np.pad(stroke, ((reach, reach), (0, 0)), mode="reflect", reflect_type="odd")
    return np.stack([np.convolve(padded[:, axis], kernel / kernel.sum(), "valid") for axis in (0, 1)], axis=1)


def _with_tremor(rng: np.random.Generator, stroke: Stroke, sigma: float) -> Stroke:
    """Add smooth noise along the path. ``sigma`` is its standard deviation in digit heights."""
    # Noise at every sixth point, interpolated in between: independent noise at each point would look like fur.
    knots = max(2, len(stroke) // 6)
    where = np.linspace(0, knots - 1, len(stroke))
    noise = rng.normal(0, sigma, (2, knots))
    return np.asarray(stroke + np.stack([np.interp(where, np.arange(knots), row) for row in noise], axis=1))


def _posture(rng: np.random.Generator) -> NDArray[np.float64]:
    """Return a (2, 2) matrix of a writer's width, slant and rotation."""
    width = float(np.exp(rng.normal(0, 0.2)))
    slant = float(rng.normal(0.1, 0.18))
    turn = float(np.radians(rng.normal(0, 4)))
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    return np.asarray(rotation @ np.array([[width, -slant], [0, 1]]))


def _unit_height(strokes: list[Stroke]) -> list[Stroke]:
    """Scale the strokes together so that their longer side is 1."""
    points = np.vstack(strokes)
    return [stroke / np.ptp(points, axis=0).max() for stroke in strokes]


def random_nib(rng: np.random.Generator) -> Nib:
    """Choose a pen's tip, from a hairline to a broad marker."""
    # Uniform in the logarithm: a hairline twice as wide matters as much as a marker twice as wide.
    width = float(np.exp(rng.uniform(np.log(0.012), np.log(0.2))))
    chisel = float(rng.uniform(0.2, 0.7)) if rng.random() < 0.25 else 0.0
    return Nib(width, float(rng.uniform(0, 0.2)), chisel, float(rng.uniform(0, np.pi)))


def draw_ink(rng: np.random.Generator, label: int, size: int = 96, *, rare: bool = False) -> NDArray[np.uint8]:
    """Draw one digit as ink 255 on 0, (size, size) uint8, with a random pen and defects of its ink."""
    strokes, nib = write(rng, label, rare=rare), random_nib(rng)
    # Leave room for 1.3 nib widths around the path: pressure widens some strokes.
    picture = ink(rng, strokes, nib, size, height=size * 0.96 / (1 + nib.width * 1.3))
    if nib.width > 0.07 and rng.random() < 0.12:
        picture = scribble(rng, strokes, nib, size)
    if rng.random() < 0.12:
        picture = broken(rng, picture)
    return picture


def scribble(rng: np.random.Generator, strokes: list[Stroke], nib: Nib, size: int) -> NDArray[np.uint8]:
    """Fill broad strokes by a zigzag with a fine pen, (size, size) uint8."""
    pitch = float(rng.uniform(0.018, 0.035))
    zigzags = [_zigzag(rng, resample(stroke, pitch), nib.width) for stroke in strokes]
    fine = Nib(float(rng.uniform(0.015, 0.03)))
    return ink(rng, zigzags, fine, size, height=size * 0.96 / (1 + nib.width * 1.5))


def _zigzag(rng: np.random.Generator, stroke: Stroke, width: float) -> Stroke:
    """Return points that alternate between left and right of the path, about ``width`` apart."""
    along = np.gradient(stroke, axis=0)
    across = along[:, ::-1] * (1, -1) / (np.hypot(*along.T)[:, None] + 1e-9)  # unit normal of the path
    side = np.where(np.arange(len(stroke)) % 2, 0.5, -0.5) * rng.uniform(0.7, 1.2, len(stroke))
    return np.asarray(stroke + across * (side * width)[:, None])


def broken(rng: np.random.Generator, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Remove patches of ink, as a dry pen or a hard threshold does. Shape and dtype stay."""
    size = picture.shape[0]
    # Smooth random paper, thresholded: ink is missing in its hollows.
    coarse = rng.random((int(rng.integers(8, 32)),) * 2, dtype=np.float32)
    paper = cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC)
    kept = paper > rng.uniform(0.04, 0.22)
    return np.asarray(picture * kept, dtype=np.uint8)
