"""Spoil an image as people and programs do: crop it, frame it, shade it, reduce it.

Each takes an image, (H, W) or (H, W, 3) BGR uint8, and the box of its digit.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import cv2
import numpy as np
from reading import Box, Image

from batch_eval.imaging import steps

SHADOW_WIDTH = 0.2
"""Width of the shadow that is laid across an image. Unit: the image's sides."""
SHADOW_TILT = -math.atan2(0.6, 0.8)
"""Angle of that shadow, in radians."""
REDUCED = 32
"""Side, in pixels, that whole images are reduced to. Some networks are trained on images of that size."""
CANVAS, SPECK = (600, 800), (20, 40)
"""Height and width of a large empty canvas, and the range of the longest side of the digit on it, in pixels."""
CORNERED = 0.5
"""Fraction of these digits that lie in a corner of the canvas. The others lie anywhere."""
LOCAL = 1.0
"""Width of the local median that tells a digit from the paper around it. Unit: the image's longest side."""
RULED = (0.012, 0.03)
"""Range of the width of a ruled line. Unit: the height between two of them."""
SCREEN = 320
"""Longest side, in pixels, to which smaller images are enlarged before a screenshot of them is made."""
BAR = (0.06, 0.14)
"""Range of the height of a screenshot's bar. Unit: the image's height."""


def _tight(image: Image, digit: Box) -> Image:
    left, top, right, bottom = digit
    return image[top:bottom, left:right]


def _square(image: Image, digit: Box) -> Image:
    """Crop to the smallest square around a digit, with paper on two sides."""
    left, top, right, bottom = digit
    side = max(right - left, bottom - top)
    x, y = (left + right - side) // 2, (top + bottom - side) // 2
    padded = cv2.copyMakeBorder(image, side, side, side, side, cv2.BORDER_REPLICATE)
    return padded[y + side : y + 2 * side, x + side : x + 2 * side]


def _barred(image: Image, tone: int, shares: tuple[float, float]) -> Image:
    """Add bars of one tone to an image.

    ``shares`` are their thickness above and below, and left and right. Unit: the image's height and width.
    """
    down, across = (round(share * side) for share, side in zip(shares, image.shape, strict=False))
    return cv2.copyMakeBorder(image, down, down, across, across, cv2.BORDER_CONSTANT, value=(tone,) * 3)


def in_shadow(
    image: Image, width: float, tilt: float, *, middle: float = 0, light: float = 0.6, edge: float = 0.01
) -> Image:
    """Lay a band of shadow across an image, such as that of an arm or a window bar.

    Args:
        image: (H, W) or (H, W, 3) uint8.
        width: Width of the shadow. The unit of all lengths is the image's sides.
        tilt: Angle of the shadow, in radians.
        middle: Distance of its middle from that of the image.
        light: Fraction of the light that is left in it.
        edge: Width of its soft edge.

    """
    height, length = image.shape[:2]
    down, across = np.arange(height)[:, None] / height - 0.5, np.arange(length) / length - 0.5
    away = np.abs(down * math.cos(tilt) + across * math.sin(tilt) - middle)
    dark = ((width / 2 - away) / edge + 0.5).clip(0, 1).reshape(height, length, *[1] * (image.ndim - 2))
    return (image * (1 - (1 - light) * dark)).astype(np.uint8)


def _random_window(image: Image, digit: Box) -> Image:
    """Crop to a window that ends anywhere between the digit and the image's borders."""
    height, width = image.shape[:2]
    rng = _chance(image, digit)
    left, top, right, bottom = digit
    return image[
        int(rng.uniform(0, top + 1)) : int(rng.uniform(bottom, height + 1)),
        int(rng.uniform(0, left + 1)) : int(rng.uniform(right, width + 1)),
    ]


