"""Is a digit in a printed box, or in a ring that was drawn around it?

Measured by the row "photo without `digit`" and the table of form cells in docs/preprocessing.md.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from batch_eval.imaging.components import Components
from batch_eval.imaging.filters import NEIGHBOURS, edge_bands
from batch_eval.imaging.steps import Image

# Chosen by experiment on those rows.
MIN_IN_BOX = 0.25
"""Minimum extent of a digit. Unit: the extent of its box or ring."""
BOX_DEPTH = 0.15
"""Depth of the band that holds a box's line. Unit: the box's shorter side.

The lines of a slightly turned box stay within it.
"""
MIN_STRAIGHT = 0.9
"""Minimum fraction of each side that has ink. A digit is rounder."""
MAX_BOX_LINE = 0.45
"""Maximum thickness of a box's line. Unit: the band's depth. Strokes are thicker."""
MAX_CROSSING = 0.85
"""Maximum width of a digit that touches its box. Unit: the box's width."""
MIN_RING_ASPECT = 0.7
"""Minimum ratio of the shorter to the longer side of a ring."""
MIN_HOLE = 0.5
"""Minimum area of a ring's hole. Unit: the area of the bounding box. A circle has 0.79 less its line."""


def find_box(components: Components) -> Image | None:
    """Return a mask of the box that is printed around a digit.

    A box is the largest component. It has thin straight ink along all four sides, and other ink inside. The bar of an
    angular 8 runs from side to side; a digit in a box does not.

    Returns:
        (H, W) uint8, 255 on the box; None if there is none.

    """
    box = components.largest
    x, y, width, height, _ = components.stats[box].tolist()
    depth = round(BOX_DEPTH * min(width, height))
    bounds = components.labels[y : y + height, x : x + width]
    inked = bounds == box
    bands = edge_bands(inked, depth)
    if depth == 0 or any(np.count_nonzero(band.any(axis=0)) < MIN_STRAIGHT * band.shape[1] for band in bands):
        return None
    if _longest_side(bounds[depth:-depth, depth:-depth] > 0) < MIN_IN_BOX * components.extent[box]:
        return None
    mask: Image = np.zeros(components.shape, np.uint8)
    own = mask[components.inside][y : y + height, x : x + width]
    # erase each line from outside in, as thick as it mostly is: what is thicker somewhere is a stroke that touches it
    for band, erased in zip(bands, edge_bands(own, depth), strict=True):
        thickness = np.median(np.count_nonzero(band, axis=0))
        if thickness > MAX_BOX_LINE * depth:
            return None
        erased[np.arange(depth)[:, None] <= band.argmax(axis=0) + thickness] = 255
    touching = cv2.boundingRect((inked & (own == 0)).view(np.uint8))[2]
    return mask if touching < MAX_CROSSING * width else None


def find_ring(components: Components) -> Image | None:
    """Return a mask of the ring that is drawn around a digit.

    A ring is the largest component and about as wide as high. Its hole fills most of it. Another component of a digit's
    size is in the hole. A 0 is taller, and a slash in it touches it.

    Returns:
        (H, W) uint8, 255 on the ring; None if there is none.

    """
    ring = components.largest
    _, _, width, height, _ = components.stats[ring].tolist()
    within = components.extent >= MIN_IN_BOX * components.extent[ring]
    for starts, ends in ((components.left, components.right), (components.top, components.bottom)):
        within &= (starts > starts[ring]) & (ends < ends[ring])
    within[0] = False
    if not within.any() or min(width, height) < MIN_RING_ASPECT * max(width, height):
        return None
    own = (components.labels == ring).astype(np.uint8)
    contours, tree = cv2.findContours(own, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    holes = [contour for contour, (*_, parent) in zip(contours, tree[0], strict=True) if parent >= 0]
    hole = max(holes, key=cv2.contourArea, default=None)
    if hole is None or cv2.contourArea(hole) < MIN_HOLE * width * height:
        return None
    held = cv2.drawContours(np.zeros_like(own), [hole], -1, 1, cv2.FILLED) > own
    if not within[components.labels[held]].any():
        return None
    mask: Image = np.zeros(components.shape, np.uint8)
    mask[components.inside] = own * np.uint8(255)
    return cv2.dilate(mask, NEIGHBOURS)


def _longest_side(mask: NDArray[np.bool_]) -> int:
    """Return the longest side of a mask's bounding box, in pixels."""
    return max(cv2.boundingRect(mask.astype(np.uint8))[2:])
