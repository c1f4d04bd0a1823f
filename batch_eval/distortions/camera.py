"""What lens, sensor and file format do to a photo.

Every function takes (H, W) or (H, W, 3) BGR uint8 and returns uint8.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from batch_eval.imaging.filters import shrink
from batch_eval.imaging.steps import Image

GAMMA = 2.2
"""Exponent by which a file's grey levels grow slower than light does. sRGB follows it closely."""
KERNEL = 16
"""Width in pixels above which a blur is computed on a reduced image.

A blurred image has no finer detail, and a filter's time grows with the area of its kernel."""


def focus_blurred(image: Image, level: float, _rng: np.random.Generator) -> Image:
    """Blur as a lens out of focus does. ``level`` is the standard deviation in percent of the longer side.

    A point becomes an even disc. Its standard deviation on each axis is half of its radius.
    """
    return _blurred(image, 4 * _share(image, level), _disc)


def motion_blurred(image: Image, level: float, rng: np.random.Generator) -> Image:
    """Blur as a hand that moves does. ``level`` is the way in percent of the longer side, in any direction."""
    angle = rng.uniform(0, np.pi)
    return _blurred(image, _share(image, level), lambda width: _streak(width, angle))


def _share(image: Image, percent: float) -> float:
    """Return a percentage of an image's longer side, in pixels."""
    return float(percent / 100 * max(image.shape[:2]))


def _blurred(image: Image, width: float, kernel_of: Callable[[float], NDArray[np.float32]]) -> Image:
    """Filter an image with a kernel of a width in pixels."""
    if not width:
        return image.copy()
    height, length = image.shape[:2]
    # Reduce, so that the kernel is at most KERNEL wide; filter; enlarge again.
    scale = min(1.0, KERNEL / width)
    size = max(1, round(length * scale)), max(1, round(height * scale))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA) if scale < 1 else image
    soft = cv2.filter2D(small, -1, kernel_of(width * scale), borderType=cv2.BORDER_REPLICATE)
    return cv2.resize(soft, (length, height), interpolation=cv2.INTER_CUBIC) if scale < 1 else soft


def _disc(width: float) -> NDArray[np.float32]:
    """Return an even disc of a diameter in pixels, its edge anti-aliased, with sum 1."""
    across, down = _grid(width)
    return _normed(np.clip(width / 2 + 0.5 - np.hypot(across, down), 0, 1))


def _streak(width: float, angle: float) -> NDArray[np.float32]:
    """Return a line of a length in pixels through the middle, anti-aliased, with sum 1."""
    across, down = _grid(width)
    along = across * np.cos(angle) + down * np.sin(angle)
    beside = down * np.cos(angle) - across * np.sin(angle)
    beyond = np.maximum(0, np.abs(along) - width / 2)
    return _normed(np.clip(1 - np.hypot(beyond, beside), 0, 1))


def _grid(width: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the coordinates (x, y) of a kernel's cells, 0 in its middle."""
    reach = int(np.ceil(width / 2))
    axis = np.arange(-reach, reach + 1, dtype=np.float64)
    across, down = np.meshgrid(axis, axis)
    return across, down


def _normed(weights: NDArray[np.float64]) -> NDArray[np.float32]:
    return np.asarray(weights / weights.sum(), np.float32)


def noisy(image: Image, level: float, rng: np.random.Generator) -> Image:
    """Add a sensor's noise. ``level`` is its standard deviation in grey levels of 255, in each colour by itself."""
    noise = rng.standard_normal(image.shape, np.float32)
    return clipped(image + np.float32(level) * noise)


def compressed(image: Image, level: float, _rng: np.random.Generator) -> Image:
    """Save as JPEG and open it. ``level`` is libjpeg's quality, 1 to 100."""
    return jpeg(image, round(level))


def jpeg(image: Image, quality: int) -> Image:
    """Save an image as JPEG of a quality, 1 to 100, and open it. Grey stays (H, W)."""
    data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE if image.ndim == 2 else cv2.IMREAD_COLOR), np.uint8)


def reduced(image: Image, level: float, _rng: np.random.Generator) -> Image:
    """Reduce the longer side to ``level`` pixels, as a small file or a far camera does. Smaller images stay."""
    return shrink(image, round(level)).copy()


def darker(image: Image, level: float, _rng: np.random.Generator) -> Image:
    """Expose for too short a time. ``level`` is in EV, the stops of a camera: each halves the light."""
    return _exposed(image, -level)


def brighter(image: Image, level: float, _rng: np.random.Generator) -> Image:
    """Expose for too long. ``level`` is in EV: each doubles the light. What exceeds white is lost."""
    return _exposed(image, level)


def _exposed(image: Image, stops: float) -> Image:
    # light and grey levels are not proportional: half the light is 73 % of the grey level
    table = clipped(np.arange(256, dtype=np.float32) * np.float32(2 ** (stops / GAMMA)))
    return cv2.LUT(image, table)


def tinted(image: Image, level: float, rng: np.random.Generator) -> Image:
    """Balance white wrongly, towards any hue. ``level`` is the percentage that the weakest colour loses."""
    hue = rng.uniform(0, 2 * np.pi)
    # The three colours stand a third of a turn apart on the colour wheel. That opposite to the hue loses most.
    loss = (1 + np.cos(hue + 2 * np.pi * np.arange(3) / 3)) / 2
    colour = image if image.ndim == 3 else cv2.cvtColor(image, cv2.COLOR_GRAY2BGR)
    return clipped(colour * np.asarray(1 - level / 100 * loss / loss.max(), np.float32))


def clipped(values: NDArray[np.number]) -> NDArray[np.uint8]:
    """Round grey levels to uint8."""
    return np.asarray(np.clip(np.rint(values), 0, 255), np.uint8)
