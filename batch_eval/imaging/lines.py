"""Remove printed rules: lined and squared paper, whose lines run through the whole image, and the frames of cells."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from batch_eval.imaging.rules import Rule, find_rules
from batch_eval.imaging.steps import Image

MIN_SIDE = 64
"""Shortest side, in pixels, of an image that can show ruled paper; a smaller one is a cell that was cut from a form."""
MAX_ENLARGED = 4
"""Times its size at which such a cell is looked at; below a quarter of ``MIN_SIDE`` a line is as wide as a stroke."""
MAX_ELONGATION = 2.5
"""Times its shorter side that the longer side of a cell measures; what is narrower is cut to a 1."""
MIN_STRENGTH = 5.0
"""Grey levels by which a rule stands out from the paper."""
MIN_DARKER = 25
"""Grey levels by which a stroke is darker than most of a rule that it crosses, in each row of the rule by itself."""
RULE_WIDTH, FRAME_WIDTH = 1 / 16, 1 / 8
"""Width, as a share of the image, of the thickest rule and, in a cell, of the thickest line of its frame."""
NEAR_BORDER = 0.2
"""Distance from a border, as a share of the image, within which the lines of a cell's frame run."""
MIN_SHADE, MIN_COVERED = 0.15, 0.85
"""Share of the darkest ink's tone that such a line has at least, and of its row that it covers."""
MAX_BARS = 3
"""Straight strokes from border to border that a digit has, as a 4 or a crossed 7; more are a frame."""
MIN_STROKE = 0.2
"""Extent, as a share of the image's longest side, of the strokes that a digit has beside its bars."""
MAX_DARKER = 1.35
"""Times the tone of a digit's bar that its other strokes have at most."""
MAX_TOUCH = 0.75
"""Share of a border that the strokes of a digit cover which is cut off there."""
MAX_OFF_CENTRE = 0.05
"""Distance between the middles of an image and of the digit around which somebody has made it square, as a share."""
MAX_STEM_END = 0.13
"""Distance, as a share of its length, from the nearer end of such a digit's stem to its other strokes."""
MIN_STEM = 64.0
"""Tone of a stem that is all of a digit, a 1 without a flag; a fold is paler."""
MIN_TOUCHED = 3
"""Borders that the strokes of a digit reach where its bar stands apart from them."""
_ACROSS = np.ones((1, 3), np.uint8), np.ones((3, 1), np.uint8)  # a line that is a little turned runs through three rows


def remove_lines(ink: Image, *, strength: float = MIN_STRENGTH) -> Image:
    """Erase the horizontal and vertical rules of a (H, W) uint8 ink map and keep the strokes that cross them.

    Each rule has a slope of its own, for a sheet is seen in perspective. What is no darker than the rule is erased
    along it, row by row, for a rule is palest at its edges; a stroke that crosses it is darker, and the gap that it may
    leave is closed. Where an image is cut close to its digit, a stroke of the digit itself may run from border to
    border, and stays. An image below 64 px shows the cell of a form rather than ruled paper, and loses lines along its
    borders only. ``strength`` is by how many grey levels a rule must stand out from the paper.
    """
    if min(ink.shape) < MIN_SIDE:
        return _without_frame(ink, strength)
    return _without(ink, *find_rules(ink, strength, RULE_WIDTH))


def _without_frame(ink: Image, strength: float) -> Image:
    """Erase the lines along the borders of a small (H, W) ink map: what is left of the frame of a form's cell."""
    scale = MIN_SIDE / min(ink.shape)
    if scale > MAX_ENLARGED or max(ink.shape) > MAX_ELONGATION * min(ink.shape) or not _may_be_framed(ink, strength):
        return ink
    large = cv2.resize(ink, None, fx=scale, fy=scale, interpolation=cv2.INTER_LINEAR)
    level, upright = find_rules(large, strength, FRAME_WIDTH)
    rest = _without(large, _near_borders(level, large.shape[0]), _near_borders(upright, large.shape[1]))
    return ink if rest is large else cv2.resize(rest, ink.shape[::-1], interpolation=cv2.INTER_AREA)


def _may_be_framed(ink: Image, strength: float) -> bool:
    """Say whether any row or column near the borders of a small ink map is inked over most of its length: cheap."""
    mask = cv2.threshold(ink, max(strength, MIN_SHADE * cv2.minMaxLoc(ink)[1]), 255, cv2.THRESH_BINARY)[1]
    _, _, *extent = cv2.boundingRect(mask)
    for axis, side in ((1, extent[0] / ink.shape[1]), (0, extent[1] / ink.shape[0])):
        if side <= MIN_COVERED:
            continue
        inked = cv2.reduce(cv2.dilate(mask, _ACROSS[axis]), axis, cv2.REDUCE_AVG).ravel().tolist()
        near = int(NEAR_BORDER * len(inked)) + 1
        if max(*inked[:near], *inked[-near:]) > 255 * MIN_COVERED:
            return True
    return False


