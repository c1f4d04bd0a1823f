"""Remove printed rules: lined and squared paper, and the frames of form cells."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from batch_eval.imaging.rules import Rule, find_rules
from batch_eval.imaging.steps import Image

# Thresholds of rules: chosen by experiment; docs/preprocessing.md, row "photo without `lines`".
MIN_STRENGTH = 5.0
"""Minimum grey levels by which a rule stands out from the paper."""
MIN_DARKER = 25
"""Minimum grey levels by which a stroke is darker than a row of a rule."""
RULE_WIDTH = 1 / 16
"""Maximum width of a rule. Unit: the image's height or width."""

# Thresholds of small images: chosen by experiment; docs/preprocessing.md, the table of form cells.
MIN_SIDE = 64
"""Minimum shorter side of ruled paper, in pixels. A smaller image is the cell of a form."""
MAX_ENLARGED = 4
"""Maximum factor to enlarge a cell by. In a smaller one, a line is as wide as a stroke."""
MAX_ELONGATION = 2.5
"""Maximum ratio of the longer to the shorter side of a cell. A narrower image is a tight crop of a 1."""
FRAME_WIDTH = 1 / 8
"""Maximum width of a frame's line, in the same unit as ``RULE_WIDTH``."""
FRAME_DEPTH = 0.2
"""Maximum distance of a frame's line from the border, in the same unit."""
MIN_FRAME_TONE = 0.15
"""Minimum tone of a frame's line. Unit: the darkest ink's tone."""
MIN_COVERED = 0.85
"""Minimum fraction of its row that a frame's line covers."""

# A bar is a straight stroke of the digit from border to border; a stem is a bar that is alone. Their thresholds: chosen
# by experiment; docs/preprocessing.md, rows of tight and square crops.
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
_ACROSS = np.ones((1, 3), np.uint8), np.ones((3, 1), np.uint8)  # a slightly turned line runs through three rows


def remove_lines(ink: Image, *, strength: float = MIN_STRENGTH) -> Image:
    """Erase the horizontal and vertical rules of an ink map; keep the strokes that cross them.

    Each rule has its own slope, since photos show sheets in perspective. In a tight crop, a straight stroke of the
    digit may run from border to border. It stays. An image below 64 px is the cell of a form. It loses lines along its
    borders only.

    Args:
        ink: (H, W) uint8.
        strength: Minimum grey levels by which a rule stands out from the paper.

    Returns:
        (H, W) uint8.

    """
    if min(ink.shape) < MIN_SIDE:
        return _remove_frame(ink, strength)
    return _remove_rules(ink, *find_rules(ink, strength, RULE_WIDTH))


def _remove_frame(ink: Image, strength: float) -> Image:
    """Erase the lines along the borders of a small ink map."""
    scale = MIN_SIDE / min(ink.shape)
    if scale > MAX_ENLARGED or max(ink.shape) > MAX_ELONGATION * min(ink.shape) or not _may_be_framed(ink, strength):
        return ink
    large = cv2.resize(ink, None, fx=scale, fy=scale, interpolation=cv2.INTER_LINEAR)
    horizontal, vertical = find_rules(large, strength, FRAME_WIDTH)
    height, width = large.shape
    rest = _remove_rules(large, _near_borders(horizontal, height), _near_borders(vertical, width))
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


def _remove_rules(ink: Image, horizontal: list[Rule], vertical: list[Rule]) -> Image:
    """Return an ink map without these rules. If they are strokes of the digit, return the same object."""
    if not horizontal and not vertical:
        return ink
    rest = _erase(ink, horizontal)
    if vertical:
        rest = cv2.transpose(_erase(cv2.transpose(rest), vertical))
    return ink if _are_strokes(ink, rest, horizontal, vertical) else rest


def _are_strokes(ink: Image, rest: Image, horizontal: list[Rule], vertical: list[Rule]) -> bool:
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
    if np.percentile(rest[strokes], 75) > MAX_DARKER * np.percentile(ink[bars], 75):
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


def _erase(ink: Image, rules: list[Rule]) -> Image:
    """Set to 0 what is no darker than the rules, and close the gaps in strokes."""
    if not rules:
        return ink
    # `exceed` holds the tone that ink must exceed to stay. A rule is palest at its edges, so each of its rows has its
    # own level. Rows that only blur may cover get the lowest. Example: the profile 20 60 20 gets the levels 45 85 45,
    # so a stroke of tone 90 stays in all rows.
    exceed: Image = np.zeros_like(ink)
    right = ink.shape[1] - 1
    for rule in rules:
        highest = min(255, 1.6 * rule.tone + 8)
        levels = [min(tone + MIN_DARKER, highest) for tone in rule.profile]
        cv2.line(exceed, (0, rule.first), (right, rule.last), min(levels), rule.thickness)
        for offset, level in enumerate(levels, -(len(levels) // 2)):
            cv2.line(exceed, (0, rule.first + offset), (right, rule.last + offset), level)
    faint: Image = ((exceed > 0) & (ink <= exceed)).astype(np.uint8) * 255
    erased = cv2.subtract(ink, faint)
    closed = cv2.morphologyEx(erased, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    return cv2.copyTo(closed, faint, erased)
