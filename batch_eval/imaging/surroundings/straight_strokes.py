"""Are straight lines from border to border printed, or strokes of the digit?

A bar is a straight stroke of the digit from border to border; a stem is a bar that is alone. Measured by the rows
"photo, tight crop" and "photo, square crop" of docs/preprocessing.md.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from batch_eval.imaging.steps import Image, percentile
from batch_eval.imaging.surroundings.rules import Rule

# Chosen by experiment on those rows.
MAX_BARS = 3
"""Maximum number of bars in a digit, as in a 4 or a crossed 7. More are a frame."""
MIN_STROKE = 0.2
"""Minimum extent of a digit's other strokes. Unit: the longest side."""
MAX_DARKER = 1.35
"""Maximum tone of a digit's other strokes. Unit: the tone of its bars."""
MAX_TOUCH = 0.75
"""Maximum fraction of a border that the strokes of a digit cover."""
MAX_OFF_CENTRE = 0.05
"""Maximum offset of a digit in its square crop. Unit: the side."""
MAX_STEM_END = 0.13
"""Maximum distance of other strokes from the nearer end of a stem. Unit: the stem's length."""
MIN_STEM_TONE = 64.0
"""Minimum tone of a stem that is the whole digit, a plain 1. A fold is paler."""
MIN_TOUCHED = 3
"""Minimum number of borders that strokes reach if the bar does not touch them."""


def are_strokes(ink: Image, rest: Image, horizontal: list[Rule], vertical: list[Rule]) -> bool:
    """Say whether the rules are strokes of the digit. ``rest`` is the ink map without them.

    Other strokes are about as dark as a bar of the digit. On a printed line they are darker.

    Returns:
        True for a tight crop, if all of these hold:

        - Bars and strokes are connected, or the strokes alone reach three borders.
        - Together they touch all four borders, the strokes at few pixels.

        True for a square crop, if all of these hold:

        - A single stem touches two borders. All ink is midway between the other two.
        - Other strokes, if any, start near an end of the stem.

    """
    if len(horizontal) + len(vertical) > MAX_BARS:
        return False
    floor = 0.5 * min(rule.tone for rule in horizontal + vertical)
    bars, strokes = (rest == 0) & (ink > floor), rest > floor
    if not bars.any():
        return False
    across, along = (0, 1) if vertical else (1, 0)  # indices of OpenCV's (left, top), seen from a stem
    stem = len(horizontal) + len(vertical) == 1 and _is_central(bars | strokes, across)
    components = cv2.connectedComponentsWithStats(strokes.view(np.uint8))[2][1:]
    if components[:, cv2.CC_STAT_WIDTH : cv2.CC_STAT_AREA].max(initial=0) < MIN_STROKE * max(ink.shape):
        return bool(stem and vertical and vertical[0].tone >= MIN_STEM_TONE)
    if percentile(rest[strokes], 75) > MAX_DARKER * percentile(ink[bars], 75):
        return False
    # touched: for (top, bottom) and (left, right), the fraction of the border that strokes cover
    depth = max(2, min(ink.shape) // 20)
    sides = [(side[:depth], side[-depth:]) for side in (strokes, strokes.T)]
    touched = np.array([[end.any(axis=0).mean() for end in side] for side in sides])
    if np.count_nonzero(touched) < MIN_TOUCHED and not _are_connected(bars, strokes):
        return False
    if touched.max() > MAX_TOUCH:
        return False
    # strokes beside a printed line in the middle of a photo end before the borders
    if stem and _reaches_end(components, along, ink.shape[across]):
        return True
    by_bars = np.array(
        [_touches_ends(horizontal, len(ink)) | bool(vertical), _touches_ends(vertical, ink.shape[1]) | bool(horizontal)]
    )
    return bool(touched.max() > 0 and ((touched > 0) | by_bars).all())


def _is_central(mask: NDArray[np.bool_], across: int) -> bool:
    """Say whether a mask's margins left and right are equal; with ``across`` 1, above and below."""
    bounds, side = cv2.boundingRect(mask.view(np.uint8)), mask.shape[1 - across]
    return bool(abs(2 * bounds[across] + bounds[2 + across] - side) <= 2 * MAX_OFF_CENTRE * side)


def _are_connected(bars: NDArray[np.bool_], strokes: NDArray[np.bool_]) -> bool:
    """Say whether half of the bars belongs to the component with most of the strokes."""
    count, labels = cv2.connectedComponents((bars | strokes).view(np.uint8))
    main = np.bincount(labels[strokes], minlength=count).argmax()
    return bool(np.mean(labels[bars] == main) >= 0.5)


def _reaches_end(components: Image, along: int, length: int) -> bool:
    """Say whether the largest component is near an end of a stem of this length."""
    largest = components[components[:, cv2.CC_STAT_AREA].argmax()]
    start, stop = int(largest[along]), int(largest[along] + largest[2 + along])
    return start < MAX_STEM_END * length or stop > (1 - MAX_STEM_END) * length


def _touches_ends(rules: list[Rule], height: int) -> NDArray[np.bool_]:
    """(2,) whether a horizontal rule touches the first row, and the last."""
    first = any(min(rule.rows) <= rule.thickness for rule in rules)
    return np.array([first, any(max(rule.rows) >= height - 1 - rule.thickness for rule in rules)])
