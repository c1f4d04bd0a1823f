"""Digits drawn on a screen: flat colours, canvases, frames, grids, bars."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from batch_eval.training.ink.frame import Frame
from batch_eval.training.ink.surfaces import Floats

Colour = NDArray[np.float32]


def two_colours(rng: np.random.Generator) -> tuple[Colour, Colour]:
    """Return ink and ground, (3,) BGR float32 of 0 to 1, that differ."""
    choice = rng.random()
    if choice < 0.3:
        ink, ground = np.full(3, rng.uniform(0, 0.15)), np.full(3, rng.uniform(0.9, 1))
    elif choice < 0.55:
        ink, ground = np.full(3, rng.uniform(0.6, 1)), np.full(3, rng.uniform(0, 0.12))
    elif choice < 0.75:
        ink, ground = rng.choice([0, 0.5, 1], 3) * rng.uniform(0.6, 1), np.full(3, rng.choice([0.0, 1.0]))
    else:
        ink, ground = rng.random(3), rng.random(3)
    ink, ground = ink.astype(np.float32), ground.astype(np.float32)
    # Too close to be told apart: put the ink half of the range away from the ground.
    if np.abs(ink - ground).max() < 0.22:
        ink = np.where(ground > 0.5, ground - 0.5, ground + 0.5).astype(np.float32)
    return ink, ground


def canvas(rng: np.random.Generator, shape: tuple[int, int], ground: Colour) -> Floats:
    """Return an empty canvas, (H, W, 3) float32. A few fade or have a grid."""
    page = np.ones((*shape, 1), np.float32) * ground
    if rng.random() < 0.06:
        fade = np.linspace(0, rng.uniform(-0.25, 0.25), shape[0], dtype=np.float32)[:, None, None]
        page = page + fade
    if rng.random() < 0.1:
        pitch, tone = max(3, round(max(shape) * rng.uniform(0.03, 0.25))), np.float32(rng.uniform(-0.25, 0.25))
        start = rng.integers(0, pitch, 2)
        page[start[0] :: pitch] += tone
        page[:, start[1] :: pitch] += tone
    return np.asarray(np.clip(page, 0, 1), np.float32)


def decorated(rng: np.random.Generator, page: Floats, frame: Frame) -> Floats:
    """Add what programs show around a canvas: its frame, and bars."""
    if rng.random() < 0.16:
        _framed(rng, page, frame)
    if rng.random() < 0.14:
        for upper in ((True,), (False,), (True, False))[int(rng.integers(3))]:
            _bar(rng, page, frame, upper=upper)
    return page


def _framed(rng: np.random.Generator, page: Floats, frame: Frame) -> None:
    """Draw the border of the canvas in place. Outside, the colour may differ."""
    free = min(
        frame.left,
        frame.top,
        frame.width - frame.left - frame.digit_width,
        frame.height - frame.top - frame.digit_height,
    )
    if free < 2:
        return
    # Keep the inside, paint the outside and the border over all of it, then put the inside back.
    away = [round(rng.uniform(0, free * 0.8)) for _ in range(4)]
    inner = page[away[0] : frame.height - away[1], away[2] : frame.width - away[3]].copy()
    if rng.random() < 0.5:
        page[:] = rng.random(3).astype(np.float32) if rng.random() < 0.5 else np.float32(rng.random())
    thick = int(rng.integers(1, max(2, round(max(frame.shape) * 0.03))))
    page[
        max(0, away[0] - thick) : frame.height - away[1] + thick,
        max(0, away[2] - thick) : frame.width - away[3] + thick,
    ] = np.float32(rng.random())
    page[away[0] : frame.height - away[1], away[2] : frame.width - away[3]] = inner


def _bar(rng: np.random.Generator, page: Floats, frame: Frame, *, upper: bool) -> None:
    """Draw a status or tool bar in place, with words or buttons."""
    free = frame.top if upper else frame.height - frame.top - frame.digit_height
    # The bar stays clear of the digit.
    high = round(min(free * 0.9, rng.uniform(0.04, 0.3) * frame.height))
    if high < 2:
        return
    top = 0 if upper else frame.height - high
    tone = rng.random(3).astype(np.float32) if rng.random() < 0.5 else np.float32(rng.choice([0.0, 0.1, 0.9, 1.0]))
    if rng.random() < 0.8:
        page[top : top + high] = tone
    text = 255 * (1 - float(np.mean(tone))) if rng.random() < 0.8 else 255 * float(rng.random())
    picture = np.asarray(page[top : top + high] * 255, np.uint8)
    for _ in range(int(rng.integers(1, 5))):
        x = int(rng.uniform(0, 0.95) * frame.width)
        if rng.random() < 0.6:
            hour = f"{rng.integers(24)}:{rng.integers(60):02d}"
            words = (
                hour
                if rng.random() < 0.5
                else str(rng.choice(["Clear", "Predict", "File", "Edit", "100%", "OK", "LTE", "Draw here", "Undo"]))
            )
            scale = high / 40 * rng.uniform(0.7, 1.4)
            cv2.putText(
                picture,
                words,
                (x, round(high * 0.75)),
                int(rng.integers(0, 4)),
                scale,
                (text,) * 3,
                max(1, round(scale * 2)),
                cv2.LINE_AA,
            )
        else:
            wide = round(high * rng.uniform(0.3, 3))
            colour = [float(value) for value in rng.integers(0, 256, 3)]
            cv2.rectangle(picture, (x, high // 4), (x + wide, high - high // 4), colour, int(rng.choice([-1, 1])))
    page[top : top + high] = picture.astype(np.float32) / np.float32(255)


def pixelated(rng: np.random.Generator, cover: NDArray[np.uint8], cells: int) -> NDArray[np.uint8]:
    """Return a cover (H, W) uint8 in squares, ``cells`` along the longer side."""
    scale = cells / max(cover.shape)
    size = max(3, round(cover.shape[1] * scale)), max(3, round(cover.shape[0] * scale))
    small = cv2.resize(cover, size, interpolation=cv2.INTER_AREA)
    if rng.random() < 0.75:
        peak = float(small.max())
        small = cv2.threshold(small, rng.uniform(0.15, 0.5) * peak, 255, cv2.THRESH_BINARY)[1]
    return np.asarray(cv2.resize(small, cover.shape[::-1], interpolation=cv2.INTER_NEAREST), np.uint8)
