"""The fifteen corruptions of MNIST-C, on (28, 28) uint8 with bright ink on dark.

Each has one severity, that of the published data set. These are implementations of our own: random numbers differ from
those of the data set, so single images differ too.
Source: N. Mu and J. Gilmer, MNIST-C: A Robustness Benchmark for Computer Vision, 2019, arXiv:1906.02337; severities of
github.com/google-research/mnist-c.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from batch_eval.distortions.camera import clipped
from batch_eval.distortions.distortion import Apply
from batch_eval.imaging.steps import SIDE, Image

Floats = NDArray[np.float32]
_MIDDLE = (SIDE - 1) / 2
FOG_SIDE = 256
"""Side of the fog of which a corner is used. Its fractal needs a power of two."""


def _shot_noise(image: Image, _level: float, rng: np.random.Generator) -> Image:
    """Count few photons, three where the ink is full, with their Poisson noise."""
    return clipped(rng.poisson(image / 255 * 3) / 3 * 255)


def _impulse_noise(image: Image, _level: float, rng: np.random.Generator) -> Image:
    """Make 17 % of the pixels white or black."""
    hit, white = rng.random((2, *image.shape))
    return np.where(hit < 0.17, np.where(white < 0.5, np.uint8(255), np.uint8(0)), image).astype(np.uint8)


def _glass_blur(image: Image, _level: float, rng: np.random.Generator) -> Image:
    """Blur, swap half of the pixels with a neighbour above or to the left, twice, and blur again."""
    glass = _softened(np.asarray(image), 0.7)
    for _ in range(2):
        # From the bottom right to the top left, so that a pixel may travel through several swaps.
        chosen, up, left = rng.integers(0, 2, (3, SIDE, SIDE)).tolist()
        for y in range(SIDE - 1, 1, -1):
            for x in range(SIDE - 1, 1, -1):
                if chosen[y][x]:
                    b, a = y - up[y][x], x - left[y][x]
                    glass[y, x], glass[b, a] = glass[b, a], glass[y, x]
    return clipped(_softened(glass, 0.7))


def _motion_blur(image: Image, _level: float, rng: np.random.Generator) -> Image:
    """Smear to one side, with weights of a Gaussian of 3 pixels, at up to 45° from level."""
    angle, steps = np.radians(rng.uniform(-45, 45)), np.arange(21)
    # As ImageMagick does it: each pixel is the weighted mean of itself and of those on one side, not of both.
    kernel = np.zeros((41, 41), np.float32)
    np.add.at(
        kernel,
        (20 + np.rint(steps * np.sin(angle)).astype(int), 20 + np.rint(steps * np.cos(angle)).astype(int)),
        np.exp(-(steps**2) / 18),
    )
    return cv2.filter2D(image, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REPLICATE)


def _shear(image: Image, _level: float, rng: np.random.Generator) -> Image:
    """Shear by 0.4 radians to either side."""
    angle = 0.4 * rng.choice((-1, 1))
    return _warped(image, [[1, -np.sin(angle)], [0, np.cos(angle)]])


def _scale(image: Image, _level: float, _rng: np.random.Generator) -> Image:
    """Shrink to 70 %."""
    return _warped(image, [[1 / 0.7, 0], [0, 1 / 0.7]])


def _rotate(image: Image, _level: float, rng: np.random.Generator) -> Image:
    """Turn by 0.4 radians, 23°, either way."""
    angle = 0.4 * rng.choice((-1, 1))
    return _warped(image, [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


def _brightness(image: Image, _level: float, _rng: np.random.Generator) -> Image:
    """Add half of full brightness."""
    return clipped(image + np.float32(0.5 * 255))


def _translate(image: Image, _level: float, rng: np.random.Generator) -> Image:
    """Shift by 3 pixels along each axis, either way."""
    x, y = 3 * rng.choice((-1, 1), 2)
    return _warped(image, np.eye(2), (x, y))


def _stripe(image: Image, _level: float, _rng: np.random.Generator) -> Image:
    """Invert the first and the last quarter of the columns."""
    striped = image.copy()
    striped[:, :7] = 255 - striped[:, :7]
    striped[:, 21:] = 255 - striped[:, 21:]
    return striped


def _fog(image: Image, _level: float, rng: np.random.Generator) -> Image:
    """Add three times as much fog as ink, and scale the sum to the brightness of the ink."""
    peak = max(1.0, float(image.max())) / 255
    foggy = image / np.float32(255) + 3 * _fractal(rng)[:SIDE, :SIDE]
    return clipped(foggy * np.float32(255 * peak / (peak + 3)))


def _fractal(rng: np.random.Generator) -> Floats:
    """Return a periodic height map, (256, 256), 0 to 1.

    Source: diamond-square, A. Fournier, D. Fussell and L. Carpenter, Computer rendering of stochastic models, Comm. ACM
    25 (1982).
    """
    heights = np.zeros((FOG_SIDE, FOG_SIDE))
    roughness = 1.0
    # The grid of known points doubles in each round. First the middles of its squares become the mean of four corners,
    # then the middles of their edges become the mean of four neighbours. Both get noise, about half as much each time.
    step = FOG_SIDE
    while step > 1:
        half = step // 2
        corners = heights[::step, ::step]
        heights[half::step, half::step] = _mean(corners, np.roll(corners, -1, 0)) + _jitter(rng, corners, roughness)
        middles = heights[half::step, half::step]
        rows, columns = corners + np.roll(corners, -1, 1), corners + np.roll(corners, -1, 0)
        across, down = middles + np.roll(middles, 1, 0), middles + np.roll(middles, 1, 1)
        heights[::step, half::step] = (rows + across) / 4 + _jitter(rng, corners, roughness)
        heights[half::step, ::step] = (columns + down) / 4 + _jitter(rng, corners, roughness)
        step, roughness = half, roughness / 1.4**2
    heights -= heights.min()
    return np.asarray(heights / heights.max(), np.float32)


def _mean(upper: NDArray[np.float64], lower: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean of each square's four corners, given the rows above and below."""
    both = upper + lower
    return np.asarray((both + np.roll(both, -1, 1)) / 4)


