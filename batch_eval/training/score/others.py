"""What a run finds where there is no single digit: letters, signs, rows, lines."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from batch_eval.imaging.looking import LARGE, SMALL, InkModel, ink_map
from batch_eval.imaging.second_look import finished
from batch_eval.imaging.steps import crop_to_ink
from batch_eval.training.augment import Plate, augmented, plate_of_ink, plate_of_mnist
from batch_eval.training.batches import Digits
from batch_eval.training.drawing import handwritten, random_nib, write
from batch_eval.training.ink.marks import sign
from batch_eval.training.ink.scene import ink_scene
from batch_eval.training.letters import glyph, letter
from batch_eval.training.pens import ink
from batch_eval.training.writer import Stroke

SIDE = 96
"""Side, in pixels, of the square that a sign is drawn in."""
TURNED, MIRRORED = (2, 3, 4, 5, 7), (2, 3, 4, 5, 6, 7, 9)
"""Digits that are none any more when they are turned by 90 degrees, or seen in a mirror."""


def other(rng: np.random.Generator, given: Digits, model: InkModel) -> NDArray[np.uint8]:
    """Return a (28, 28) uint8 image of anything but one digit. ``given`` are digits (N, 28, 28)."""
    choice = rng.random()
    if choice < 0.25:
        return _found(rng, given, model)
    draw = _letter if choice < 0.62 else _glyph if choice < 0.74 else _turned if choice < 0.83 else _row
    plate = _lines(rng) if choice > 0.93 else draw(rng, given)
    return augmented(rng, plate)


def _letter(rng: np.random.Generator, _given: Digits) -> Plate:
    return _drawn(rng, handwritten(rng, letter(rng)))


def _glyph(rng: np.random.Generator, _given: Digits) -> Plate:
    return _drawn(rng, handwritten(rng, glyph(rng)))


def _drawn(rng: np.random.Generator, strokes: list[Stroke]) -> Plate:
    nib = random_nib(rng)
    return plate_of_ink(ink(rng, strokes, nib, SIDE, height=SIDE * 0.96 / (1 + nib.width * 1.3)))


def _turned(rng: np.random.Generator, given: Digits) -> Plate:
    """Return a digit turned by 90 degrees, or its mirror image."""
    turned = rng.random() < 0.5
    label = int(rng.choice(TURNED if turned else MIRRORED))
    rows = np.flatnonzero(given.labels == label)
    if len(rows) and rng.random() < 0.5:
        plate = plate_of_mnist(given.images[rng.choice(rows)])
    else:
        plate = _drawn(rng, write(rng, label, rare=True))
    changed = np.rot90(plate, int(rng.choice([1, 3]))) if turned else plate[:, ::-1]
    return np.ascontiguousarray(changed)


def _row(rng: np.random.Generator, given: Digits) -> Plate:
    """Return two to four digits side by side, apart or touching."""
    parts = [crop_to_ink(given.images[int(rng.integers(len(given)))]) for _ in range(int(rng.choice([2, 2, 3, 4])))]
    # A negative gap lets the digits touch or overlap.
    height, gap = max(part.shape[0] for part in parts), int(rng.integers(-2, 9))
    width = max(4, sum(part.shape[1] + gap for part in parts))
    canvas = np.zeros((height, width + 8), np.uint8)
    x = 0
    for part in parts:
        top = int(rng.integers(0, height - part.shape[0] + 1))
        there = canvas[top : top + part.shape[0], x : x + part.shape[1]]
        np.maximum(there, part[:, : there.shape[1]], out=there)
        x = max(0, x + part.shape[1] + gap)
    return plate_of_ink(canvas)


def _lines(rng: np.random.Generator) -> Plate:
    """Return level and upright lines, parts of boxes, dots and patches."""
    canvas = np.zeros((SIDE, SIDE), np.uint8)
    for _ in range(int(rng.integers(1, 4))):
        (x, y), (u, v) = (tuple(int(n) for n in rng.integers(8, SIDE - 8, 2)) for _ in range(2))
        thickness, choice = int(rng.integers(2, 16)), rng.random()
        if choice < 0.4:
            cv2.line(canvas, (x, y), (u, y + int(rng.integers(-4, 5))), 255, thickness, cv2.LINE_AA)
        elif choice < 0.7:
            cv2.rectangle(canvas, (x, y), (u, v), 255, thickness if rng.random() < 0.7 else -1)
        elif choice < 0.85:
            cv2.circle(canvas, (x, y), int(rng.integers(2, 30)), 255, -1)
        else:
            cells = rng.random((int(rng.integers(4, 14)),) * 2, dtype=np.float32)
            patches = cv2.resize(cells, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC) > 0.65
            canvas = np.asarray(patches * np.uint8(255))
    return plate_of_ink(canvas) if canvas.any() else _lines(rng)


def _found(rng: np.random.Generator, given: Digits, model: InkModel) -> NDArray[np.uint8]:
    """Return what the ink model finds in a scene with a sign, or in one without ink where it should find nothing."""
    while True:
        side = SMALL if rng.random() < 0.4 else LARGE
        scene = ink_scene(rng, given, side, sign(rng))
        found = ink_map(model.maps(scene.image[None])[0, ..., 0], scene.size)
        if found.any():
            return finished(found)
