"""Choose the digit among everything that looks like ink: by strength, position and what belongs together."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from batch_eval.imaging.filters import CUT_OUT, NEIGHBOURS, sides
from batch_eval.imaging.ink import CONTOUR, around_ink, keep, label_type
from batch_eval.imaging.steps import Image
from batch_eval.imaging.stroke import stroke_width

MIN_EXTENT = 0.04
"""Longest side of a digit as a share of the image's; smaller pieces are specks. Of one that has half of all ink, twice
that is asked."""
MIN_SHARE = 0.15
"""Share of all ink that a digit has; where it is one of many alike, as in dots or the grain of paper, there is none."""
RIM = 0.12
"""Width of the border, as a share of the image's shortest side, in which light falls off and pages end."""
CORNER = 0.5
"""Extent, as a share of the image's longest side, below which a piece that touches two edges is a corner in shadow."""
MAX_COVER = 0.8
"""Share of an image that a digit can cover."""
MAX_FLATNESS = 4
"""Times its height that a digit can be wide."""
MAX_STROKE = 0.3
"""Width of a digit's strokes as a share of its longest side; a stain or the shadow of a dent has more."""
MIN_REACH = 0.015
"""Gap, as a share of the image's longest side, over which the pieces of a digit always belong together."""
UNDERLINE_GAP = 0.08
"""Gap below a digit, as a share of its extent, from which a flat piece is a line drawn under it, not its loose base."""
OVERHANG = 0.15
"""Length, as a share of a digit's extent, by which such a line, also above it, reaches beyond it on both sides."""
MIN_BOXED = 0.25
"""Extent of a digit as a share of that of the box printed around it."""
SIDE_DEPTH = 0.15
"""Depth, as a share of a box's shorter side, within which its lines run, also where it is a little turned."""
STRAIGHT = 0.9
"""Share of each side of its bounds along which a box has ink; a digit is rounder."""
MAX_LINE = 0.45
"""Share of that depth which a box's line fills; the strokes of a digit are thicker."""
MIN_ROUND = 0.7
"""Shorter side of a ring around a digit as a share of its longer one."""
MIN_HOLE = 0.5
"""Share of its bounds that the hole of such a ring fills; that of a circle is 0.79 of them without its line."""
MAX_CROSSING = 0.85
"""Width, as a share of a box's, that a digit which touches it can have."""


