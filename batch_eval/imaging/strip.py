"""One picture of every preprocessing step with its name, so that a person sees where it went wrong."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np

from batch_eval.imaging.steps import Image

TILE = 168
"""Side of each step's tile, in pixels, unless told."""
CAPTION = 22
"""Height of the name below it, in pixels."""
PAPER, TEXT = (250, 250, 250), (40, 40, 40)


def strip(stages: Iterable[tuple[str, Image]], tile: int = TILE) -> Image:
    """Return (tile + CAPTION, n · tile, 3) BGR uint8: the images side by side, each fitted into a tile above its name.

    Images are (H, W) or (H, W, 3) BGR uint8 of any size; small ones are enlarged without smoothing, so that each of
    their pixels can be seen.
    """
    return np.hstack([_tile(name, image, tile) for name, image in stages])


def _tile(name: str, image: Image, side: int) -> Image:
    """Return one (side + CAPTION, side, 3) tile."""
    inside = side - 8
    height, width = image.shape[:2]
    scale = inside / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    fitted = cv2.resize(image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_NEAREST)
    if fitted.ndim == 2:
        fitted = cv2.cvtColor(fitted, cv2.COLOR_GRAY2BGR)
    tile: Image = np.full((side + CAPTION, side, 3), PAPER, np.uint8)
    top, left = (side - size[1]) // 2, (side - size[0]) // 2
    tile[top : top + size[1], left : left + size[0]] = fitted
    cv2.putText(tile, name, (6, side + 15), cv2.FONT_HERSHEY_SIMPLEX, 0.45, TEXT, 1, cv2.LINE_AA)
    return tile
