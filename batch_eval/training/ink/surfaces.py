"""What a digit is written on: paper, boards, desks, and the light on them."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from batch_eval.training.papers import LIGHTS, light

Floats = NDArray[np.float32]


def paper(rng: np.random.Generator, shape: tuple[int, int]) -> Floats:
    """Return blank paper or board with its texture, (H, W, 3) BGR float32 of 0 to 1."""
    choice = rng.random()
    # White, then coloured, then grey, then dark.
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
    if rng.random() < 0.14:
        page *= creases(rng, shape)[..., None]
    return np.asarray(np.clip(page, 0, 1), np.float32)


def texture(rng: np.random.Generator, shape: tuple[int, int]) -> Floats:
    """Return a grain as shares of the tone, (H, W) float32 with mean 0."""
    fine = rough(rng, shape, max(shape) * rng.uniform(0.2, 0.6)) * rng.uniform(0, 0.03)
    coarse = rough(rng, shape, rng.uniform(2, 14)) * rng.uniform(0, 0.05)
    return np.asarray(fine + coarse, np.float32)


def soiled(rng: np.random.Generator, page: Floats) -> Floats:
    """Leave spots, smudges and crumbs on a page, (H, W, 3) float32."""
    height, width = page.shape[:2]
    cover = np.zeros((height, width), np.float32)
    for _ in range(int(rng.integers(1, 9))):
        size = max(height, width) * float(np.exp(rng.uniform(np.log(0.004), np.log(0.08))))
        axes = max(1, round(size)), max(1, round(size * rng.uniform(0.3, 1)))
        middle = int(rng.integers(width)), int(rng.integers(height))
        # Uniform in the logarithm: pale spots are more frequent than dark ones.
        strength = float(np.exp(rng.uniform(np.log(0.03), np.log(0.6))))
        spot = np.zeros((height, width), np.float32)
        cv2.ellipse(spot, middle, axes, float(rng.uniform(0, 180)), 0, 360, strength, -1, cv2.LINE_AA)
        if rng.random() < 0.6:
            spot = np.asarray(cv2.GaussianBlur(spot, (0, 0), max(0.5, size * rng.uniform(0.2, 1))), np.float32)
        np.maximum(cover, spot, out=cover)
    if rng.random() < 0.4:
        cover *= 1 + 0.7 * rough(rng, (height, width), 40)
    tone = page.mean(axis=(0, 1)) * rng.uniform(0.2, 0.9, 3).astype(np.float32)
    return np.asarray(page + (tone - page) * np.clip(cover, 0, 1)[..., None], np.float32)


def bound(rng: np.random.Generator, page: Floats) -> Floats:
    """Show the binding of a notepad on a page, (H, W, 3) float32: holes, often with wire."""
    height, width = page.shape[:2]
    picture = np.asarray(np.clip(page * 255, 0, 255), np.uint8)
    # A binding at the side is drawn level on the turned page, which is then turned back.
    turned = np.ascontiguousarray(np.rot90(picture)) if (upright := rng.random() < 0.4) else picture
    length = turned.shape[1]
    pitch = length * float(rng.uniform(0.04, 0.2))
    hole, level = pitch * float(rng.uniform(0.12, 0.35)), pitch * float(rng.uniform(-0.1, 0.9))
    dark = [float(value) for value in rng.uniform(0, 120, 3)]
    wire = float(rng.uniform(20, 230))
    for x in np.arange(rng.uniform(0, pitch), length, pitch):
        middle = round(float(x)), round(level)
        cv2.circle(turned, middle, max(1, round(hole)), dark, -1, cv2.LINE_AA)
        if wire < 150:
            reach = round(hole * 0.6), max(1, round(pitch * 0.9))
            thickness = max(1, round(hole * rng.uniform(0.3, 0.8)))
            cv2.ellipse(
                turned, (middle[0], middle[1] - reach[1]), reach, 0, 0, 360, (wire,) * 3, thickness, cv2.LINE_AA
            )
    found = np.rot90(turned, -1) if upright else turned
    return np.asarray(found.reshape(height, width, 3).astype(np.float32) / 255, np.float32)


def _objects(rng: np.random.Generator, table: Floats) -> Floats:
    """Lay pens, cables, cups and paper on a desk, (H, W, 3) float32."""
    height, width = table.shape[:2]
    picture = np.asarray(table * 255, np.uint8)
    for _ in range(int(rng.integers(1, 5))):
        colour = [float(value) for value in rng.uniform(0, 255, 3)]
        a, b = (tuple(int(n) for n in rng.integers(0, (width, height))) for _ in range(2))
        thickness = max(1, round(max(height, width) * float(np.exp(rng.uniform(np.log(0.008), np.log(0.12))))))
        choice = rng.random()
        if choice < 0.45:
            cv2.line(picture, a, b, colour, thickness, cv2.LINE_AA)
        elif choice < 0.8:
            axes = max(2, abs(b[0] - a[0])), max(2, abs(b[1] - a[1]))
            start = float(rng.uniform(0, 360))
            cv2.ellipse(picture, a, axes, start, 0, float(rng.uniform(60, 360)), colour, thickness, cv2.LINE_AA)
        else:
            cv2.rectangle(picture, a, b, colour, -1)
    return picture.astype(np.float32) / np.float32(255)


def creases(rng: np.random.Generator, shape: tuple[int, int]) -> Floats:
    """Return the light on folded or crumpled paper, (H, W) float32 about 1."""
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    tone = np.ones(shape, np.float32)
    for _ in range(int(rng.integers(1, 5))):
        angle, place = rng.uniform(0, 2 * np.pi), rng.uniform(-0.5, 0.5) * max(shape)
        across = (x - shape[1] / 2) * np.cos(angle) + (y - shape[0] / 2) * np.sin(angle) - place
        # The tone jumps at the fold, and the change fades away from it.
        tone *= 1 + rng.uniform(-0.12, 0.12) * np.clip(across / rng.uniform(0.5, 4) + 0.5, 0, 1) * np.exp(
            -np.abs(across) / max(shape) / rng.uniform(0.05, 2)
        )
    return np.asarray(tone, np.float32)


def rough(rng: np.random.Generator, shape: tuple[int, int], cells: float, stretch: float = 1.0) -> Floats:
    """Return smooth noise, (H, W) float32, of deviation about 1.

    About ``cells`` bumps lie along the longer side. ``stretch`` makes the bumps longer one way, as the grain of wood.
    """
    scale = cells / max(shape)
    rows, columns = max(2, round(shape[0] * scale * stretch)), max(2, round(shape[1] * scale / stretch))
    coarse = rng.standard_normal((rows, columns), dtype=np.float32)
    return np.asarray(cv2.resize(coarse, shape[::-1], interpolation=cv2.INTER_LINEAR), np.float32)


def desk(rng: np.random.Generator, shape: tuple[int, int]) -> Floats:
    """Return what a sheet lies on, (H, W, 3) float32. It may have a grain."""
    tone = rng.uniform(0, 1, 3) if rng.random() < 0.5 else np.full(3, rng.random()) * rng.uniform(0.8, 1.2, 3)
    grain = rough(rng, shape, rng.uniform(3, 60), float(np.exp(rng.normal(0, 0.7)))) * rng.choice([0, 0.05, 0.2])
    table = np.ones((*shape, 1), np.float32) * tone.astype(np.float32) * (1 + grain[..., None])
    return np.asarray(np.clip(table, 0, 1), np.float32)


def on_desk(rng: np.random.Generator, page: Floats, inside: tuple[float, float, float, float]) -> tuple[Floats, Floats]:
    """Lay a page on a desk, and return the picture and the page's share, (H, W).

    Up to four of its edges show. ``inside`` (left, top, right, bottom) in pixels stays on the page.
    """
    height, width = shape = page.shape[:2]
    y, x = np.mgrid[:height, :width].astype(np.float32)
    share = np.ones(shape, np.float32)
    left, top, right, bottom = inside
    turn = float(rng.normal(0, 0.08)) if rng.random() < 0.8 else float(rng.uniform(-0.6, 0.6))
    soft = float(rng.uniform(0.4, 2.5))
    edges = rng.permutation(4)[: int(rng.choice([1, 1, 2, 3, 4]))]
    for edge in edges:
        # Each edge is a straight line beyond the box's farthest corner. What lies farther on is desk.
        angle = turn + edge * np.pi / 2 + float(rng.normal(0, 0.02))
        forward = x * np.cos(angle) + y * np.sin(angle)
        corners = [px * np.cos(angle) + py * np.sin(angle) for px in (left, right) for py in (top, bottom)]
        free = float(forward.max()) - max(corners)
        if free > 2:
            limit = max(corners) + rng.uniform(0.1, 0.95) * free
            share *= np.clip((limit - forward) / soft + 0.5, 0, 1)
    table = desk(rng, shape)
    if rng.random() < 0.35:
        table = _objects(rng, table)
    if rng.random() < 0.5:  # the sheet's own shadow
        dark = cv2.GaussianBlur(share, (0, 0), rng.uniform(1, 6))
        table = table * (1 - rng.uniform(0.2, 0.7) * dark[..., None])
    return np.asarray(page * share[..., None] + table * (1 - share[..., None]), np.float32), share


def lit(rng: np.random.Generator, page: Floats) -> Floats:
    """Let light fall on a page, perhaps tinted, with shadows or a reflection."""
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


def shaded(rng: np.random.Generator, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Lay a band of shadow across a finished picture, (H, W, 3) uint8."""
    band = cv2.resize(_band(rng, 96), image.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    return np.asarray(image * band[..., None], np.uint8)


def laid(
    rng: np.random.Generator, image: NDArray[np.uint8], masks: Sequence[NDArray[np.uint8]]
) -> tuple[NDArray[np.uint8], list[NDArray[np.uint8]]]:
    """Lay a picture, (H, W, 3) uint8, on a desk, and return it and its masks as seen."""
    height, width = image.shape[:2]
    high, wide = (round(side * rng.uniform(1.05, 1.7)) for side in (height, width))
    table = desk(rng, (high, wide))
    if rng.random() < 0.3:
        table = _objects(rng, table)
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), float(rng.normal(0, 10)), float(rng.uniform(0.8, 1.05)))
    turn[:, 2] += (wide - width) * rng.uniform(0.2, 0.8), (high - height) * rng.uniform(0.2, 0.8)
    sheet = cv2.warpAffine(np.full((height, width), 255, np.uint8), turn, (wide, high), flags=cv2.INTER_LINEAR)
    share = sheet.astype(np.float32)[..., None] / np.float32(255)
    if rng.random() < 0.5:  # its own shadow
        table = table * (1 - rng.uniform(0.2, 0.6) * cv2.GaussianBlur(share, (0, 0), rng.uniform(1, 5))[..., None])
    # Repeat the border, so that the sheet's edge does not fade to black.
    moved = cv2.warpAffine(image, turn, (wide, high), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    seen = moved * share + 255 * table * (1 - share)
    turned = [np.asarray(cv2.warpAffine(mask, turn, (wide, high), flags=cv2.INTER_LINEAR), np.uint8) for mask in masks]
    return np.asarray(np.clip(seen, 0, 255), np.uint8), turned


def _band(rng: np.random.Generator, side: int) -> Floats:
    """Return the light beside the shadow of an arm or a bar, (side, side), 0 to 1."""
    y, x = np.mgrid[:side, :side].astype(np.float32)
    angle = rng.uniform(0, 2 * np.pi)
    across = x * np.cos(angle) + y * np.sin(angle)
    start, wide = rng.uniform(across.min(), across.max()), rng.uniform(0.06, 0.8) * side
    soft = float(np.exp(rng.uniform(np.log(0.2), np.log(6))))
    # The band is dark from one edge on, and no longer from the other on. Both edges are soft.
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
