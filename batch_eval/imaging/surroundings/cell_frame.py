"""Is a small image the cell of a form, with lines along its borders? They are erased.

Measured by the table "Digits in the cells of forms" of docs/preprocessing.md.
"""

from __future__ import annotations

import cv2
import numpy as np

from batch_eval.imaging.steps import Image
from batch_eval.imaging.surroundings.erasing import erase_rules
from batch_eval.imaging.surroundings.rules import Rule, find_rules

# Chosen by experiment on that table.
MIN_SIDE = 64
"""Minimum shorter side of ruled paper, in pixels. A smaller image is the cell of a form."""
MAX_ENLARGED = 4
"""Maximum factor to enlarge a cell by. In a smaller one, a line is as wide as a stroke."""
MAX_ELONGATION = 2.5
"""Maximum ratio of the longer to the shorter side of a cell. A narrower image is a tight crop of a 1."""
FRAME_WIDTH = 1 / 8
"""Maximum width of a frame's line. Unit: the image's height or width."""
FRAME_DEPTH = 0.2
"""Maximum distance of a frame's line from the border, in the same unit."""
MIN_FRAME_TONE = 0.15
"""Minimum tone of a frame's line. Unit: the darkest ink's tone."""
MIN_COVERED = 0.85
"""Minimum fraction of its row that a frame's line covers."""
_ACROSS = np.ones((1, 3), np.uint8), np.ones((3, 1), np.uint8)  # a slightly turned line runs through three rows


def remove_frame(ink: Image, strength: float) -> Image:
    """Erase the lines along the borders of a small ink map."""
    scale = MIN_SIDE / min(ink.shape)
    if scale > MAX_ENLARGED or max(ink.shape) > MAX_ELONGATION * min(ink.shape) or not _may_be_framed(ink, strength):
        return ink
    large = cv2.resize(ink, None, fx=scale, fy=scale, interpolation=cv2.INTER_LINEAR)
    horizontal, vertical = find_rules(large, strength, FRAME_WIDTH)
    height, width = large.shape
    rest = erase_rules(large, _near_borders(horizontal, height), _near_borders(vertical, width))
    return ink if rest is large else cv2.resize(rest, ink.shape[::-1], interpolation=cv2.INTER_AREA)


def _may_be_framed(ink: Image, strength: float) -> bool:
    """Say whether a row or column near the borders is inked over most of its length.

    The check is cheap and saves most small images the search for rules.
    """
    mask = cv2.threshold(ink, max(strength, MIN_FRAME_TONE * cv2.minMaxLoc(ink)[1]), 255, cv2.THRESH_BINARY)[1]
    _, _, *extent = cv2.boundingRect(mask)
    for axis, side in ((1, extent[0] / ink.shape[1]), (0, extent[1] / ink.shape[0])):
        if side <= MIN_COVERED:
            continue
        inked = cv2.reduce(cv2.dilate(mask, _ACROSS[axis]), axis, cv2.REDUCE_AVG).ravel().tolist()
        near = int(FRAME_DEPTH * len(inked)) + 1
        if max(*inked[:near], *inked[-near:]) > 255 * MIN_COVERED:
            return True
    return False


def _near_borders(rules: list[Rule], height: int) -> list[Rule]:
    """Return the rules whose whole length is near the first or the last row."""
    near = FRAME_DEPTH * height
    return [rule for rule in rules if max(rule.rows) < near or min(rule.rows) > height - near]
