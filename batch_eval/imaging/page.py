"""How many digits stand in an image: one is read, a page of several must be cut first."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from batch_eval.imaging.steps import Image
from batch_eval.imaging.stroke import CONTOUR

MIN_EXTENT, MIN_AREA = 0.5, 0.15
"""Longest side and area of a piece of ink, in those of the largest, from which it may be a digit of its own."""
GAP = 0.12
"""Distance, in longest sides of the largest piece, below which two pieces belong to one digit, as the bar of a 5."""
MIN_PAGE = 3
"""Number of digits from which an image is a page: two pieces are mostly one digit, written in two strokes.

Chosen by experiment on real digits and sheets; docs/preprocessing.md, "No digit, several digits".
"""


def count_digits(ink: Image) -> int:
    """Return how many separate digits a map of ink, (H, W) uint8, may hold; 0 for an empty one.

    Pieces that are much smaller than the largest do not count: they are dirt, or parts of a digit. Pieces that lie
    close together, or one above the other as the parts of a broken stroke, are one digit.
    """
    mask = cv2.threshold(ink, CONTOUR - 1, 1, cv2.THRESH_BINARY)[1]
    _, _, found, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    boxes = np.asarray(found[1:], np.int32)
    if not len(boxes):
        return 0
    extent, area = boxes[:, 2:4].max(axis=1), boxes[:, cv2.CC_STAT_AREA]
    large = boxes[(extent >= MIN_EXTENT * extent.max()) & (area >= MIN_AREA * area.max())]
    if len(large) == 1:  # as in most images
        return 1
    return _groups(large, GAP * float(extent.max()))


def _groups(boxes: NDArray[np.int32], gap: float) -> int:
    """Return how many groups of boxes (N, 5) there are, of which no two come nearer to each other than ``gap``."""
    left, top = boxes[:, 0], boxes[:, 1]
    right, bottom = left + boxes[:, 2], top + boxes[:, 3]
    across = np.maximum(left[:, None], left) - np.minimum(right[:, None], right)
    down = np.maximum(top[:, None], top) - np.minimum(bottom[:, None], bottom)
    near = (np.maximum(across, down) < gap).astype(np.uint8)
    group = np.arange(len(boxes))
    for _ in boxes:  # each takes the lowest number among its neighbours, until none changes
        lower = np.where(near, group, len(boxes)).min(axis=1)
        if (lower == group).all():
            break
        group = lower
    return len(set(group.tolist()))
