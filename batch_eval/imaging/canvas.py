"""Crop a large canvas of one tone to the small thing that stands on it."""

from __future__ import annotations

import cv2
import numpy as np

from batch_eval.imaging.steps import MIN_CONTRAST, Image

# Chosen by experiment; docs/preprocessing.md, rows "photo, 30 px on 800 × 600".
MIN_EVEN = 0.9
"""Minimum fraction of the border that has exactly one tone. Paper has grain."""
MAX_SHARE = 0.25
"""Maximum longest side of what stands on the canvas. Unit: the canvas's longest side. More is seen well as it is."""
MIN_SIDE = 8
"""Minimum longest side, in pixels, of what may be a digit rather than a dot."""
ROOM = 0.75
"""Width of the canvas to keep around it. Unit: its longest side."""


def crop_canvas(image: Image) -> Image:
    """Crop a canvas to what stands on it, if that is small, and keep some canvas around it.

    Drawing programs save digits of 20 to 40 px on canvases of 800 × 600, which other steps would shrink to specks. A
    photo is no such canvas: its border has light and grain.

    Args:
        image: (H, W) or (H, W, 3) BGR uint8.

    Returns:
        The crop, a view; the whole image if nothing or something large stands on it.

    """
    lines = (image[0], image[-1], image[:, 0], image[:, -1])
    border = np.concatenate(lines).reshape(-1, image[0, 0].size)
    tone = np.median(border, axis=0)
    if (border == tone).all(axis=1).mean() < MIN_EVEN:
        return image
    near = cv2.inRange(image, tone - MIN_CONTRAST, tone + MIN_CONTRAST)
    x, y, width, height = cv2.boundingRect(cv2.bitwise_not(near))
    extent = max(width, height)
    if not MIN_SIDE <= extent <= MAX_SHARE * max(image.shape[:2]):
        return image
    room = round(ROOM * extent)
    return image[max(0, y - room) : y + height + room, max(0, x - room) : x + width + room]
