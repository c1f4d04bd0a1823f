"""How the camera is held: turned, tilted, shifted, too close.

Where the photo shows more than before, it shows more paper.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from batch_eval.imaging.filters import shrink
from batch_eval.imaging.steps import Image

PAPER_SIDE = 64
"""Longer side, in pixels, at which the paper around the digit is looked for."""
DISTANCE = 2.0
"""Distance of the camera from the paper. Unit: the longer side of what the photo shows."""


def turned(image: Image, level: float, rng: np.random.Generator) -> Image:
    """Turn by ``level`` degrees, clockwise or anticlockwise."""
    sign = rng.choice((-1, 1))
    turn = np.vstack([cv2.getRotationMatrix2D(_middle(image), sign * level, 1), [0, 0, 1]])
    return _moved(image, turn)


def tilted(image: Image, level: float, rng: np.random.Generator) -> Image:
    """Look at the paper from ``level`` degrees beside the vertical, from any side."""
    side, (x, y) = rng.uniform(0, 2 * np.pi), _middle(image)
    axis = np.array([np.cos(side), np.sin(side), 0]) * np.radians(level)
    rotation = cv2.Rodrigues(axis)[0]
    # A pinhole camera above the middle. The paper's points have depth 0, so the third column plays no part.
    view = rotation.copy()
    view[:, 2] = 0, 0, 1
    view[2, :2] /= DISTANCE * max(image.shape[:2])
    return _moved(image, _shift(x, y) @ view @ _shift(-x, -y))


def shifted(image: Image, level: float, rng: np.random.Generator) -> Image:
    """Shift by ``level`` percent of the longer side, in any direction."""
    way, distance = rng.uniform(0, 2 * np.pi), level / 100 * max(image.shape[:2])
    return _moved(image, _shift(distance * np.cos(way), distance * np.sin(way)))


def cropped(image: Image, level: float, _rng: np.random.Generator) -> Image:
    """Cut ``level`` percent of the height off above and below, and of the width at both sides."""
    height, width = image.shape[:2]
    rows, columns = (
        min(round(level / 100 * height), (height - 1) // 2),
        min(round(level / 100 * width), (width - 1) // 2),
    )
    return np.ascontiguousarray(image[rows : height - rows, columns : width - columns])


def _middle(image: Image) -> tuple[float, float]:
    return (image.shape[1] - 1) / 2, (image.shape[0] - 1) / 2


def _shift(x: float, y: float) -> NDArray[np.float64]:
    return np.array([[1, 0, x], [0, 1, y], [0, 0, 1]], np.float64)


def _moved(image: Image, matrix: NDArray[np.float64]) -> Image:
    """Map an image, and continue its paper where there was no image."""
    size = image.shape[1], image.shape[0]
    # The paper is drawn first, then the photo over it. Pixels outside of the photo keep the paper.
    ground = cv2.warpPerspective(_paper(image), matrix, size, borderMode=cv2.BORDER_REPLICATE)
    return cv2.warpPerspective(image, matrix, size, dst=ground, borderMode=cv2.BORDER_TRANSPARENT)


def _paper(image: Image) -> Image:
    """Return the photo without its ink: the median of a wide window, of which strokes fill less than half."""
    coarse = shrink(image, PAPER_SIDE)
    window = max(coarse.shape[:2]) // 4 * 2 + 1
    return cv2.resize(cv2.medianBlur(coarse, window), (image.shape[1], image.shape[0]))