def _near_borders(rules: list[Rule], height: int) -> list[Rule]:
    """Return the rules that run along the first or the last row, all the way."""
    near = NEAR_BORDER * height
    return [rule for rule in rules if max(rule.rows) < near or min(rule.rows) > height - near]


def _without(ink: Image, level: list[Rule], upright: list[Rule]) -> Image:
    """Return an ink map without these rules, or the same one where they are none or strokes of the digit."""
    if not level and not upright:
        return ink
    rest = _erase(ink, level)
    if upright:
        rest = cv2.transpose(_erase(cv2.transpose(rest), upright))
    return ink if _are_bars(ink, rest, level, upright) else rest


def _are_bars(ink: Image, rest: Image, level: list[Rule], upright: list[Rule]) -> bool:
    """Say whether the rules of an ink map, without which ``rest`` is left, are strokes of its digit.

    They are where the image is cut close to the digit: bars and strokes hang together or the strokes alone reach three
    borders, all of them together touch all four, the strokes at few pixels as strokes do, and they are no darker than
    the bars, as ink is on printed lines. Or it is made square: a single stem touches two borders, all ink lies midway
    between the other two, and other strokes, if there are any, begin near one of the stem's ends.
    """
    if len(level) + len(upright) > MAX_BARS:
        return False
    floor = 0.5 * min(rule.tone for rule in level + upright)
    bars, strokes = (rest == 0) & (ink > floor), rest > floor
    if not bars.any():
        return False
    across, along = (0, 1) if upright else (1, 0)  # a stem, as left and top are counted
    stem = len(level) + len(upright) == 1 and _is_central(bars | strokes, across)
    pieces = cv2.connectedComponentsWithStats(strokes.view(np.uint8))[2][1:]
    if pieces[:, cv2.CC_STAT_WIDTH : cv2.CC_STAT_AREA].max(initial=0) < MIN_STROKE * max(ink.shape):
        return bool(stem and upright and upright[0].tone >= MIN_STEM)
    if np.percentile(rest[strokes], 75) > MAX_DARKER * np.percentile(ink[bars], 75):
        return False
    depth = max(2, min(ink.shape) // 20)
    sides = [(side[:depth], side[-depth:]) for side in (strokes, strokes.T)]
    touched = np.array([[end.any(axis=0).mean() for end in side] for side in sides])
    if np.count_nonzero(touched) < MIN_TOUCHED and not _hang_together(bars, strokes):
        return False
    if touched.max() > MAX_TOUCH:
        return False
    # beside a line that is printed in the middle of a photo, the digit's strokes end before the borders
    if stem and _reaches_end(pieces, along, ink.shape[across]):
        return True
    by_bars = np.array([_ends(level, len(ink)) | bool(upright), _ends(upright, ink.shape[1]) | bool(level)])
    return bool(touched.max() > 0 and ((touched > 0) | by_bars).all())


def _is_central(mask: NDArray[np.bool_], across: int) -> bool:
    """Say whether a mask has margins of the same width on its left and its right (0), or above and below (1)."""
    bounds, side = cv2.boundingRect(mask.view(np.uint8)), mask.shape[1 - across]
    return bool(abs(2 * bounds[across] + bounds[2 + across] - side) <= 2 * MAX_OFF_CENTRE * side)


def _hang_together(bars: NDArray[np.bool_], strokes: NDArray[np.bool_]) -> bool:
    """Say whether most of the bars belongs to the same connected piece as most of the strokes."""
    count, labels = cv2.connectedComponents((bars | strokes).view(np.uint8))
    main = np.bincount(labels[strokes], minlength=count).argmax()
    return bool(np.mean(labels[bars] == main) >= 0.5)


def _reaches_end(pieces: Image, along: int, length: int) -> bool:
    """Say whether the largest piece, of OpenCV's measures of some, comes near an end of a stem of this length."""
    largest = pieces[pieces[:, cv2.CC_STAT_AREA].argmax()]
    start, stop = int(largest[along]), int(largest[along] + largest[2 + along])
    return start < MAX_STEM_END * length or stop > (1 - MAX_STEM_END) * length


def _ends(rules: list[Rule], height: int) -> NDArray[np.bool_]:
    """(2,) whether one of some rules from left to right lies along the first row and along the last."""
    first = any(min(rule.rows) <= rule.thickness for rule in rules)
    return np.array([first, any(max(rule.rows) >= height - 1 - rule.thickness for rule in rules)])


def _erase(ink: Image, rules: list[Rule]) -> Image:
    """Set to 0 what is no darker than the rules along them, and close the gaps that this leaves in strokes.

    Each row of a rule's profile has a level of its own; what its blur may cover beyond has the lowest of them.
    """
    if not rules:
        return ink
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
