"""Filters and sizes that several steps share."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

from batch_eval.imaging.steps import Image

TIGHT_CROP = 64
"""Longest side, in pixels, below which an image counts as a tight crop of one digit."""
COARSE_SIDE = 64
"""Longest side, in pixels, at which light and polarity are estimated. Both vary slowly across a photo."""
NEIGHBOURS = np.ones((3, 3), np.uint8)
"""Structuring element: a pixel and its eight neighbours."""


def shrink(image: Image, side: int) -> Image:
    """Reduce an image until its longest side is at most ``side`` px; never enlarge it."""
    height, width = image.shape[:2]
    scale = side / max(height, width)
    if scale >= 1:
        return image
    size = max(1, round(width * scale)), max(1, round(height * scale))
    # above half size, bilinear interpolation averages as well as INTER_AREA, five times faster
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA if scale < 0.5 else cv2.INTER_LINEAR)


def blur(image: Image, radius: int, sigma: float) -> Image:
    """Blur a uint8 image with a Gaussian. ``radius`` and the standard deviation ``sigma`` are in pixels."""
    weights = _gaussian(2 * radius + 1, sigma)
    # cv2.GaussianBlur does the same in integers and takes up to three times as long
    return cv2.sepFilter2D(image, -1, weights, weights)


@lru_cache(maxsize=64)
def _gaussian(size: int, sigma: float) -> Image:
    return cv2.getGaussianKernel(size, sigma, cv2.CV_32F)


def odd_width(image: Image, window: float) -> int:
    """Return ``window`` in pixels, an odd number of at least 3. Its unit is the image's longest side."""
    return max(3, int(max(image.shape[:2]) * window) | 1)


def edge_bands(image: Image, depth: int) -> list[Image]:
    """Return views of the outermost rows at the top and the bottom, and columns on the left and the right.

    Each has ``depth`` rows, from the outside in. The last two are transposed.
    """
    return [turned[:depth] for turned in (image, image[::-1], image.T, image.T[::-1])]


def absorption(image: Image, paper: Image) -> Image:
    """Return 255 · (1 - image / paper) in the channel that absorbs most.

    Args:
        image: (H, W) or (H, W, 3) BGR uint8, at least 1 everywhere.
        paper: The same shape: the pixels without ink, at least 1 everywhere.

    Returns:
        (H, W) uint8.

    """
    share = cv2.bitwise_not(cv2.divide(image, paper, scale=255))
    if share.ndim == 2:
        return share
    blue, green, red = cv2.split(share)
    return cv2.max(cv2.max(blue, green), red)
