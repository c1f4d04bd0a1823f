"""Where are printed rules: the straight lines of lined and squared paper, of forms and of tables?

Measured by the rows "photo without `lines`" and the table of form cells in docs/preprocessing.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from batch_eval.imaging.ink import paper_noise
from batch_eval.imaging.steps import Image

# Chosen by experiment on those rows.
SLOPES = np.tan(np.deg2rad(np.arange(-9, 9.25, 0.75)))
"""Slopes to search, in vertical pixels for each horizontal one. Sheets are rarely turned further."""
SEGMENTS = 20
"""Number of segments a row is cut into. A rule inks most of them, a stroke only a few."""
MIN_VOTES = 14
"""Minimum number of inked segments in a rule."""
MIN_WIDTH = 6
"""Width in pixels that is always allowed: blurred edges, and one pixel above and below."""
MIN_VISIBLE = 0.3
"""Minimum tone of a pixel that shows a rule. Unit: the rule's tone."""
MOST_RANK = SEGMENTS * 7 // 10
"""Rank of the segment, from the palest, whose tone most of a rule's row does not exceed.

The median would count the gaps of a dotted rule. The darkest segments may hold strokes along it.
"""
SPACING = 24
"""Two rules are farther apart than the image's height divided by this."""
MAX_RULES = 60
"""Maximum number of rules in one direction."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A printed line from the left border to the right one."""

    first: int
    """Row at the left border. It may lie outside the image."""
    last: int
    """Row at the right border."""
    tone: float
    """Tone of the darkest row, 0 to 255."""
    thickness: int
    """Number of rows, with those that only blur may cover."""
    profile: tuple[int, ...]
    """Tone that most of each row does not exceed. Rows are those around the darkest, an odd number."""

    @property
    def rows(self) -> tuple[int, int]:
        """First and last row."""
        return self.first, self.last

    def at(self, share: float) -> int:
        """Return the row at a fraction of the image's width, 0 left to 1 right."""
        return round(self.first + share * (self.last - self.first))


def find_rules(ink: Image, strength: float, widest: float) -> tuple[list[Rule], list[Rule]]:
    """Find the horizontal and vertical rules of an ink map.

    A rule runs from border to border. In a table, it may end at a rule that crosses it near the border.

    Args:
        ink: (H, W) uint8.
        strength: Minimum grey levels by which a rule stands out from the paper.
        widest: Maximum width of a rule, 0 to 1. Unit: the image's height or width.

    Returns:
        The horizontal rules, and the vertical ones as rules of the transposed image.

    """
    (height, width), transposed = ink.shape, cv2.transpose(ink)
    horizontal, vertical = _candidates(ink, strength, widest), _candidates(transposed, strength, widest)
    # first pass: rules from border to border; second pass: also those that end at one of them
    first = _spanning(ink, horizontal, (0, width)), _spanning(transposed, vertical, (0, height))
    columns, rows = _between_crossings(first[1], width), _between_crossings(first[0], height)
    return _spanning(ink, horizontal, columns), _spanning(transposed, vertical, rows)


def _between_crossings(crossing: list[Rule], width: int) -> tuple[int, int]:
    """Return the (start, stop) columns between the innermost crossing rules.

    They count in the outer quarters only.
    """
    near = width // 4
    starts = [max(rule.rows) + rule.thickness for rule in crossing]
    stops = [min(rule.rows) - rule.thickness for rule in crossing]
    return max((s for s in starts if s < near), default=0), min((s for s in stops if s > width - near), default=width)


