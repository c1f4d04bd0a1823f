"""Photos of handwritten digits drawn by a program: a pen on paper under some light, with the true ink beside it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from batch_eval.training.drawing import write
from batch_eval.training.papers import LIGHTS, PAPERS, Floats, light, noise, reflectance, sheet
from batch_eval.training.pens import PENS, Nib, Pen, ink


@dataclass(frozen=True)
class Scene:
    """A drawn photo and what is known of it.

    ``image`` is (H, W, 3) BGR uint8; ``ink`` (H, W) uint8 is how much of each pixel the pen covered, 255 all of it,
    before paper, light and camera spoiled it.
    """

    image: NDArray[np.uint8]
    ink: NDArray[np.uint8]
    label: int
    paper: str
    pen: str
    light: str


def draw_scene(
    rng: np.random.Generator,
    label: int,
    *,
    paper: str | None = None,
    pen: str | None = None,
    light_name: str | None = None,
    size: int = 128,
    share: tuple[float, float] = (0.45, 0.8),
    blur: tuple[float, float] = (0.0, 0.9),
    grain: tuple[float, float] = (0.0, 0.02),
) -> Scene:
    """Draw one digit as if photographed; what is not named is chosen by ``rng``, and the same state draws the same.

    ``paper``, ``pen`` and ``light_name`` are keys of ``PAPERS``, ``PENS`` and ``LIGHTS`` (KeyError otherwise).
    ``size`` is the photo's side in pixels, ``share`` the digit's longer side as a share of it, ``blur`` the camera's
    deviation in pixels and ``grain`` its noise as a share of full brightness; ranges, from which one value is drawn.
    """
    paper = paper or str(rng.choice(list(PAPERS)))
    pen = pen or str(rng.choice(list(PENS)))
    light_name = light_name or str(rng.choice(list(LIGHTS)))
    cover = _placed(rng, _written(rng, label, PENS[pen], round(size * rng.uniform(*share))), size)
    page = _inked(rng, sheet(rng, PAPERS[paper], size), cover, PENS[pen])
    lit = page * light(rng, light_name, size)[..., None]
    image = photographed(rng, lit, rng.uniform(*blur), rng.uniform(*grain))
    return Scene(image, cover, label, paper, pen, light_name)


def _written(rng: np.random.Generator, label: int, pen: Pen, side: int) -> NDArray[np.uint8]:
    """Write a digit that just fits into a square, (side, side) uint8, ink 255 on 0."""
    nib = Nib(float(rng.uniform(*pen.width)), pen.pressure, pen.chisel)
    return ink(rng, write(rng, label), nib, side, height=side * 0.97 / (1 + nib.width * 1.2))


def _placed(rng: np.random.Generator, digit: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Put the digit somewhere near the middle of an empty (size, size) picture, all of it inside."""
    canvas = np.zeros((size, size), np.uint8)
    free = size - digit.shape[0]
    top, left = (round(free * rng.uniform(0.2, 0.8)) for _ in range(2))
    canvas[top : top + digit.shape[0], left : left + digit.shape[1]] = digit
    return canvas


def _inked(rng: np.random.Generator, page: Floats, cover: NDArray[np.uint8], pen: Pen) -> Floats:
    """Lay the pen's colour on the page where it covers it; a grainy pen misses the hollows of the paper."""
    size = len(page)
    tooth = np.clip(noise(rng, size, size) * 0.5 + 0.5, 0, 1) * pen.grain
    strength = cover.astype(np.float32) / 255 * (1 - tooth) * np.float32(rng.uniform(*pen.darkness))
    colour = reflectance(pen.colours[int(rng.integers(len(pen.colours)))])
    return np.asarray(page * (1 - strength[..., None]) + colour * strength[..., None], dtype=np.float32)


def photographed(rng: np.random.Generator, scene: Floats, blur: float, grain: float) -> NDArray[np.uint8]:
    """Take the picture: (H, W, 3) light of 0 to 1 becomes 8 bits, with a lens's blur and a sensor's noise."""
    if blur > 0.2:
        scene = np.asarray(cv2.GaussianBlur(scene, (0, 0), blur), dtype=np.float32)
    noisy = scene + rng.normal(0, grain, scene.shape).astype(np.float32)
    return np.asarray(np.clip(noisy * 255 + 0.5, 0, 255), dtype=np.uint8)
