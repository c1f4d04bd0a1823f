"""What several steps need: reducing, blurring, and the sizes that tell small images from photos."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

from batch_eval.imaging.steps import Image

CUT_OUT = 64
"""Longest side, in pixels, below which an image is one that somebody has cut to its digit."""
COARSE_SIDE = 64
"""Longest side, in pixels, at which light and polarity are judged: they vary slowly."""
NEIGHBOURS = np.ones((3, 3), np.uint8)
"""A pixel and the eight around it."""


def shrink(image: Image, side: int) -> Image:
    """Reduce an image so that its longest side is at most ``side`` px; never enlarge it.

    Averages over area; up to a factor of 2 bilinear interpolation does the same and is five times faster.
    """
    height, width = image.shape[:2]
    scale = side / max(height, width)
    if scale >= 1:
        return image
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA if scale < 0.5 else cv2.INTER_LINEAR)


def blur(image: Image, reach: int, sigma: float) -> Image:
    """Average a uint8 image with Gaussian weights over ``reach`` pixels on each side.

    `cv2.GaussianBlur` computes the same in integers, and takes up to three times as long.
    """
    weights = _gaussian(2 * reach + 1, sigma)
    return cv2.sepFilter2D(image, -1, weights, weights)


@lru_cache(maxsize=64)
def _gaussian(size: int, sigma: float) -> Image:
    return cv2.getGaussianKernel(size, sigma, cv2.CV_32F)


def odd_width(image: Image, window: float) -> int:
    """Return a share of an image's longest side in pixels: an odd number, so that it has a middle, of at least 3."""
    return max(3, int(max(image.shape[:2]) * window) | 1)


def sides(image: Image, depth: int) -> list[Image]:
    """Return views of an (H, W) array's top, bottom, left and right, each as ``depth`` rows from the outside in."""
    return [turned[:depth] for turned in (image, image[::-1], image.T, image.T[::-1])]
