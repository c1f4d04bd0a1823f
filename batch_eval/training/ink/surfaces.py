"""What a digit is written on, and what lies around that: paper, boards, desks, and how light falls on them."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from batch_eval.training.papers import LIGHTS, light

Floats = NDArray[np.float32]


def paper(rng: np.random.Generator, shape: tuple[int, int]) -> Floats:
    """Return blank paper or board, (H, W, 3) BGR float32 of 0 to 1: white, grey, coloured or dark, with its texture."""
    choice = rng.random()
    if choice < 0.62:
        tone = np.full(3, rng.uniform(0.72, 1.0)) * rng.uniform(0.94, 1.03, 3)
    elif choice < 0.8:
        tone = rng.uniform(0.45, 1.0, 3)
    elif choice < 0.92:
        tone = np.full(3, rng.uniform(0.3, 0.75)) * rng.uniform(0.85, 1.1, 3)
    else:
        tone = rng.uniform(0.03, 0.35, 3)
    page = np.ones((*shape, 1), np.float32) * tone.astype(np.float32)
    if rng.random() < 0.7:
        page *= 1 + texture(rng, shape)[..., None]
    if rng.random() < 0.08:
        page *= creases(rng, shape)[..., None]
    return np.asarray(np.clip(page, 0, 1), np.float32)


def texture(rng: np.random.Generator, shape: tuple[int, int]) -> Floats:
    """Return the grain of paper, cloth or wood as shares of its tone, (H, W) float32 with mean 0."""
    fine = rough(rng, shape, max(shape) * rng.uniform(0.2, 0.6)) * rng.uniform(0, 0.03)
    coarse = rough(rng, shape, rng.uniform(2, 14)) * rng.uniform(0, 0.05)
    return np.asarray(fine + coarse, np.float32)


def creases(rng: np.random.Generator, shape: tuple[int, int]) -> Floats:
    """Return the light on folded or crumpled paper, (H, W) float32 about 1: flat pieces between sharp edges."""
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    tone = np.ones(shape, np.float32)
    for _ in range(int(rng.integers(1, 5))):
        angle, place = rng.uniform(0, 2 * np.pi), rng.uniform(-0.5, 0.5) * max(shape)
        across = (x - shape[1] / 2) * np.cos(angle) + (y - shape[0] / 2) * np.sin(angle) - place
        tone *= 1 + rng.uniform(-0.12, 0.12) * np.clip(across / rng.uniform(0.5, 4) + 0.5, 0, 1) * np.exp(
            -np.abs(across) / max(shape) / rng.uniform(0.05, 2)
        )
    return np.asarray(tone, np.float32)


def rough(rng: np.random.Generator, shape: tuple[int, int], cells: float, stretch: float = 1.0) -> Floats:
    """Return smooth noise of about ``cells`` bumps along the longer side, (H, W) float32, deviation about 1.

    ``stretch`` makes the bumps longer one way than the other, as the grain of wood.
    """
    scale = cells / max(shape)
    rows, columns = max(2, round(shape[0] * scale * stretch)), max(2, round(shape[1] * scale / stretch))
    coarse = rng.standard_normal((rows, columns), dtype=np.float32)
    return np.asarray(cv2.resize(coarse, shape[::-1], interpolation=cv2.INTER_LINEAR), np.float32)


def desk(rng: np.random.Generator, shape: tuple[int, int]) -> Floats:
    """Return what a sheet lies on, (H, W, 3) float32: of any tone, even or with a grain."""
    tone = rng.uniform(0, 1, 3) if rng.random() < 0.5 else np.full(3, rng.random()) * rng.uniform(0.8, 1.2, 3)
    grain = rough(rng, shape, rng.uniform(3, 60), float(np.exp(rng.normal(0, 0.7)))) * rng.choice([0, 0.05, 0.2])
    table = np.ones((*shape, 1), np.float32) * tone.astype(np.float32) * (1 + grain[..., None])
    return np.asarray(np.clip(table, 0, 1), np.float32)


def on_desk(rng: np.random.Generator, page: Floats, inside: tuple[float, float, float, float]) -> tuple[Floats, Floats]:
    """Lay a page on a desk so that one to four of its edges show; return the picture and the page's share, (H, W).

    ``inside`` (left, top, right, bottom) in pixels stays on the page, as far as the window shows it.
    """
    height, width = shape = page.shape[:2]
    y, x = np.mgrid[:height, :width].astype(np.float32)
    share = np.ones(shape, np.float32)
    left, top, right, bottom = inside
    turn = float(rng.normal(0, 0.08)) if rng.random() < 0.8 else float(rng.uniform(-0.6, 0.6))
    soft = float(rng.uniform(0.4, 2.5))
    edges = rng.permutation(4)[: int(rng.choice([1, 1, 2, 3, 4]))]
    for edge in edges:
        angle = turn + edge * np.pi / 2 + float(rng.normal(0, 0.02))
        forward = x * np.cos(angle) + y * np.sin(angle)
        corners = [px * np.cos(angle) + py * np.sin(angle) for px in (left, right) for py in (top, bottom)]
        free = float(forward.max()) - max(corners)
        if free > 2:
            limit = max(corners) + rng.uniform(0.1, 0.95) * free
            share *= np.clip((limit - forward) / soft + 0.5, 0, 1)
    table = desk(rng, shape)
    if rng.random() < 0.5:  # the sheet's own shadow
        dark = cv2.GaussianBlur(share, (0, 0), rng.uniform(1, 6))
        table = table * (1 - rng.uniform(0.2, 0.7) * dark[..., None])
    return np.asarray(page * share[..., None] + table * (1 - share[..., None]), np.float32), share


def lit(rng: np.random.Generator, page: Floats) -> Floats:
    """Let light fall on a page: even, fading, from a lamp, tinted, with shadows or a reflection."""
    shape = page.shape[:2]
    side = 96
    fall = light(rng, str(rng.choice(list(LIGHTS))), side)
    if rng.random() < 0.14:
        fall = fall * _band(rng, side)
    colour = np.repeat(fall[..., None], 3, axis=2)
    if rng.random() < 0.25:  # light of two colours, as of a screen and a lamp
        tint = rng.uniform(0.6, 1.15, (2, 3)).astype(np.float32)
        mix = cv2.resize(rng.random((2, 2), dtype=np.float32), (side, side), interpolation=cv2.INTER_CUBIC)[..., None]
        colour = colour * (tint[0] * mix + tint[1] * (1 - mix))
    if rng.random() < 0.25:
        colour = colour * np.float32(rng.uniform(0.3, 1.0))
    seen = page * cv2.resize(np.asarray(colour, np.float32), shape[::-1], interpolation=cv2.INTER_LINEAR)
    if rng.random() < 0.08:
        seen = seen + _glare(rng, shape)[..., None]
    return np.asarray(seen, np.float32)


def _band(rng: np.random.Generator, side: int) -> Floats:
    """Return the shadow of an arm, a phone or a window bar as shares of the light, (side, side)."""
    y, x = np.mgrid[:side, :side].astype(np.float32)
    angle = rng.uniform(0, 2 * np.pi)
    across = x * np.cos(angle) + y * np.sin(angle)
    start, wide = rng.uniform(across.min(), across.max()), rng.uniform(0.06, 0.8) * side
    soft = rng.uniform(0.4, 6)
    dark = 1 / (1 + np.exp(-np.clip((across - start) / soft, -30, 30)))
    dark = dark * (1 - 1 / (1 + np.exp(-np.clip((across - start - wide) / soft, -30, 30))))
    return np.asarray(1 - rng.uniform(0.15, 0.6) * dark, np.float32)


def _glare(rng: np.random.Generator, shape: tuple[int, int]) -> Floats:
    """Return a lamp's reflection, (H, W) float32 to add."""
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    cx, cy = rng.random() * shape[1], rng.random() * shape[0]
    wide = max(shape) * rng.uniform(0.05, 0.4)
    away = ((x - cx) ** 2 + (y - cy) ** 2 * rng.uniform(0.3, 3)) / wide**2
    return np.asarray(rng.uniform(0.1, 0.6) * np.exp(-away), np.float32)
