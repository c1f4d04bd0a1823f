"""Paper and light: what a digit is written on, and how it is lit."""

# A photo is a product: what each point of the paper reflects, times the light that falls on it. Ink and printed lines
# change the first, shadows and vignettes the second. Preprocessing has to undo the second.

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from batch_eval.distortions.light import ruling, shade, slope

Floats: TypeAlias = NDArray[np.float32]
Colour: TypeAlias = tuple[int, int, int]  # BGR, 0 to 255

PALE_BLUE, PALE_GREY, PALE_RED = (215, 175, 150), (185, 185, 185), (150, 150, 225)


@dataclass(frozen=True)
class Paper:
    """A sheet of paper, and what is printed on it."""

    name: str
    colour: Colour = (245, 247, 248)
    tooth: float = 0.01
    """Standard deviation of the brightness, as a share of it."""
    rows: bool = False
    columns: bool = False
    dots: bool = False
    """Only the crossings of rows and columns."""
    margin: bool = False
    """One red vertical line."""
    print_colour: Colour = PALE_BLUE


PAPERS = {
    paper.name: paper
    for paper in (
        Paper("plain"),
        Paper("recycled", (205, 214, 220), tooth=0.04),
        Paper("yellow-pad", (170, 235, 250), rows=True, margin=True),
        Paper("ruled", rows=True, margin=True),
        Paper("squared", rows=True, columns=True),
        Paper("dotted", dots=True, print_colour=PALE_GREY),
        Paper("screen", (255, 255, 255), tooth=0.0),
    )
}


def sheet(rng: np.random.Generator, paper: Paper, size: int) -> Floats:
    """Return an empty sheet, (size, size, 3) BGR float32: the share of light that it reflects, about 0 to 1."""
    page = np.ones((size, size, 1), np.float32) * reflectance(paper.colour)
    if paper.rows or paper.columns or paper.dots:
        cover = printed(rng, paper, size)[..., None]
        page = page * (1 - cover) + reflectance(paper.print_colour) * cover
    if paper.margin:
        # A pitch of ten sheets leaves one line.
        cover = ruling((size, size), rng.uniform(0.05, 0.25) * size, size * 10, 1.2, np.pi / 2)[..., None]
        page = page * (1 - cover) + reflectance(PALE_RED) * cover
    # Paper varies at two scales: single fibres and clouds of them.
    fibres = noise(rng, size, size // 2) * 0.5 + noise(rng, size, size // 12) * 0.5
    return np.asarray(page * (1 + paper.tooth * fibres[..., None]), dtype=np.float32)


def reflectance(colour: Colour) -> Floats:
    """Return an 8-bit colour as shares of the reflected light, (3,) float32."""
    return np.array(colour, np.float32) / np.float32(255)


def printed(rng: np.random.Generator, paper: Paper, size: int) -> Floats:
    """Return the share of each pixel that printed lines cover, (size, size) float32, 0 to 1."""
    pitch = float(rng.uniform(0.16, 0.34)) * size * (0.7 if paper.columns or paper.dots else 1)
    tilt = float(rng.normal(0, 0.03))  # radians: nobody holds a camera quite level
    thickness = float(rng.uniform(0.6, 1.4)) * size / 128
    rows = ruling((size, size), rng.uniform(0, pitch), pitch, thickness * (2.5 if paper.dots else 1), tilt)
    columns = ruling(
        (size, size), rng.uniform(0, pitch), pitch, thickness * (2.5 if paper.dots else 1), tilt + np.pi / 2
    )
    if paper.dots:
        return rows * columns
    return np.maximum(rows * paper.rows, columns * paper.columns) * np.float32(rng.uniform(0.5, 1.0))


def noise(rng: np.random.Generator, size: int, cells: int) -> Floats:
    """Return smooth noise with about ``cells`` bumps per side, (size, size) float32, mean 0, deviation about 1."""
    coarse = rng.normal(0, 1, (max(2, cells),) * 2).astype(np.float32)
    return np.asarray(cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC), dtype=np.float32)


def _even(rng: np.random.Generator, x: Floats, y: Floats) -> Floats:
    """Return the same light everywhere."""
    return np.full_like(x + y, rng.uniform(0.9, 1.0))


def _gradient(rng: np.random.Generator, x: Floats, y: Floats) -> Floats:
    """Fade linearly from one side to the other, as beside a window."""
    angle = rng.uniform(0, 2 * np.pi)
    fall = rng.uniform(0.15, 0.45)
    return np.asarray(0.95 - fall * slope(x, y, angle), dtype=np.float32)


def _vignette(rng: np.random.Generator, x: Floats, y: Floats) -> Floats:
    """Darken with the squared distance from a centre, as a lamp or a cheap lens does."""
    cx, cy = rng.uniform(-0.3, 0.3, 2)
    squared = (x - cx) ** 2 + (y - cy) ** 2
    return np.asarray(1 - rng.uniform(0.15, 0.35) * squared, dtype=np.float32)


def _shadow(rng: np.random.Generator, x: Floats, y: Floats) -> Floats:
    """Cast a shadow with a soft straight edge, as a hand or a phone does."""
    angle = rng.uniform(0, 2 * np.pi)
    softness = rng.uniform(0.04, 0.3)
    place = rng.uniform(-0.5, 0.5)
    return np.asarray(0.97 - shade(x, y, angle, place, softness, rng.uniform(0.2, 0.45)), dtype=np.float32)


LIGHTS: dict[str, Callable[[np.random.Generator, Floats, Floats], Floats]] = {
    "even": _even,
    "gradient": _gradient,
    "vignette": _vignette,
    "shadow": _shadow,
}


def light(rng: np.random.Generator, name: str, size: int) -> Floats:
    """Return the light on each point, (size, size) float32, 0.05 to 1. ``name`` is a key of ``LIGHTS``."""
    axis = np.linspace(-1, 1, size, dtype=np.float32)
    x, y = np.meshgrid(axis, axis)
    return np.clip(LIGHTS[name](rng, x, y), 0.05, 1.0)