@dataclass(frozen=True)
class Pieces:
    """The connected pieces of ink in an image, as columns; row 0 is the background. Lengths are in pixels.

    ``ink`` is the (H, W) map, ``inside`` the (rows, columns) in which all of them lie, and ``labels`` tells there which
    piece each pixel belongs to. ``stats`` and ``centres`` are what OpenCV measures of each piece within ``inside``.
    """

    ink: Image
    inside: tuple[slice, slice]
    labels: Image
    stats: Image
    centres: Image

    def __len__(self) -> int:
        """Return how many pieces there are, the background included."""
        return len(self.stats)

    @property
    def shape(self) -> tuple[int, int]:
        """The image's (H, W)."""
        height, width = self.ink.shape
        return height, width

    @cached_property
    def left(self) -> NDArray[np.int32]:
        """First column of each piece."""
        return self._column(cv2.CC_STAT_LEFT) + np.int32(self.inside[1].start)

    @cached_property
    def top(self) -> NDArray[np.int32]:
        """First row of each piece."""
        return self._column(cv2.CC_STAT_TOP) + np.int32(self.inside[0].start)

    @cached_property
    def right(self) -> NDArray[np.int32]:
        """Column behind the last one of each piece."""
        return self.left + self._column(cv2.CC_STAT_WIDTH)

    @cached_property
    def bottom(self) -> NDArray[np.int32]:
        """Row behind the last one of each piece."""
        return self.top + self._column(cv2.CC_STAT_HEIGHT)

    @cached_property
    def area(self) -> NDArray[np.int32]:
        """Pixels of each piece."""
        return self._column(cv2.CC_STAT_AREA)

    @cached_property
    def amount(self) -> NDArray[np.float64]:
        """Sum of each piece's ink."""
        inked = self.labels > 0
        return np.bincount(self.labels[inked], self.ink[self.inside][inked], len(self)).astype(np.float64)

    @cached_property
    def offset(self) -> NDArray[np.float64]:
        """Distance of each piece's centre from the image's, as a share of its sides."""
        size = np.array(self.shape[::-1])
        origin = np.array([self.inside[1].start, self.inside[0].start])
        return np.asarray(np.hypot(*((self.centres + origin - (size - 1) / 2) / size).T))

    @cached_property
    def extent(self) -> NDArray[np.int32]:
        """Longest side of each piece."""
        return np.maximum(self._column(cv2.CC_STAT_WIDTH), self._column(cv2.CC_STAT_HEIGHT))

    @cached_property
    def largest(self) -> int:
        """The piece of the largest extent."""
        return int(self.extent[1:].argmax()) + 1

    def _column(self, measure: int) -> NDArray[np.int32]:
        return np.asarray(self.stats[:, measure], np.int32)

    @cached_property
    def edges(self) -> NDArray[np.intp]:
        """Number of the image's edges that each piece touches; 0 where somebody has cut the image to its digit."""
        height, width = self.shape
        if max(self.shape) < CUT_OUT:
            return np.zeros_like(self.left)
        touching = (self.left <= 0, self.top <= 0, self.right >= width, self.bottom >= height)
        return np.asarray(sum(touching, np.zeros_like(self.left)), np.intp)

    @cached_property
    def weights(self) -> NDArray[np.float64]:
        """How likely each piece is part of the digit: large, dark, near the middle, clear of the edges."""
        tone = self.amount / np.maximum(self.area, 1)
        weights = self.extent * tone * np.exp(-((self.offset / 0.35) ** 2)) * 0.25**self.edges
        weights[0] = 0
        return np.asarray(weights, np.float64)

    @cached_property
    def scores(self) -> NDArray[np.float64]:
        """How likely each piece is the digit: it has weight, and is no speck."""
        return np.where(self.extent < MIN_EXTENT * max(self.shape), 1e-3, 1) * self.weights

    @cached_property
    def flat(self) -> NDArray[np.bool_]:
        """Whether each piece is too flat for a digit: the bar of a 5 that lies apart, or a line drawn under a digit."""
        return np.asarray(self.right - self.left > MAX_FLATNESS * (self.bottom - self.top))

    @cached_property
    def main(self) -> int:
        """The piece that is most likely the digit, or the main part of it; what is flat counts half."""
        if len(self) == 2:  # the background and one piece, as most images have
            return 1
        return int(np.where(self.flat, self.scores / 2, self.scores).argmax())


def choose_digit(ink: Image) -> Image:
    """Keep the connected piece of ink that is most likely the digit, with the pieces that belong to it.

    ``ink`` is (H, W) uint8 as `clear_paper` leaves it; the rest becomes 0, and all of it where no piece can be a digit.
    A box that is printed around the digit is erased, also where the digit touches it, and a ring that is drawn around
    it where the two do not touch.
    """
    pieces = find_pieces(ink)
    if len(pieces) == 1:
        return ink
    frame = _box_around_others(pieces)
    if frame is None and len(pieces) > 2:
        frame = _ring_around_others(pieces)
    if frame is not None:
        return choose_digit(cv2.bitwise_and(ink, cv2.bitwise_not(frame)))
    if len(pieces) == 2 and max(ink.shape) < CUT_OUT:
        return ink
    kept = belonging(pieces)
    mask = kept.view(np.uint8).take(np.asarray(pieces.labels, pieces.labels.dtype))
    digit: Image = np.zeros_like(ink)
    if _credible(pieces, kept, mask):
        digit[pieces.inside] = keep(ink[pieces.inside], mask * np.uint8(255))
    return digit


