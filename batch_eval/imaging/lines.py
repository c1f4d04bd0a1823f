"""Find and remove printed rules: lined and squared paper, whose lines run through the whole image."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from batch_eval.imaging.ink import paper_noise
from batch_eval.imaging.steps import Image

SLOPES = np.tan(np.deg2rad(np.arange(-9, 9.25, 0.75)))
"""The slopes that are tried, as vertical pixels for each horizontal one: sheets are rarely turned further."""
SEGMENTS = 20
"""Pieces into which a row is cut; a rule is seen in most of them, a stroke only in a few."""
MIN_VOTES = 14
"""Pieces that must be inked to make a row a rule."""
MIN_SIDE = 64
"""Shortest side, in pixels, of an image that can show ruled paper."""
MIN_STRENGTH = 5.0
"""Grey levels by which a rule stands out from the paper."""
MAX_BARS = 2
"""Bars in one direction that a digit has, or one that is thick enough to be found twice."""
MIN_STROKE = 0.25
"""Extent, as a share of the image's longest side, of the strokes that a digit has beside its bars."""
MAX_DARKER = 1.35
"""Times the tone of a digit's bar that its other strokes have at most."""
MAX_TOUCH = 0.4
"""Share of a border that the strokes of a digit cover which is cut off there."""
MAX_RULES = 60
"""Rules looked for in one direction."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A line from the left border at row ``first`` to the right one at row ``last``; ``tone`` in the ink's levels."""

    first: int
    last: int
    tone: float
    thickness: int


def remove_lines(ink: Image, *, strength: float = MIN_STRENGTH) -> Image:
    """Erase the horizontal and vertical rules of a (H, W) uint8 ink map and keep the strokes that cross them.

    Each rule has a slope of its own, for a sheet is seen in perspective. What is no darker than the rule is erased
    along it; a stroke that crosses it is darker, and the gap that it may leave is closed. Where an image is cut close
    to its digit, a bar of the digit itself may run from border to border, and stays. ``strength`` is by how many grey
    levels a rule must stand out from the paper.
    """
    if min(ink.shape) < MIN_SIDE:
        return ink
    level, upright = find_rules(ink, strength), find_rules(cv2.transpose(ink), strength)
    rest = _erase(ink, level)
    if upright:
        rest = cv2.transpose(_erase(cv2.transpose(rest), upright))
    return ink if _are_bars(ink, rest, level, upright) else rest


