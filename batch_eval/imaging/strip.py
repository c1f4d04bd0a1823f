"""Draw a strip: every preprocessing step side by side, with its name."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np

from batch_eval.imaging.steps import Image

TILE = 168
"""Default side of a step's tile, in pixels."""
CAPTION = 22
"""Height of the name below a tile, in pixels."""
PAPER, TEXT = (250, 250, 250), (40, 40, 40)  # BGR


def strip(stages: Iterable[tuple[str, Image]], tile: int = TILE) -> Image:
    """Draw the steps side by side, each fitted into a tile above its name.

    Args:
        stages: Name and image of each step, (H, W) or (H, W, 3) BGR uint8.
        tile: Side of a tile, in pixels.

    Returns:
        (tile + CAPTION, n · tile, 3) BGR uint8.

    """
    return np.hstack([_tile(name, image, tile) for name, image in stages])


def _tile(name: str, image: Image, side: int) -> Image:
    """Return one (side + CAPTION, side, 3) tile."""
    inside = side - 8
    height, width = image.shape[:2]
    scale = inside / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    # enlarged without smoothing, so that single pixels can be seen
    fitted = cv2.resize(image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_NEAREST)
    if fitted.ndim == 2:
        fitted = cv2.cvtColor(fitted, cv2.COLOR_GRAY2BGR)
    tile: Image = np.full((side + CAPTION, side, 3), PAPER, np.uint8)
    top, left = (side - size[1]) // 2, (side - size[0]) // 2
    tile[top : top + size[1], left : left + size[0]] = fitted
    cv2.putText(tile, name, (6, side + 15), cv2.FONT_HERSHEY_SIMPLEX, 0.45, TEXT, 1, cv2.LINE_AA)
    return tile
