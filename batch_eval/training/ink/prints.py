"""What is printed or drawn around a digit: lines, dots, boxes, rings, type."""

from __future__ import annotations

import string
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from batch_eval.training.ink.frame import Frame

Mask = NDArray[np.uint8]
Floats = NDArray[np.float32]
_SIGNS = list(string.ascii_letters + string.digits + ".,:;-/()" + " " * 6)


@dataclass(frozen=True)
class Rules:
    """Parallel lines. The angle is in radians, 0 is level; lengths are in pixels."""

    angle: float
    pitch: float
    thickness: float
    offset: float
    converging: float = 0.0

    def cover(self, shape: tuple[int, int], along: tuple[float, float] | None = None) -> Floats:
        """Return how much of each pixel the lines cover, 0 to 1.

        ``converging`` bends them together over the window, as in perspective. ``along`` is the length of dashes and
        of the gaps between them, in pixels.
        """
        y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
        cos, sin = np.float32(np.cos(self.angle)), np.float32(np.sin(self.angle))
        forward = x * cos + y * sin
        across = (y * cos - x * sin) * (1 + np.float32(self.converging) * forward / max(shape)) + self.offset
        # Distance to the nearest line: half a pitch is added and taken away, so that both sides of a line count.
        away = np.abs((across + self.pitch / 2) % self.pitch - self.pitch / 2)
        # A line thinner than a pixel covers at most its own width of it.
        cover = np.clip(self.thickness / 2 + 0.5 - away, 0, min(1.0, self.thickness))
        if along:
            dash, gap = along
            cover = cover * np.clip(dash / 2 - np.abs(forward % (dash + gap) - dash / 2) + 0.5, 0, 1)
        return np.asarray(cover, np.float32)


def rules(rng: np.random.Generator, frame: Frame) -> Floats:
    """Return ruled, squared or dotted paper's lines, (H, W) float32 of 0 to 1."""
    side = frame.side
    pitch = float(np.exp(rng.uniform(np.log(0.12), np.log(2.5)))) * side
    thickness = float(np.exp(rng.uniform(np.log(0.35), np.log(4.0)))) * max(frame.shape) / 128
    thickness = min(thickness, pitch / 3)
    tilt = float(rng.normal(0, rng.choice([0.004, 0.03, 0.1])))
    converging = float(rng.normal(0, 0.06)) if rng.random() < 0.3 else 0.0
    if rng.random() < 0.12:  # a window cut along two lines
        pitch = frame.height * float(rng.uniform(0.94, 1.04))
        level = frame.height * float(rng.uniform(-0.02, 0.04))
    else:
        level = _near(rng, frame.centre[1], side, pitch)
    # This offset lays a row through the point at ``level`` in the digit's middle column.
    rows = Rules(
        tilt, pitch, thickness, -(level * float(np.cos(tilt)) - frame.centre[0] * float(np.sin(tilt))), converging
    )
    place = _near(rng, frame.centre[0], frame.digit_width, pitch)
    apart = pitch * float(rng.choice([1, 1, rng.uniform(0.6, 2)]))
    columns = Rules(tilt + np.pi / 2 + float(rng.normal(0, 0.005)), apart, thickness, place)
    kind = rng.random()
    if kind < 0.08:
        # Dots: what rows and columns cover both.
        rows, columns = (
            replace(lines, thickness=max(thickness * 1.5, 1.2), converging=0.0) for lines in (rows, columns)
        )
        return np.asarray(np.clip(rows.cover(frame.shape) * columns.cover(frame.shape), 0, 1), np.float32)
    along = (float(rng.uniform(1, 8)), float(rng.uniform(1, 8))) if rng.random() < 0.25 else None
    if kind < 0.5:
        return rows.cover(frame.shape, along)
    if kind < 0.58:
        return columns.cover(frame.shape, along)
    return np.maximum(rows.cover(frame.shape, along), columns.cover(frame.shape, along))


def _near(rng: np.random.Generator, middle: float, extent: float, pitch: float) -> float:
    """Return where a line lies: half of them where the digit's own bars may be."""
    if rng.random() < 0.5:
        return middle + extent * float(rng.choice([0.5, -0.5, 0.0]) + rng.normal(0, 0.08))
    return float(rng.uniform(0, pitch))


def box(rng: np.random.Generator, frame: Frame) -> Floats:
    """Return a printed box, cell, comb or ring around the digit, (H, W) float32."""
    canvas = np.zeros(frame.shape, np.uint8)
    x, y = frame.centre
    # A narrow digit, such as a 1, gets a box as for one of 45 % of its length.
    half_w = max(frame.digit_width, 0.45 * frame.side) * rng.uniform(0.54, 1.1)
    half_h = max(frame.digit_height, 0.45 * frame.side) * rng.uniform(0.54, 0.95)
    x, y = (
        x + rng.normal(0, 0.25) * (half_w - frame.digit_width / 2),
        y + rng.normal(0, 0.25) * (half_h - frame.digit_height / 2),
    )
    if rng.random() < 0.2:  # written over the edge
        x, y = x + rng.normal(0, 0.1) * frame.side, y + rng.normal(0, 0.2) * frame.side
    thickness = max(1, round(float(np.exp(rng.uniform(np.log(0.008), np.log(0.13)))) * frame.side))
    choice = rng.random()
    if choice < 0.1:
        axes = round(half_w * 1.25), round(half_h * 1.25)
        cv2.ellipse(canvas, (round(x), round(y)), axes, rng.uniform(-15, 15), 0, 360, 255, thickness, cv2.LINE_AA)
    elif choice < 0.2:
        _comb(rng, canvas, (x, y), (half_w, half_h), thickness)
    elif choice < 0.3:
        _underline(rng, canvas, frame, thickness)
    else:
        _cells(rng, canvas, (x, y), (half_w, half_h), thickness)
    return _turned(rng, canvas)


