"""The steps of the MNIST recipe: small functions from image to image.

Every step takes and returns a uint8 array. From ``bright_ink`` on, ink is bright and the background dark; from
``clear_background`` on, the background is exactly 0. An image without ink becomes all zero and stays so.

Source of the recipe: Y. LeCun, L. Bottou, Y. Bengio and P. Haffner, Gradient-based learning applied to document
recognition, Proc. IEEE 86 (1998), section III.A: digits are size normalised into a 20 × 20 box with their aspect ratio
kept, grey by anti-aliasing, and centred in 28 × 28 by their centre of mass.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from cv2.typing import MatLike

Image = MatLike  # always uint8 here; OpenCV's own type for what its functions return

SIDE = 28
"""Side of an MNIST image, in pixels."""
BOX = 20
"""Longest side of the digit inside it, in pixels."""
MIN_CONTRAST = 12
"""Grey levels between paper and ink below which an image is taken for blank."""


def grey(image: Image) -> Image:
    """Return (H, W) luminance of a (H, W) or (H, W, 3) BGR image (ITU-R BT.601 weights)."""
    return image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)


def colour(image: Image) -> Image:
    """Return (H, W, 3) BGR of a (H, W) or (H, W, 3) BGR image."""
    return cv2.cvtColor(image, cv2.COLOR_GRAY2BGR) if image.ndim == 2 else image


def resize(image: Image, size: tuple[int, int]) -> Image:
    """Resize to ``size`` (height, width), averaging over area where it gets smaller; equal sizes stay bit for bit."""
    height, width = size
    if image.shape[:2] == size:
        return image
    shrinks = image.shape[0] >= height and image.shape[1] >= width
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)


def bright_ink(image: Image) -> Image:
    """Invert a (H, W) image whose border is brighter than its Otsu threshold, so that ink is bright."""
    threshold, _ = cv2.threshold(image, 0, 255, cv2.THRESH_OTSU)
    return cv2.bitwise_not(image) if np.median(border(image)) > threshold else image


def border(image: Image) -> Image:
    """Return the outermost pixels of a (H, W) image, one after the other."""
    return np.concatenate([image[0], image[-1], image[1:-1, 0], image[1:-1, -1]])


def clear_background(image: Image) -> Image:
    """Set everything below the Otsu threshold to 0 and stretch the ink to 255 (N. Otsu, IEEE Trans. SMC 9, 1979)."""
    _, mask = cv2.threshold(image, 0, 255, cv2.THRESH_OTSU)
    ink = image[mask > 0]
    if ink.size in (0, image.size):
        return np.zeros_like(image)
    paper = float(np.median(image[mask == 0]))
    peak = float(np.percentile(ink, 90))
    if peak - paper < MIN_CONTRAST:
        return np.zeros_like(image)
    stretched = cv2.convertScaleAbs(np.maximum(image, int(paper)) - int(paper), alpha=255 / (peak - paper))
    return cv2.bitwise_and(stretched, mask)


def crop_to_ink(image: Image) -> Image:
    """Return the smallest rectangle that holds every pixel above 0; an empty image stays as it is."""
    x, y, width, height = cv2.boundingRect(image)
    return image[y : y + height, x : x + width] if width else image


def fit_to_box(image: Image) -> Image:
    """Resize so that the longest side is 20 px: aspect kept, anti-aliased by averaging over each pixel's area."""
    height, width = image.shape
    scale = BOX / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)


def centre_of_mass(image: Image) -> tuple[float, float]:
    """Return the intensity-weighted mean (row, column) of a (H, W) image in pixels; its middle when it is empty."""
    moments = cv2.moments(image)
    if moments["m00"] == 0:
        return (image.shape[0] - 1) / 2, (image.shape[1] - 1) / 2
    return moments["m01"] / moments["m00"], moments["m10"] / moments["m00"]


def centre(image: Image) -> Image:
    """Place an image of at most 28 × 28 so that its centre of mass falls on pixel (14, 14) of a 28 × 28 one.

    The shift is whole pixels, rounded half up, as in MNIST. A digit whose mass lies so far from its middle that it
    would leave the frame is moved back until it fits.
    """
    row, column = centre_of_mass(image)
    height, width = image.shape
    top = min(max(math.floor(SIDE / 2 - row + 0.5), 0), SIDE - height)
    left = min(max(math.floor(SIDE / 2 - column + 0.5), 0), SIDE - width)
    canvas: Image = np.zeros((SIDE, SIDE), np.uint8)
    canvas[top : top + height, left : left + width] = image
    return canvas


def is_mnist_like(image: Image) -> bool:
    """Say whether a (H, W) image already is what the recipe makes, so that it must pass through unchanged.

    True for all 70,000 images of MNIST: 28 × 28, the ink's longest side 19 or 20 px, its centre of mass within half a
    pixel of (14, 14), its peak at least 254, and most of the image exactly 0.
    """
    if image.shape != (SIDE, SIDE):
        return False
    _, _, width, height = cv2.boundingRect(image)
    if not BOX - 1 <= max(width, height) <= BOX:
        return False
    if cv2.minMaxLoc(image)[1] < 254 or cv2.countNonZero(image) > SIDE * SIDE / 2:
        return False
    row, column = centre_of_mass(image)
    return max(abs(row - SIDE / 2), abs(column - SIDE / 2)) <= 0.55