def _speck(image: Image, digit: Box) -> Image:
    """Lay a digit of a few pixels on a large canvas of its own paper's tone: anywhere, or in a corner."""
    rng = _chance(image, digit)
    left, top, right, bottom = digit
    # A photo's light differs from place to place, a canvas has one tone: keep what differs from the paper around it.
    side = max(image.shape[:2])
    paper = cv2.medianBlur(image, round(side * LOCAL / 2) * 2 + 1)
    crop = image[top:bottom, left:right].astype(np.int16) - paper[top:bottom, left:right]
    scale = rng.uniform(*SPECK) / max(crop.shape[:2])
    size = max(1, round(crop.shape[1] * scale)), max(1, round(crop.shape[0] * scale))
    small = cv2.resize(crop, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    far = np.abs(small).reshape(*small.shape[:2], -1).max(axis=2) > 10  # no edge of the crop may show
    canvas = np.full((*CANVAS, *image.shape[2:]), np.median(image.reshape(-1, *image.shape[2:]), axis=0), np.uint8)
    free = [whole - own for whole, own in zip(CANVAS, size[::-1], strict=True)]
    cornered = rng.random() < CORNERED
    y, x = (int(rng.choice((0, most)) if cornered else rng.integers(0, most + 1)) for most in free)
    there = canvas[y : y + size[1], x : x + size[0]]
    there[far] = (there[far] + small[far]).clip(0, 255)
    return canvas


def _between_lines(image: Image, digit: Box) -> Image:
    """Crop a photo between two ruled lines, which are slightly tilted and touch its upper and lower border.

    The lines are drawn, as dark as a pencil's or as light as a printer's.
    """
    rng = _chance(image, digit)
    _, top, _, bottom = digit
    away = rng.uniform(0.04, 0.25, 2) * (bottom - top)
    shown = image[max(0, round(top - away[0])) : round(bottom + away[1])].copy()
    height, width = shown.shape[:2]
    thick = max(1, round(rng.uniform(*RULED) * height))
    paper = np.median(shown.reshape(-1, *shown.shape[2:]), axis=0)
    colour = np.atleast_1d(paper * rng.uniform(0.35, 0.85)).tolist()
    lean = round(rng.uniform(-0.01, 0.01) * width)
    for y in (0, height - 1 - thick // 2):
        cv2.line(shown, (0, y + lean), (width, y - lean), colour, thick, cv2.LINE_AA)
    return shown


def _screenshot(image: Image, digit: Box) -> Image:
    """Put a bar with a clock above an image, and for half of them a bar with two buttons below."""
    rng = _chance(image, digit)
    scale = SCREEN / max(image.shape[:2])
    if scale > 1:
        image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_NEAREST)
    height, width = image.shape[:2]
    high = max(4, round(rng.uniform(*BAR) * height))
    dark = rng.random() < 0.5
    bar = np.full((high, width, *image.shape[2:]), rng.integers(0, 30) if dark else rng.integers(225, 256), np.uint8)
    text = (255,) * 3 if dark else (0,) * 3
    clock, scale = f"{rng.integers(24)}:{rng.integers(60):02d}", high / 40
    place = round(0.04 * width), round(0.75 * high)
    cv2.putText(bar, clock, place, cv2.FONT_HERSHEY_SIMPLEX, scale, text, 1, cv2.LINE_AA)
    battery = round(0.9 * width), round(0.3 * high), max(2, round(0.06 * width)), max(2, round(0.4 * high))
    cv2.rectangle(bar, battery, text, 1)
    if rng.random() < 0.5:
        return np.vstack([bar, image])
    below = np.full_like(bar, bar[-1, -1])
    for x in (0.1, 0.6):
        button = round(x * width), round(0.25 * high), round(0.3 * width), round(0.5 * high)
        cv2.rectangle(below, button, (90, 160, 60), -1)
    return np.vstack([bar, image, below])


def _chance(image: Image, digit: Box) -> np.random.Generator:
    """Return a generator that depends on the image alone, so that its rows can be measured one by one."""
    return np.random.default_rng([*image.shape[:2], *digit])


SPOILT: dict[str, Callable[[Image, Box], Image]] = {
    "tight crop": _tight,
    "square crop": _square,
    "between black bars": lambda image, _: _barred(image, 0, (0.3, 0)),
    "in a white frame": lambda image, _: _barred(image, 255, (0.08, 0.08)),
    "in a narrow shadow": lambda image, _: in_shadow(image, SHADOW_WIDTH, SHADOW_TILT),
    "random window": _random_window,
    "between two ruled lines": _between_lines,
    "screenshot with a clock": _screenshot,
    f"{SPECK[0]} to {SPECK[1]} px on {CANVAS[1]} × {CANVAS[0]}": _speck,
    f"reduced to {REDUCED} × {REDUCED}": lambda image, _: steps.resize(image, (REDUCED, REDUCED)),
}
"""What people do to their images, by the name of its rows."""
