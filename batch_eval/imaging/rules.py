"""Find printed rules: the straight lines of lined and squared paper, of forms and tables."""

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
MIN_WIDTH = 6
"""Width in pixels that every rule may have: with its blurred edges and one pixel above and below."""
VISIBLE = 0.3
"""Share of a rule's tone above which a pixel shows it."""
MOST = SEGMENTS * 7 // 10
"""Rank, among a row's pieces from the palest on, of the one that tells what most of a rule reaches: with the middle
one, the gaps of a dotted rule would count, with the last ones strokes that run along it."""
APART = 24
"""Part of the image's height, one in so many, that two rules lie apart."""
MAX_RULES = 60
"""Rules looked for in one direction."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A line from the left border at row ``first`` to the right one at row ``last``.

    ``tone`` is that of its darkest row, in the ink's levels; ``profile`` is what most of it reaches in an odd number of
    rows, of which the middle one is the darkest. ``thickness`` counts also the rows that only its blur may cover.
    """

    first: int
    last: int
    tone: float
    thickness: int
    profile: tuple[int, ...]

    @property
    def rows(self) -> tuple[int, int]:
        """Where it begins and where it ends."""
        return self.first, self.last

    def at(self, share: float) -> int:
        """Return its row where this share of the image's width is left of it."""
        return round(self.first + share * (self.last - self.first))


def find_rules(ink: Image, strength: float, widest: float) -> tuple[list[Rule], list[Rule]]:
    """Return the level rules of a (H, W) uint8 ink map and the upright ones, which are those of its transpose.

    A rule runs from border to border, or to a rule that crosses it near the border, as the lines of a table do. It
    stands out from the paper by at least ``strength`` grey levels and is at most ``widest``, a share of the image.
    """
    (height, width), turned = ink.shape, cv2.transpose(ink)
    level, upright = _lines(ink, strength, widest), _lines(turned, strength, widest)
    first = _through(ink, level, (0, width)), _through(turned, upright, (0, height))
    return _through(ink, level, _within(first[1], width)), _through(turned, upright, _within(first[0], height))


def _within(crossing: list[Rule], width: int) -> tuple[int, int]:
    """Return the columns between which the rules must be inked that others cross, given as rules of (W, H)."""
    near = width // 4
    starts = [max(rule.rows) + rule.thickness for rule in crossing]
    stops = [min(rule.rows) - rule.thickness for rule in crossing]
    return max((s for s in starts if s < near), default=0), min((s for s in stops if s > width - near), default=width)


def _through(ink: Image, lines: list[Rule], columns: tuple[int, int]) -> list[Rule]:
    """Return the lines that are inked at the first and the last of the columns; others end before, as strokes do."""
    (start, stop), width = columns, ink.shape[1]
    margin = max(3, width // 50)
    heads, tails = ink[:, start : start + margin], ink[:, stop - margin : stop]
    return [
        line
        for line in lines
        if min(_darkest(heads, line.at(start / width)), _darkest(tails, line.at(stop / width))) > VISIBLE * line.tone
    ]


def _lines(ink: Image, strength: float, widest: float) -> list[Rule]:
    """Return the straight lines from left to right in a (H, W) ink map that may be rules, the surest first.

    A Hough transform (R. Duda and P. Hart, CACM 15, 1972) in which each of 20 pieces of a row has one vote, so that a
    faint rule counts as much as a dark stroke of the same length, and a stroke across the rule only once.
    """
    height, width = ink.shape
    segments = cv2.dilate(cv2.resize(ink, (SEGMENTS, height), interpolation=cv2.INTER_AREA), np.ones((3, 1), np.uint8))
    paper, noise = paper_noise(segments)
    inked = cv2.threshold(segments, paper + max(strength, 2 * noise), 1, cv2.THRESH_BINARY)[1]
    thickest = max(MIN_WIDTH, int(height * widest))
    peaks = _peaks(_votes(inked, width), max(MIN_WIDTH, height // APART))
    measured = (_measure(segments, width, peak, thickest, strength) for peak in peaks)
    return [line for line in measured if line]


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


def _peaks(votes: NDArray[np.uint8], clear: int) -> Iterator[tuple[int, int]]:
    """Yield the (slope, row) indices of the best lines, each more than ``clear`` rows from those before it."""
    remaining = votes.copy()
    for _ in range(MAX_RULES):
        slope, row = np.unravel_index(int(remaining.argmax()), remaining.shape)
        if remaining[slope, row] < MIN_VOTES:
            return
        # of the slopes and rows that tie, the middle one follows the rule best
        yield _middle(remaining[:, row] == remaining[slope, row]), int(row)
        remaining[:, max(0, row - clear) : row + clear + 1] = 0


def _measure(segments: Image, width: int, peak: tuple[int, int], thickest: int, strength: float) -> Rule | None:
    """Return the line at a peak of (H, SEGMENTS); None where it is too thick or faint, or lacks two pieces in a row.

    A stroke ends in the image, and between its end and the frame of a cell there is nothing; a printed line has no gap.
    """
    (slope, row), height = peak, len(segments)
    near = np.arange(max(0, row - thickest), min(height, row + thickest + 1))
    cells = np.clip(near[:, None] + _shifts(width)[slope], 0, height - 1)
    along = np.take_along_axis(segments, cells, axis=0)
    ranked = np.sort(along, axis=1)
    levels = ranked[:, SEGMENTS * 3 // 8].astype(float)
    floor, tone = float(levels.min()), float(levels.max())
    visible = floor + VISIBLE * (tone - floor)
    missing = along.max(axis=0) < visible
    thick = int(np.count_nonzero(levels > visible))
    if tone - floor < strength or thick > thickest or (missing[1:] & missing[:-1]).any():
        return None
    darkest, reach = _middle(levels == tone), thick // 2
    most = ranked[np.clip(np.arange(darkest - reach, darkest + reach + 1), 0, len(near) - 1), MOST]
    middle, drop = int(near[darkest]), SLOPES[slope] * width / 2
    return Rule(round(middle - drop), round(middle + drop), tone, thick + 2, tuple(most.tolist()))


def _middle(mask: NDArray[np.bool_]) -> int:
    """Return the middle one of the indices at which a (n,) mask is true."""
    indices = np.flatnonzero(mask)
    return int(indices[len(indices) // 2])


def _darkest(columns: Image, row: int) -> int:
    """Return the strongest ink within a few rows of ``row``; 255 where that lies outside the image."""
    rows = columns[max(0, row - 4) : max(0, row + 5)]
    return int(rows.max()) if rows.size else 255
