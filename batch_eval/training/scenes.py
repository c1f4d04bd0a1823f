"""Draw photos of handwritten digits: a pen on paper under some light, with the true ink beside it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from batch_eval.training.drawing import write
from batch_eval.training.papers import LIGHTS, PAPERS, Floats, light, noise, reflectance, sheet
from batch_eval.training.pens import PENS, Nib, Pen, ink


@dataclass(frozen=True)
class SceneOptions:
    """How to draw a scene. A range, or None, leaves the choice to the random generator."""

    paper: str | None = None
    """A key of ``PAPERS``."""
    pen: str | None = None
    """A key of ``PENS``."""
    light: str | None = None
    """A key of ``LIGHTS``."""
    size: int = 128
    """Side of the photo, in pixels."""
    share: tuple[float, float] = (0.45, 0.8)
    """Range of the digit's longer side, as a share of ``size``."""
    blur: tuple[float, float] = (0.0, 0.9)
    """Range of the lens's blur: a standard deviation in pixels."""
    grain: tuple[float, float] = (0.0, 0.02)
    """Range of the sensor's noise: a standard deviation as a share of full brightness."""


@dataclass(frozen=True)
class Scene:
    """A drawn photo and the truth about it."""

    image: NDArray[np.uint8]
    """(H, W, 3) BGR."""
    ink: NDArray[np.uint8]
    """(H, W), the pen's coverage of each pixel, before paper, light and camera changed it. 255 covers all."""
    label: int
    paper: str
    pen: str
    light: str


def draw_scene(rng: np.random.Generator, label: int, options: SceneOptions | None = None) -> Scene:
    """Draw one digit as a photo. The same state of ``rng`` draws the same photo.

    Raises KeyError for an unknown paper, pen or light.
    """
    # As in reality: ink covers paper, light falls on both, a camera takes the picture.
    options = options or SceneOptions()
    paper = options.paper or str(rng.choice(list(PAPERS)))
    pen = options.pen or str(rng.choice(list(PENS)))
    light_name = options.light or str(rng.choice(list(LIGHTS)))
    digit = _written(rng, label, PENS[pen], round(options.size * rng.uniform(*options.share)))
    cover = _placed(rng, digit, options.size)
    page = _inked(rng, sheet(rng, PAPERS[paper], options.size), cover, PENS[pen])
    lit = page * light(rng, light_name, options.size)[..., None]
    image = photographed(rng, lit, rng.uniform(*options.blur), rng.uniform(*options.grain))
    return Scene(image, cover, label, paper, pen, light_name)


def _written(rng: np.random.Generator, label: int, pen: Pen, side: int) -> NDArray[np.uint8]:
    """Write a digit that just fits into a square, (side, side) uint8, ink 255 on 0."""
    nib = Nib(float(rng.uniform(*pen.width)), pen.pressure, pen.chisel)
    return ink(rng, write(rng, label), nib, side, height=side * 0.97 / (1 + nib.width * 1.2))


def _placed(rng: np.random.Generator, digit: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Place the digit near the middle of an empty (size, size) image, all of it inside."""
    canvas = np.zeros((size, size), np.uint8)
    free = size - digit.shape[0]
    top, left = (round(free * rng.uniform(0.2, 0.8)) for _ in range(2))
    canvas[top : top + digit.shape[0], left : left + digit.shape[1]] = digit
    return canvas


def _inked(rng: np.random.Generator, page: Floats, cover: NDArray[np.uint8], pen: Pen) -> Floats:
    """Blend the pen's colour into the page where it covers it."""
    size = len(page)
    # A grainy pen, such as a crayon, misses the hollows of the paper.
    hollows = np.clip(noise(rng, size, size) * 0.5 + 0.5, 0, 1) * pen.grain
    strength = cover.astype(np.float32) / 255 * (1 - hollows) * np.float32(rng.uniform(*pen.darkness))
    colour = reflectance(pen.colours[int(rng.integers(len(pen.colours)))])
    return np.asarray(page * (1 - strength[..., None]) + colour * strength[..., None], dtype=np.float32)


def photographed(rng: np.random.Generator, scene: Floats, blur: float, grain: float) -> NDArray[np.uint8]:
    """Take a photo of (H, W, 3) light of 0 to 1, as uint8 of the same shape.

    ``blur`` is the lens's, in pixels, ``grain`` the sensor's noise as a share of full brightness.
    """
    if blur > 0.2:  # less would not change a pixel visibly
        scene = np.asarray(cv2.GaussianBlur(scene, (0, 0), blur), dtype=np.float32)
    noisy = scene + rng.normal(0, grain, scene.shape).astype(np.float32)
    return np.asarray(np.clip(noisy * 255 + 0.5, 0, 255), dtype=np.uint8)