def _jitter(rng: np.random.Generator, like: NDArray[np.float64], amount: float) -> NDArray[np.float64]:
    return rng.uniform(-amount, amount, like.shape)


def _spatter(image: Image, _level: float, rng: np.random.Generator) -> Image:
    """Cover parts with mud, a quarter as bright as ink."""
    drops = _softened(rng.normal(0.65, 0.3, (SIDE, SIDE)), 1)
    mud = _softened(drops > 0.65, 1.5)
    mud[mud < 0.8] = 0
    return clipped(image * (1 - mud) + np.float32(63) * mud)


def _dotted_line(image: Image, _level: float, rng: np.random.Generator) -> Image:
    """Draw a dotted line from the left to the right border."""
    start, end = rng.integers(0, 27, 2).tolist()
    line = _line((0, start), (27, end))
    line[:, np.arange(SIDE) % 4 < 2] = 0
    return clipped(image + 255 * line)


def _zigzag(image: Image, _level: float, rng: np.random.Generator) -> Image:
    """Draw a zigzag of 2 pixels up and down, from the left to the right."""
    start = int(rng.integers(0, 27))
    end = start + int(rng.integers(-5, 5))
    drawn = image.astype(np.float32)
    points = list(_zigzag_points(start, end))
    for a, b in pairwise(points):
        drawn = np.minimum(drawn + 255 * _line(a, b), 255)
    return clipped(drawn)


def _zigzag_points(start: int, end: int) -> Iterator[tuple[float, float]]:
    """Yield the corners (x, y) of a zigzag around the line from (2, start) to (25, end)."""
    angle = np.arctan2(end - start, 23)
    length = 23 / np.cos(angle)
    corners = [(4 * i + 2.0, 2.0 if i % 2 == 0 else -2.0) for i in range(int((length - 2) // 4) + 1)]
    for along, beside in [(0.0, 0.0), *corners, (length, 0.0)]:
        yield 2 + along * np.cos(angle) - beside * np.sin(angle), start + along * np.sin(angle) + beside * np.cos(angle)


def _line(a: tuple[float, float], b: tuple[float, float]) -> Floats:
    """Return a line between two points (x, y), (28, 28) of 0 to 1, which fades 2 pixels above and below."""
    (left, top), (right, bottom) = a, b
    x, y = np.meshgrid(np.arange(SIDE), np.arange(SIDE))
    distance = np.abs(y - (top + (x - left) * (bottom - top) / (right - left)))
    line = np.log(1 - np.clip(distance, 0, 2.3 - 1e-10) / 2.3) + 1
    line[:, (x[0] < np.floor(left)) | (x[0] >= np.ceil(right))] = 0
    return np.asarray(np.clip(line, 0, 1), np.float32)


def _canny_edges(image: Image, _level: float, _rng: np.random.Generator) -> Image:
    """Keep the edges only, as white lines. Source: J. Canny, A computational approach to edge detection, 1986."""
    # thresholds of 0.1 and 0.2 of full brightness, on Sobel's gradients
    return cv2.Canny(clipped(_softened(np.asarray(image), 1)), 0.1 * 255, 0.2 * 255, L2gradient=True)


def _softened(image: NDArray[Any], sigma: float) -> Floats:
    return np.asarray(cv2.GaussianBlur(image.astype(np.float32), (0, 0), sigma), np.float32)


def _warped(image: Image, back: object, shift: tuple[float, float] = (0, 0)) -> Image:
    """Map an image around its middle. ``back`` (2, 2) and ``shift`` tell where each pixel comes from."""
    linear = np.asarray(back, np.float64)
    middle = np.full(2, _MIDDLE)
    matrix = np.column_stack([linear, middle - linear @ middle + shift])
    return cv2.warpAffine(image, matrix, (SIDE, SIDE), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)


CORRUPTIONS: Mapping[str, tuple[str, Apply]] = {
    "shot-noise": ("shot noise", _shot_noise),
    "impulse-noise": ("impulse noise", _impulse_noise),
    "glass-blur": ("glass blur", _glass_blur),
    "motion-blur": ("motion blur", _motion_blur),
    "shear": ("shear", _shear),
    "scale": ("smaller scale", _scale),
    "rotate": ("rotation", _rotate),
    "brightness": ("brightness", _brightness),
    "translate": ("translation", _translate),
    "stripe": ("inverted stripes", _stripe),
    "fog": ("fog", _fog),
    "spatter": ("spatter", _spatter),
    "dotted-line": ("dotted line", _dotted_line),
    "zigzag": ("zigzag", _zigzag),
    "canny-edges": ("Canny edges", _canny_edges),
}
"""Title and function of each, by the paper's name."""