def find_pieces(ink: Image) -> Pieces:
    """Return the connected pieces of a (H, W) ink map within its contour."""
    _, mask = cv2.threshold(ink, CONTOUR - 1, 1, cv2.THRESH_BINARY)
    inside = around_ink(mask)
    mask = np.ascontiguousarray(mask[inside])
    _, labels, stats, centres = cv2.connectedComponentsWithStats(mask, connectivity=8, ltype=label_type(mask))
    return Pieces(ink, inside, labels, stats, centres)


def belonging(pieces: Pieces) -> NDArray[np.bool_]:
    """(count,) which pieces make up the digit: the main one, and what lies near it and is no speck or edge.

    Near is within 0.15 of the extent of what was found so far, 0.25 for a piece of some size, again and again, so that
    a stroke which broke into many pieces is followed to its end. What touches an edge of the image, as only part of
    the digit does, must lie closer: within 0.05. What breaks a thin line is as wide in a short piece as in a long one,
    so that gaps below ``MIN_REACH`` always count as near. A flat piece below all of the digit, or one below or above it
    that reaches beyond it on both sides, is a line drawn there.
    """
    if len(pieces) == 2:
        return np.array([False, True])
    main = pieces.main
    cut_off = (pieces.edges > 0) & (pieces.edges[main] == 0)
    reach = np.where(cut_off, 0.05, np.where(pieces.area >= 0.2 * pieces.area[main], 0.25, 0.15))
    always = np.where(cut_off, 0, MIN_REACH * max(pieces.shape))
    likely = (pieces.area >= 0.02 * pieces.area[main]) & (pieces.weights > 0.02 * pieces.weights[main])
    likely &= ~cut_off | (pieces.edges == 1)
    likely[0] = False
    kept = np.zeros(len(likely), bool)
    grown = np.arange(len(kept)) == main
    while (grown & ~kept).any():
        kept = grown
        left, top = pieces.left[kept].min(), pieces.top[kept].min()
        right, bottom = pieces.right[kept].max(), pieces.bottom[kept].max()
        gap_x = np.maximum(left - pieces.right, pieces.left - right)
        gap_y = np.maximum(top - pieces.bottom, pieces.top - bottom)
        extent = max(right - left, bottom - top)
        near = np.maximum(gap_x, gap_y) < np.maximum(reach * extent, always)
        overhang = np.minimum(left - pieces.left, pieces.right - right)
        beside = (pieces.top - bottom > UNDERLINE_GAP * extent) | ((gap_y >= 0) & (overhang > OVERHANG * extent))
        grown = kept | (likely & near & ~(pieces.flat & beside))
    return kept


def _box_around_others(pieces: Pieces) -> Image | None:
    """Return a (H, W) uint8 mask, 255 on a box that is printed around a digit; None where there is none.

    A box is the largest piece, has thin straight ink along all sides of its bounds, and other ink within, which does
    not run from its left side to its right one as the bar of an angular 8 does.
    """
    piece = pieces.largest
    x, y, width, height, _ = pieces.stats[piece].tolist()
    depth = round(SIDE_DEPTH * min(width, height))
    bounds = pieces.labels[y : y + height, x : x + width]
    inked = bounds == piece
    strips = sides(inked, depth)
    if depth == 0 or any(np.count_nonzero(side.any(axis=0)) < STRAIGHT * side.shape[1] for side in strips):
        return None
    if _longest_side(bounds[depth:-depth, depth:-depth] > 0) < MIN_BOXED * pieces.extent[piece]:
        return None
    mask: Image = np.zeros(pieces.shape, np.uint8)
    box = mask[pieces.inside][y : y + height, x : x + width]
    for side, erased in zip(strips, sides(box, depth), strict=True):
        thickness = np.median(np.count_nonzero(side, axis=0))
        if thickness > MAX_LINE * depth:
            return None
        erased[np.arange(depth)[:, None] <= side.argmax(axis=0) + thickness] = 255
    touching = cv2.boundingRect((inked & (box == 0)).view(np.uint8))[2]
    return mask if touching < MAX_CROSSING * width else None