def _cells(
    rng: np.random.Generator, canvas: Mask, middle: tuple[float, float], half: tuple[float, float], thickness: int
) -> None:
    """Draw one box, a row or a table of them, some with a second frame."""
    wide, high = 2 * half[0], 2 * half[1]
    kind = rng.random()
    across = range(-3, 4) if kind > 0.35 else range(1)
    down = range(-3, 4) if kind > 0.7 else range(1)
    gap = rng.uniform(0.02, 0.3) * wide if rng.random() < 0.3 else 0.0
    for i in across:
        for j in down:
            left, top = middle[0] - half[0] + i * (wide + gap), middle[1] - half[1] + j * (high + gap)
            corners = (round(left), round(top)), (round(left + wide), round(top + high))
            cv2.rectangle(canvas, *corners, 255, thickness, cv2.LINE_AA)
    if rng.random() < 0.15:  # a second frame outside
        away = thickness * rng.uniform(2, 4)
        a = round(middle[0] - half[0] - away), round(middle[1] - half[1] - away)
        b = round(middle[0] + half[0] + away), round(middle[1] + half[1] + away)
        cv2.rectangle(canvas, a, b, 255, max(1, thickness // 2), cv2.LINE_AA)


def _comb(
    rng: np.random.Generator, canvas: Mask, middle: tuple[float, float], half: tuple[float, float], thickness: int
) -> None:
    """Draw the comb of a form: a base line with ticks between the places."""
    width = canvas.shape[1]
    foot = round(middle[1] + half[1])
    tick = round(half[1] * rng.uniform(0.2, 2))
    cv2.line(canvas, (0, foot), (width, foot), 255, thickness, cv2.LINE_AA)
    for i in range(-4, 5):
        x = round(middle[0] + (2 * i + 1) * half[0])
        cv2.line(canvas, (x, foot), (x, foot - tick), 255, thickness, cv2.LINE_AA)


def _underline(rng: np.random.Generator, canvas: Mask, frame: Frame, thickness: int) -> None:
    """Draw a line under or over the digit, or beside it."""
    x, y = frame.centre
    reach, away = frame.side * rng.uniform(0.3, 1.2), frame.side * rng.choice([-1, 1, 1]) * rng.uniform(0.56, 0.8)
    bend = frame.side * rng.normal(0, 0.03)
    if rng.random() < 0.8:
        cv2.line(
            canvas,
            (round(x - reach), round(y + away - bend)),
            (round(x + reach), round(y + away + bend)),
            255,
            thickness,
            cv2.LINE_AA,
        )
    else:
        away *= max(0.75, frame.digit_width / frame.side)
        cv2.line(
            canvas,
            (round(x + away - bend), round(y - reach)),
            (round(x + away + bend), round(y + reach)),
            255,
            thickness,
            cv2.LINE_AA,
        )


def _turned(rng: np.random.Generator, canvas: Mask) -> Floats:
    """Turn a picture of lines a little, and return it as shares of 0 to 1."""
    if rng.random() < 0.5:
        height, width = canvas.shape
        turn = cv2.getRotationMatrix2D((width / 2, height / 2), rng.normal(0, 2.0), 1)
        canvas = np.asarray(cv2.warpAffine(canvas, turn, (width, height), flags=cv2.INTER_LINEAR), np.uint8)
    return canvas.astype(np.float32) / np.float32(255)


def type_beside(rng: np.random.Generator, frame: Frame) -> Floats:
    """Return a few words of type around the digit, (H, W) float32."""
    canvas = np.zeros(frame.shape, np.uint8)
    x, y = frame.centre
    size = frame.side * rng.uniform(0.06, 0.3)
    for _ in range(int(rng.integers(1, 4))):
        words = "".join(rng.choice(_SIGNS, int(rng.integers(2, 24))))
        away = frame.side * rng.uniform(0.62, 1.6) * rng.choice([-1, 1])
        level, start = y + away, x - frame.side * rng.uniform(-0.2, 1.6)
        if rng.random() < 0.25:
            level, start = (
                y + frame.side * rng.normal(0, 0.3),
                x + max(0.62 * frame.digit_width + 0.1 * frame.side, away),
            )
        font = int(rng.integers(0, 8))
        thickness = max(1, round(size / 22 * rng.uniform(1, 4)))
        cv2.putText(
            canvas, words, (round(start), round(level + size / 2)), font, size / 22, 255, thickness, cv2.LINE_AA
        )
    return canvas.astype(np.float32) / np.float32(255)