def _spanning(ink: Image, lines: list[Rule], columns: tuple[int, int]) -> list[Rule]:
    """Return the lines that are inked at the first and the last of the columns. Strokes end before."""
    (start, stop), width = columns, ink.shape[1]
    margin = max(3, width // 50)
    heads, tails = ink[:, start : start + margin], ink[:, stop - margin : stop]
    return [
        line
        for line in lines
        if min(_darkest(heads, line.at(start / width)), _darkest(tails, line.at(stop / width)))
        > MIN_VISIBLE * line.tone
    ]


def _candidates(ink: Image, strength: float, widest: float) -> list[Rule]:
    """Return the lines in an ink map that may be horizontal rules, the surest first.

    A Hough transform with one vote a segment.
    Source: R. Duda and P. Hart, Use of the Hough transformation to detect lines and curves in pictures, CACM 15 (1972).
    """
    # Each row is averaged to 20 segments. With votes by segment rather than by pixel, a faint rule counts as much as a
    # dark stroke of its length, and a stroke across the rule counts once.
    height, width = ink.shape
    segments = cv2.dilate(cv2.resize(ink, (SEGMENTS, height), interpolation=cv2.INTER_AREA), np.ones((3, 1), np.uint8))
    paper, noise = paper_noise(segments)
    inked = cv2.threshold(segments, paper + max(strength, 2 * noise), 1, cv2.THRESH_BINARY)[1]
    thickest = max(MIN_WIDTH, int(height * widest))
    peaks = _peaks(_votes(inked, width), max(MIN_WIDTH, height // SPACING))
    measured = (_measure(segments, width, peak, thickest, strength) for peak in peaks)
    return [line for line in measured if line]


def _votes(inked: Image, width: int) -> NDArray[np.uint8]:
    """Count the inked segments along each line, as (slopes, H).

    A line is counted at its row in the middle column. ``inked`` is (H, SEGMENTS), 0 or 1.
    """
    height, shift = len(inked), _shifts(width)
    reach = int(shift.max())
    columns = cv2.copyMakeBorder(cv2.transpose(inked), 0, 0, reach, reach, cv2.BORDER_REPLICATE)
    # A line that is 3 rows lower in some segment than in the middle takes that segment's votes from 3 rows below. Each
    # slope is thus a sum of shifted columns, read through a view of the H pixels from each start on.
    starts = shift + reach + np.arange(SEGMENTS) * columns.shape[1]
    windows = np.ndarray((columns.size - height + 1, height), np.uint8, columns.data, strides=(1, 1))
    return np.asarray(windows[starts].sum(axis=1, dtype=np.uint8))


@lru_cache(maxsize=64)
def _shifts(width: int) -> NDArray[np.intp]:
    """Return how many rows lower a line is in each segment than in the middle: (slopes, SEGMENTS)."""
    offset = (np.arange(SEGMENTS) + 0.5) / SEGMENTS * width - width / 2
    return np.asarray(np.rint(SLOPES[:, None] * offset).astype(np.intp))


def _peaks(votes: NDArray[np.uint8], clear: int) -> Iterator[tuple[int, int]]:
    """Yield the (slope, row) of the best lines. Each is more than ``clear`` rows from those before."""
    remaining = votes.copy()
    for _ in range(MAX_RULES):
        slope, row = np.unravel_index(int(remaining.argmax()), remaining.shape)
        if remaining[slope, row] < MIN_VOTES:
            return
        # of slopes that tie, the middle one follows the rule best
        yield _middle(remaining[:, row] == remaining[slope, row]), int(row)
        remaining[:, max(0, row - clear) : row + clear + 1] = 0


def _measure(segments: Image, width: int, peak: tuple[int, int], thickest: int, strength: float) -> Rule | None:
    """Return the line at a peak.

    Returns None if it is too thick, too faint, or has a gap of two segments. Printed lines have no gap. A stroke has
    one between its end and the frame of a cell.
    """
    (slope, row), height = peak, len(segments)
    near = np.arange(max(0, row - thickest), min(height, row + thickest + 1))
    # straighten the line: row i of `along` is the line's i-th parallel
    cells = np.clip(near[:, None] + _shifts(width)[slope], 0, height - 1)
    along = np.take_along_axis(segments, cells, axis=0)
    ranked = np.sort(along, axis=1)
    levels = ranked[:, SEGMENTS * 3 // 8].astype(float)  # the tone that 13 of 20 segments reach
    floor, tone = float(levels.min()), float(levels.max())
    visible = floor + MIN_VISIBLE * (tone - floor)
    missing = along.max(axis=0) < visible
    thick = int(np.count_nonzero(levels > visible))
    if tone - floor < strength or thick > thickest or (missing[1:] & missing[:-1]).any():
        return None
    darkest, reach = _middle(levels == tone), thick // 2
    most = ranked[np.clip(np.arange(darkest - reach, darkest + reach + 1), 0, len(near) - 1), MOST_RANK]
    middle, drop = int(near[darkest]), SLOPES[slope] * width / 2
    return Rule(round(middle - drop), round(middle + drop), tone, thick + 2, tuple(most.tolist()))


def _middle(mask: NDArray[np.bool_]) -> int:
    """Return the middle one of the indices where a mask is true."""
    indices = np.flatnonzero(mask)
    return int(indices[len(indices) // 2])


def _darkest(columns: Image, row: int) -> int:
    """Return the strongest ink within four rows of ``row``. Outside the image, return 255."""
    rows = columns[max(0, row - 4) : max(0, row + 5)]
    return int(rows.max()) if rows.size else 255
