"""The steps of the MNIST recipe: small functions from image to image.

Every step takes and returns uint8. From ``bright_ink`` on, ink is bright and the background dark. From
``clear_background`` on, the background is exactly 0. An image without ink becomes all 0 and stays so.

A digit is scaled to a 20 × 20 box with its aspect ratio kept. It is anti-aliased. Its centre of mass goes to the middle
of 28 × 28 pixels.

Source: Y. LeCun, L. Bottou, Y. Bengio and P. Haffner, Gradient-based learning applied to document recognition,
Proc. IEEE 86 (1998), section III.A.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from cv2.typing import MatLike

Image = MatLike  # always uint8 here; OpenCV's functions return this type

SIDE = 28
"""Side of an MNIST image, in pixels."""
BOX = 20
"""Longest side of the digit inside it, in pixels."""
MIN_CONTRAST = 12
"""Grey levels between paper and ink. With less, an image is blank."""


def grey(image: Image) -> Image:
    """Return the luminance, (H, W), of a grey or BGR image. The weights are those of ITU-R BT.601."""
    return image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)


def colour(image: Image) -> Image:
    """Return a grey or BGR image as (H, W, 3) BGR."""
    return cv2.cvtColor(image, cv2.COLOR_GRAY2BGR) if image.ndim == 2 else image


def visible(image: Image) -> Image:
    """Return an image whose values are only 0 and 1 with values 0 and 255; any other as it is."""
    return image * np.uint8(255) if cv2.minMaxLoc(image.reshape(-1))[1] == 1 else image


def resize(image: Image, size: tuple[int, int]) -> Image:
    """Resize an image to ``size``, (height, width) in pixels.

    An image of that size is returned unchanged. Pixels are averaged over area if both sides shrink, else interpolated.
    """
    height, width = size
    if image.shape[:2] == size:
        return image
    shrinks = image.shape[0] >= height and image.shape[1] >= width
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)


def bright_ink(image: Image) -> Image:
    """Invert an (H, W) image whose border is brighter than its Otsu threshold."""
    threshold, _ = cv2.threshold(image, 0, 255, cv2.THRESH_OTSU)
    return cv2.bitwise_not(image) if np.median(border(image)) > threshold else image


def border(image: Image) -> Image:
    """Return the outermost pixels of an (H, W) image as a vector."""
    return np.concatenate([image[0], image[-1], image[1:-1, 0], image[1:-1, -1]])


def percentile(values: Image, percent: float) -> float:
    """Return a percentile of uint8 values, interpolated between the two nearest, to the last bit as NumPy does.

    NumPy's own imports ``numpy.ma`` at its first call, which takes 12 ms of a run's start. `values` must not be empty.
    """
    at_most = np.bincount(values.ravel(), minlength=256).cumsum()
    rank = (values.size - 1) * (percent / 100)
    lower = int(rank)
    below, above = map(int, np.searchsorted(at_most, (lower, min(lower + 1, values.size - 1)), side="right"))
    share = rank - lower
    # from the nearer of the two, so that the result never leaves their range
    return below + (above - below) * share if share < 0.5 else above - (above - below) * (1 - share)


def clear_background(image: Image) -> Image:
    """Set the background of an (H, W) image to 0, and stretch its bright ink to 255.

    Otsu's threshold separates the two. An image with less than ``MIN_CONTRAST`` becomes all 0.
    Source: N. Otsu, A threshold selection method from gray-level histograms, IEEE Trans. SMC 9 (1979).
    """
    _, mask = cv2.threshold(image, 0, 255, cv2.THRESH_OTSU)
    ink = image[mask > 0]
    if ink.size in (0, image.size):
        return np.zeros_like(image)
    paper = float(np.median(image[mask == 0]))
    peak = percentile(ink, 90)
    if peak - paper < MIN_CONTRAST:
        return np.zeros_like(image)
    # (image - paper) · 255 / (peak - paper): the strongest tenth of the ink saturates
    stretched = cv2.convertScaleAbs(np.maximum(image, int(paper)) - int(paper), alpha=255 / (peak - paper))
    return cv2.bitwise_and(stretched, mask)


def crop_to_ink(image: Image) -> Image:
    """Crop to the bounding box of the pixels above 0. Return an empty image unchanged."""
    x, y, width, height = cv2.boundingRect(image)
    return image[y : y + height, x : x + width] if width else image


def fit_to_box(image: Image) -> Image:
    """Resize an (H, W) image so that its longest side is 20 px.

    The aspect ratio is kept. Averaging over area anti-aliases, as in MNIST.
    """
    height, width = image.shape
    scale = BOX / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)


def centre_of_mass(image: Image) -> tuple[float, float]:
    """Return the centre of mass (row, column) of an (H, W) image, in pixels.

    Each pixel weighs what it is bright. An empty image has its centre in the middle.

    >>> centre_of_mass(np.array([[0, 0, 100], [0, 0, 100]], np.uint8))
    (0.5, 2.0)
    """
    moments = cv2.moments(image)
    if moments["m00"] == 0:
        return (image.shape[0] - 1) / 2, (image.shape[1] - 1) / 2
    return moments["m01"] / moments["m00"], moments["m10"] / moments["m00"]


def centre(image: Image) -> Image:
    """Place an image so that its centre of mass is on pixel (14, 14).

    A digit that would leave the frame is moved back until it fits.

    Args:
        image: (H, W) uint8 with bright ink, at most 28 × 28.

    Returns:
        (28, 28) uint8.

    """
    row, column = centre_of_mass(image)
    height, width = image.shape
    # MNIST shifts by whole pixels, rounded half up. A centre of mass in row 9.5 needs a shift of 4.5, so of 5 rows;
    # Python's round() would give 4 (half to even).
    top = min(max(math.floor(SIDE / 2 - row + 0.5), 0), SIDE - height)
    left = min(max(math.floor(SIDE / 2 - column + 0.5), 0), SIDE - width)
    canvas: Image = np.zeros((SIDE, SIDE), np.uint8)
    canvas[top : top + height, left : left + width] = image
    return canvas


def is_mnist_like(image: Image) -> bool:
    """Say whether an (H, W) image is already what the recipe produces.

    Such an image passes through unchanged. All 70,000 images of MNIST do.

    Returns:
        True if all of these hold:

        - The image has 28 × 28 pixels.
        - The ink's longest side is 19 or 20 px.
        - The centre of mass is within about half a pixel of (14, 14).
        - The peak is at least 254.
        - At least half of the pixels are exactly 0.

    """
    if image.shape != (SIDE, SIDE):
        return False
    _, _, width, height = cv2.boundingRect(image)
    if not BOX - 1 <= max(width, height) <= BOX:
        return False
    if cv2.minMaxLoc(image)[1] < 254 or cv2.countNonZero(image) > SIDE * SIDE / 2:
        return False
    # whole-pixel shifts leave an offset of up to 0.5; two of MNIST's 70,000 images lie at 0.52
    row, column = centre_of_mass(image)
    return max(abs(row - SIDE / 2), abs(column - SIDE / 2)) <= 0.55