def _ring_around_others(pieces: Pieces) -> Image | None:
    """Return a (H, W) uint8 mask, 255 on a ring that is drawn around a digit; None where there is none.

    A ring is the largest piece, about as wide as high, with a hole that fills most of it and holds a piece of the size
    of a digit. The ring of a 0 is higher than wide, and what is in it, as a slash, touches it.
    """
    ring = pieces.largest
    _, _, width, height, _ = pieces.stats[ring].tolist()
    within = pieces.extent >= MIN_BOXED * pieces.extent[ring]
    for starts, ends in _spans(pieces):
        within &= (starts > starts[ring]) & (ends < ends[ring])
    within[0] = False
    if not within.any() or min(width, height) < MIN_ROUND * max(width, height):
        return None
    own = (pieces.labels == ring).astype(np.uint8)
    contours, tree = cv2.findContours(own, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    holes = [contour for contour, (*_, parent) in zip(contours, tree[0], strict=True) if parent >= 0]
    hole = max(holes, key=cv2.contourArea, default=None)
    if hole is None or cv2.contourArea(hole) < MIN_HOLE * width * height:
        return None
    held = cv2.drawContours(np.zeros_like(own), [hole], -1, 1, cv2.FILLED) > own
    if not within[np.unique(pieces.labels[held])].any():
        return None
    mask: Image = np.zeros(pieces.shape, np.uint8)
    mask[pieces.inside] = own * np.uint8(255)
    return cv2.dilate(mask, NEIGHBOURS)


def _spans(pieces: Pieces) -> list[tuple[NDArray[np.int32], NDArray[np.int32]]]:
    """Return where the pieces begin and end, across and down."""
    return [(pieces.left, pieces.right), (pieces.top, pieces.bottom)]


def _longest_side(mask: NDArray[np.bool_]) -> int:
    """Return the longest side of the rectangle that holds a mask."""
    return max(cv2.boundingRect(mask.astype(np.uint8))[2:])


def _credible(pieces: Pieces, kept: NDArray[np.bool_], mask: Image) -> bool:
    """Say whether the chosen pieces, 1 in a 0/1 mask, can be a digit rather than what an empty sheet shows."""
    main, longest = pieces.main, max(pieces.shape)
    if longest < CUT_OUT:
        return True
    inner = pieces.edges == 0
    beside = (inner & ~kept).any() and inner[main]
    share = min(1, pieces.amount[kept].sum() / pieces.amount[inner].sum()) if beside else 1
    if share < MIN_SHARE or share * pieces.extent[main] < MIN_EXTENT * longest:
        return False
    width = pieces.right[kept].max() - pieces.left[kept].min()
    height = pieces.bottom[kept].max() - pieces.top[kept].min()
    return (
        not _frames(pieces)
        and bool(width <= MAX_FLATNESS * height)
        and stroke_width(mask) <= MAX_STROKE * max(width, height)
    )


def _frames(pieces: Pieces) -> bool:
    """Say whether the main piece is what frames a page: in the rim, across it, in a corner, or all of the image."""
    main, (height, width) = pieces.main, pieces.shape
    rim = RIM * min(pieces.shape)
    left, right = pieces.left[main], pieces.right[main]
    top, bottom = pieces.top[main], pieces.bottom[main]
    in_rim = right < rim or left > width - rim or bottom < rim or top > height - rim
    across = (left <= 0 and right >= width and bottom - top < rim) or (
        top <= 0 and bottom >= height and right - left < rim
    )
    in_corner = pieces.edges[main] >= 2 and pieces.extent[main] < CORNER * max(pieces.shape)
    return bool(in_rim or across or in_corner or pieces.area[main] > MAX_COVER * width * height)
