"""What is written in a scene: the digit in question, and other marks."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from batch_eval.training.batches import Digits
from batch_eval.training.drawing import broken, handwritten, scribble, write
from batch_eval.training.letters import glyph, letter
from batch_eval.training.pens import Nib, ink
from batch_eval.training.writer import Stroke, Writer, resample

Mask = NDArray[np.uint8]
SIDE = 120
"""Side in pixels at which a mark is drawn. It is resized later as a scene needs."""

# Points are (x, y), and y grows downwards. A digit has one stroke or two.
BARS: tuple[tuple[tuple[tuple[int, int], ...], ...], ...] = (
    (((0, 0), (1, 0), (1, 2), (0, 2), (0, 0)),),
    (((0, 0), (0, 2)),),
    (((0, 0), (1, 0), (1, 1), (0, 1), (0, 2), (1, 2)),),
    (((0, 0), (1, 0), (1, 2), (0, 2)), ((0, 1), (1, 1))),
    (((0, 0), (0, 1), (1, 1)), ((1, 0), (1, 2))),
    (((1, 0), (0, 0), (0, 1), (1, 1), (1, 2), (0, 2)),),
    (((1, 0), (0, 0), (0, 2), (1, 2), (1, 1), (0, 1)),),
    (((0, 0), (1, 0), (1, 2)),),
    (((0, 0), (1, 0), (1, 2), (0, 2), (0, 0)), ((0, 1), (1, 1))),
    (((1, 1), (0, 1), (0, 0), (1, 0), (1, 2), (0, 2)),),
)
"""The digits 0 to 9 as on a display with seven bars, one wide and two high."""


@dataclass(frozen=True)
class Mark:
    """One mark, cut to its ink.

    ``cover`` (H, W) uint8 is how much of each pixel the pen covered. ``tone`` (H, W) uint8 is how strong the ink shows
    there. They differ where a brush is half transparent. ``label`` is the digit, -1 for other marks.
    """

    cover: Mask
    tone: Mask
    label: int = -1
    cell: int = 0

    def sized(self, height: int, width: int) -> Mark:
        """Return the mark at another size, averaged over area where it gets smaller."""
        shrinks = height < self.cover.shape[0]
        way = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        cover, tone = (cv2.resize(mask, (width, height), interpolation=way) for mask in (self.cover, self.tone))
        return Mark(np.asarray(cover, np.uint8), np.asarray(tone, np.uint8), self.label, self.cell)

    def scaled(self, side: float) -> Mark:
        """Return the mark with another longest side, in pixels."""
        height, width = self.cover.shape
        scale = side / max(height, width)
        return self.sized(max(1, round(height * scale)), max(1, round(width * scale)))


def digit(rng: np.random.Generator, given: Digits) -> Mark:
    """Return a digit: four in ten from ``given``, (N, 28, 28) uint8, the others drawn."""
    if rng.random() < 0.4:
        row = int(rng.integers(len(given)))
        return _mark(rng, _enlarged(rng, given.images[row]), int(given.labels[row]))
    label = int(rng.integers(10))
    strokes = _straight(rng, label) if rng.random() < 0.16 else write(rng, label, rare=True)
    return _mark(rng, _inked(rng, strokes), label)


def _straight(rng: np.random.Generator, label: int) -> list[Stroke]:
    """Return a digit of level and upright bars, by hand. They are easily taken for printed lines."""
    writer = Writer(rng, jitter=float(rng.uniform(0, 0.025)))
    width, waist = writer.between(0.3, 0.75), writer.between(0.4, 0.6)
    levels = (0.0, waist, 1.0)
    return handwritten(rng, [writer.line(*((x * width, levels[y]) for x, y in piece)) for piece in BARS[label]])


def block_digit(rng: np.random.Generator) -> Mark:
    """Return a digit painted in a pixel editor. It is about 5 to 24 squares high."""
    label = int(rng.integers(10))
    strokes = write(rng, label, rare=True) if rng.random() < 0.5 else [np.array(piece, float) for piece in BARS[label]]
    points = np.vstack(strokes)
    low, extent = points.min(axis=0), np.ptp(points, axis=0)
    rows = int(rng.integers(5, 25))
    columns = max(1, min(rows + 4, round(rows * extent[0] / max(extent[1], 0.2) * rng.uniform(0.7, 1.3))))
    thickness = int(rng.integers(1, max(2, min(4, rows // 5) + 1)))
    grid = np.zeros((rows + thickness, columns + thickness), np.uint8)
    scale = np.array([columns - 1, rows - 1]) / np.maximum(extent, 1e-6)
    # A fast mouse leaves single squares in place of a line.
    spacing = float(rng.uniform(1.4, 3.2)) if rng.random() < 0.25 else 0.0
    for stroke in strokes:
        path = (stroke - low) * scale
        apart = spacing > 0 and rng.random() < 0.7
        # Lines from each point to itself, or one line through all.
        lines = resample(path, spacing)[:, None].repeat(2, axis=1) if apart else path[None]
        # LINE_8 does not smooth edges: each square is full or empty.
        cv2.polylines(grid, [*np.rint(lines).astype(np.int32) + thickness // 2], False, 255, thickness, cv2.LINE_8)
    x, y, width, height = cv2.boundingRect(grid)
    cell = max(1, SIDE // max(width, height))
    cover = grid[y : y + height, x : x + width].repeat(cell, axis=0).repeat(cell, axis=1)
    return Mark(cover, cover, label, cell)


def other(rng: np.random.Generator, given: Digits) -> Mark:
    """Return other writing: often one more digit, else a letter, sign or scribble."""
    return digit(rng, given) if rng.random() < 0.6 else sign(rng)


def sign(rng: np.random.Generator) -> Mark:
    """Return a letter, a sign or a scribble."""
    return _mark(rng, _inked(rng, handwritten(rng, (letter if rng.random() < 0.65 else glyph)(rng))))


def _inked(rng: np.random.Generator, strokes: list[Stroke]) -> Mask:
    """Draw strokes with any pen, hairline to broad marker, (SIDE, SIDE) uint8."""
    width = float(np.exp(rng.uniform(np.log(0.006), np.log(0.2))))
    chisel = float(rng.uniform(0.2, 0.7)) if rng.random() < 0.2 else 0.0
    nib = Nib(width, float(rng.uniform(0, 0.2)), chisel, float(rng.uniform(0, np.pi)))
    height = SIDE * 0.96 / (1 + nib.width * 1.3)
    choice = rng.random()
    if choice < 0.05 and width > 0.05:
        return scribble(rng, strokes, nib, SIDE)
    if choice < 0.1:
        return _dotted(rng, strokes, nib, height)
    if choice < 0.13 and width > 0.08:
        return _hollow(rng, ink(rng, strokes, nib, SIDE, height))
    return ink(rng, strokes, nib, SIDE, height)


def _dotted(rng: np.random.Generator, strokes: list[Stroke], nib: Nib, height: float) -> Mask:
    """Draw each stroke as a row of dots. Some programs paint one for each position of the mouse."""
    points = np.vstack(strokes)
    middle = (points.min(axis=0) + points.max(axis=0)) / 2
    radius = max(1.0, nib.width * height / 2)
    spacing = nib.width * float(rng.uniform(0.6, 2.6)) + 0.015
    canvas = np.zeros((SIDE, SIDE), np.uint8)
    for stroke in strokes:
        for x, y in (resample(stroke, spacing) - middle) * height + SIDE / 2:
            # Coordinates in eighths (a shift of 3 bits): a dot may lie between pixels.
            cv2.circle(canvas, (round(x * 8), round(y * 8)), round(radius * 8), 255, -1, cv2.LINE_AA, 3)
    return canvas


def _hollow(rng: np.random.Generator, filled: Mask) -> Mask:
    """Return the outline of a broad stroke, whose inside stays paper."""
    inside = cv2.erode(filled, np.ones((3, 3), np.uint8), iterations=int(rng.integers(1, 3)))
    return np.asarray(cv2.subtract(filled, inside), np.uint8)


def _enlarged(rng: np.random.Generator, image: NDArray[np.uint8]) -> Mask:
    """Enlarge a (28, 28) digit to (SIDE, SIDE) uint8. Its posture and stroke width change."""
    large = cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
    soft = cv2.GaussianBlur(_bent(rng, np.asarray(large, np.uint8), 3.0), (0, 0), rng.uniform(1.0, 2.5))
    shape = cv2.threshold(soft, 110, 255, cv2.THRESH_BINARY)[1]
    # Distances to the edge of the stroke make it thinner or wider: those inside it when ``growth`` is negative,
    # else those outside it.
    growth = float(rng.uniform(-2.5, 2.5)) if rng.random() < 0.7 else 0.0
    depth = cv2.distanceTransform(shape, cv2.DIST_L2, 3)
    if growth < 0 and depth.any():  # no thinner than a third of the stroke, so that it does not break
        least = -0.66 * float(np.percentile(depth[depth > 0], 90))
        return np.asarray(np.clip((depth + max(growth, least)) * 255, 0, 255), np.uint8)
    away = cv2.distanceTransform(cv2.bitwise_not(shape), cv2.DIST_L2, 3)
    # Clipped before it is multiplied: where there is no stroke, distances are as large as floats get.
    return np.asarray(255 * np.clip(max(growth, 0.0) + 1 - away, 0, 1), np.uint8)


def _bent(rng: np.random.Generator, mask: Mask, bend: float) -> Mask:
    """Turn, slant and bend a (SIDE, SIDE) mask. ``bend`` is the deviation of the bending, in pixels."""
    # Say for each pixel where it comes from: a linear map about the middle, and 5 × 5 random shifts, enlarged.
    matrix = np.eye(2) + rng.normal(0, 0.08, (2, 2))
    grid = np.stack(np.meshgrid(np.arange(SIDE), np.arange(SIDE)), axis=-1).astype(np.float32) - SIDE / 2
    coarse = rng.normal(0, bend, (5, 5, 2)).astype(np.float32)
    where = (
        grid @ matrix.T.astype(np.float32) + SIDE / 2 + cv2.resize(coarse, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
    )
    across, down = (np.ascontiguousarray(where[..., axis], np.float32) for axis in (0, 1))
    return np.asarray(cv2.remap(mask, across, down, cv2.INTER_LINEAR), np.uint8)


def _mark(rng: np.random.Generator, cover: Mask, label: int = -1) -> Mark:
    """Cut a mask to its ink, perhaps with gaps, and add its tone."""
    if rng.random() < 0.06:
        cover = broken(rng, cover)
    # Cover of 40 of 255 or less does not widen the box.
    x, y, width, height = cv2.boundingRect(cv2.threshold(cover, 40, 255, cv2.THRESH_TOZERO)[1])
    cover = np.ascontiguousarray(cover[y : y + height, x : x + width]) if width else cover
    tone = cover
    if rng.random() < 0.2:  # a brush or pen that leaves more here than there, so that whole bars are faint
        cells = rng.uniform(rng.uniform(0.12, 0.8), 1, rng.integers(1, 9, 2)).astype(np.float32)
        tone = np.asarray(cover * cv2.resize(cells, cover.shape[::-1], interpolation=cv2.INTER_LINEAR), np.uint8)
    return Mark(cover, tone, label)