def _are_bars(ink: Image, rest: Image, level: list[Rule], upright: list[Rule]) -> bool:
    """Say whether the rules of an ink map, without which ``rest`` is left, are strokes of its digit.

    They are where the image is cut close to the digit: together they touch all borders, the rest at few pixels as
    strokes do, and the rest is no darker than they are, as ink is on printed lines.
    """
    if not 0 < max(len(level), len(upright)) <= MAX_BARS:
        return False
    floor = 0.5 * min(rule.tone for rule in level + upright)
    bars, strokes = (rest == 0) & (ink > floor), rest > floor
    if not bars.any() or _longest(strokes) < MIN_STROKE * max(ink.shape):
        return False
    if np.percentile(rest[strokes], 75) > MAX_DARKER * np.percentile(ink[bars], 75):
        return False
    depth = max(2, min(ink.shape) // 20)
    sides = [(side[:depth], side[-depth:]) for side in (strokes, strokes.T)]
    touched = np.array([[end.any(axis=0).mean() for end in side] for side in sides])
    by_bars = np.array([_ends(level, len(ink)) | bool(upright), _ends(upright, ink.shape[1]) | bool(level)])
    return 0 < touched.max() <= MAX_TOUCH and bool(((touched > 0) | by_bars).all())


def _longest(mask: NDArray[np.bool_]) -> int:
    """Return the longest side, in pixels, that any connected piece of a mask has."""
    return int(cv2.connectedComponentsWithStats(mask.view(np.uint8))[2][1:, 2:4].max(initial=0))


def _ends(rules: list[Rule], height: int) -> NDArray[np.bool_]:
    """(2,) whether one of some rules from left to right lies along the first row and along the last."""
    first = any(min(rule.first, rule.last) <= rule.thickness for rule in rules)
    return np.array([first, any(max(rule.first, rule.last) >= height - 1 - rule.thickness for rule in rules)])


def find_rules(ink: Image, strength: float) -> list[Rule]:
    """Return the rules that run from left to right through a (H, W) ink map, the surest first.

    A Hough transform (R. Duda and P. Hart, CACM 15, 1972) in which each of 20 pieces of a row has one vote, so that a
    faint rule counts as much as a dark stroke of the same length, and a stroke across the rule only once.
    """
    height, width = ink.shape
    segments = cv2.dilate(cv2.resize(ink, (SEGMENTS, height), interpolation=cv2.INTER_AREA), np.ones((3, 1), np.uint8))
    paper, noise = paper_noise(segments)
    inked = cv2.threshold(segments, paper + max(strength, 2 * noise), 1, cv2.THRESH_BINARY)[1]
    votes = _votes(inked, width)
    thickest = max(5, height // 24)
    rules = []
    for peak in _peaks(votes, thickest):
        rule = _measure(ink, segments, peak, thickest, strength)
        if rule:
            rules.append(rule)
    return rules


def _votes(inked: Image, width: int) -> NDArray[np.uint8]:
    """(slopes, H) how many of (H, SEGMENTS) 0/1 segments are inked along a line of each slope.

    A line is counted at its row in the middle column.
    """
    height, shift = len(inked), _shifts(width)
    reach = int(shift.max())
    columns = cv2.copyMakeBorder(cv2.transpose(inked), 0, 0, reach, reach, cv2.BORDER_REPLICATE)
    starts = shift + reach + np.arange(SEGMENTS) * columns.shape[1]
    # a view of what follows each pixel, as long as a column
    windows = np.ndarray((columns.size - height + 1, height), np.uint8, columns.data, strides=(1, 1))
    return np.asarray(windows[starts].sum(axis=1, dtype=np.uint8))


@lru_cache(maxsize=64)
def _shifts(width: int) -> NDArray[np.intp]:
    """(slopes, SEGMENTS) rows between a line's crossing of the middle column and of each segment."""
    offset = (np.arange(SEGMENTS) + 0.5) / SEGMENTS * width - width / 2
    return np.asarray(np.rint(SLOPES[:, None] * offset).astype(np.intp))


def _peaks(votes: NDArray[np.uint8], thickest: int) -> Iterator[tuple[int, int]]:
    """Yield the (slope, row) indices of the best lines, each clear of those before it."""
    remaining = votes.copy()
    for _ in range(MAX_RULES):
        slope, row = np.unravel_index(int(remaining.argmax()), remaining.shape)
        if remaining[slope, row] < MIN_VOTES:
            return
        # of the slopes and rows that tie, the middle one follows the rule best
        tied = np.flatnonzero(remaining[:, row] == remaining[slope, row])
        yield int(tied[len(tied) // 2]), int(row)
        remaining[:, max(0, row - thickest) : row + thickest + 1] = 0


def _measure(ink: Image, segments: Image, peak: tuple[int, int], thickest: int, strength: float) -> Rule | None:
    """Return the rule at a peak; None where it is too thick or faint, or ends before the borders as strokes do."""
    (slope, row), (height, width) = peak, ink.shape
    near = np.arange(max(0, row - thickest), min(height, row + thickest + 1))
    cells = np.clip(near[:, None] + _shifts(width)[slope], 0, height - 1)
    profile = np.sort(np.take_along_axis(segments, cells, axis=0), axis=1)[:, SEGMENTS * 3 // 8].astype(float)
    floor = profile.min()
    tone = float(profile.max())
    thick = int((profile - floor > 0.3 * (tone - floor)).sum())
    if tone - floor < strength or thick > thickest:
        return None
    middle = int(near[int(profile.argmax())])
    drop = SLOPES[slope] * width / 2
    rule = Rule(round(middle - drop), round(middle + drop), tone, thick + 2)
    margin = max(3, width // 50)
    ends = _darkest(ink[:, :margin], rule.first), _darkest(ink[:, -margin:], rule.last)
    return rule if min(ends) > 0.3 * tone else None


def _darkest(columns: Image, row: int) -> int:
    """Return the strongest ink within a few rows of ``row``; 255 where that lies outside the image."""
    rows = columns[max(0, row - 4) : max(0, row + 5)]
    return int(rows.max()) if rows.size else 255


def _erase(ink: Image, rules: list[Rule]) -> Image:
    """Set to 0 what is no darker than the rules along them, and close the gaps that this leaves in strokes."""
    if not rules:
        return ink
    exceed: Image = np.zeros_like(ink)
    for rule in rules:
        level = min(255, 1.6 * rule.tone + 8)
        cv2.line(exceed, (0, rule.first), (ink.shape[1] - 1, rule.last), level, rule.thickness)
    faint: Image = ((exceed > 0) & (ink <= exceed)).astype(np.uint8) * 255
    erased = cv2.subtract(ink, faint)
    closed = cv2.morphologyEx(erased, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    return cv2.copyTo(closed, faint, erased)
