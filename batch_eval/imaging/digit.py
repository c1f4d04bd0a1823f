"""Choose the digit among all ink, by size, tone and position."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from batch_eval.imaging.components import MAX_ASPECT, MIN_EXTENT, Components, find_components
from batch_eval.imaging.filters import TIGHT_CROP
from batch_eval.imaging.ink import mask_ink
from batch_eval.imaging.steps import Image
from batch_eval.imaging.stroke import stroke_width
from batch_eval.imaging.surroundings.boxes import find_box, find_ring

# What belongs to a digit. Chosen by experiment; docs/preprocessing.md, row "photo without `digit`".
JOIN_GAP = 0.015
"""Gap below which components always belong together. Unit: the image's longest side."""
UNDERLINE_GAP = 0.08
"""Minimum gap above an underline. Unit: the digit's extent. A closer one may be the base of a 2."""
UNDERLINE_OVERHANG = 0.15
"""Minimum overhang, on both sides, of a line above or below a digit. Unit: the digit's extent."""

# What can be a digit. Chosen by experiment; docs/preprocessing.md, the squares of blank paper.
MIN_INK = 0.15
"""Minimum fraction of all ink in a digit. Each of many dots or grains has less."""
RIM = 0.12
"""Width of the rim. Unit: the shortest side. Light falls off there and pages end."""
MAX_CORNER = 0.5
"""Maximum extent of a dark corner, which touches two edges. Unit: the image's longest side."""
MAX_COVER = 0.8
"""Maximum area of a digit. Unit: the image's area."""
MAX_STROKE = 0.3
"""Maximum stroke width of a digit. Unit: its longest side.

Real digits reach 0.17. A stain or the shadow of a dent is wider.
"""


def choose_digit(ink: Image) -> Image:
    """Keep the component that is most likely the digit, and what belongs to it.

    A box that is printed around it is erased, even if they touch. A ring that is drawn around it is erased if they do
    not touch.

    Args:
        ink: (H, W) uint8 as `clear_paper` leaves it.

    Returns:
        (H, W) uint8 with everything else 0; all 0 if no component can be a digit.

    """
    components = find_components(ink)
    if len(components) == 1:
        return ink
    frame = find_box(components)
    if frame is None and len(components) > 2:
        frame = find_ring(components)
    if frame is not None:
        return choose_digit(cv2.bitwise_and(ink, cv2.bitwise_not(frame)))
    if len(components) == 2 and max(ink.shape) < TIGHT_CROP:
        return ink
    kept = digit_components(components)
    mask = kept.view(np.uint8).take(np.asarray(components.labels, components.labels.dtype))
    digit: Image = np.zeros_like(ink)
    if _is_plausible(components, kept, mask):
        digit[components.inside] = mask_ink(ink[components.inside], mask * np.uint8(255))
    return digit


def digit_components(components: Components) -> NDArray[np.bool_]:
    """Say which components make up the digit.

    These are the main one and what is near. Specks, page edges and underlines do not belong to it.

    Returns:
        (count,) bool. Near means a gap of at most, in units of the digit's extent:

        - 0.15, or 0.25 for a component with a fifth of the main one's area;
        - 0.05 for one that touches the image's edge if the main one does not;
        - in any case ``JOIN_GAP``, except at the edge.

    """
    if len(components) == 2:
        return np.array([False, True])
    main = components.main
    cut_off = (components.edges > 0) & (components.edges[main] == 0)
    reach = np.where(cut_off, 0.05, np.where(components.area >= 0.2 * components.area[main], 0.25, 0.15))
    # what breaks a hairline is as wide in a short dash as in a long one: a fixed gap joins them
    always = np.where(cut_off, 0, JOIN_GAP * max(components.shape))
    likely = (components.area >= 0.02 * components.area[main]) & (components.weights > 0.02 * components.weights[main])
    likely &= ~cut_off | (components.edges == 1)
    likely[0] = False
    kept = np.zeros(len(likely), bool)
    grown = np.arange(len(kept)) == main
    # grow from the main component until nothing is added: a broken stroke is followed from part to part
    while (grown & ~kept).any():
        kept = grown
        left, top = components.left[kept].min(), components.top[kept].min()
        right, bottom = components.right[kept].max(), components.bottom[kept].max()
        gap_x = np.maximum(left - components.right, components.left - right)
        gap_y = np.maximum(top - components.bottom, components.top - bottom)
        extent = max(right - left, bottom - top)
        near = np.maximum(gap_x, gap_y) < np.maximum(reach * extent, always)
        overhang = np.minimum(left - components.left, components.right - right)
        # an underline is flat and clearly below the digit, or above or below and longer on both sides
        below = components.top - bottom > UNDERLINE_GAP * extent
        underline = components.flat & (below | ((gap_y >= 0) & (overhang > UNDERLINE_OVERHANG * extent)))
        grown = kept | (likely & near & ~underline)
    return kept


def _is_plausible(components: Components, kept: NDArray[np.bool_], mask: Image) -> bool:
    """Say whether the kept components can be a digit. They are 1 in a 0/1 mask."""
    main, longest = components.main, max(components.shape)
    if longest < TIGHT_CROP:
        return True
    # The less of all ink a component has, the larger it must be: with half of the ink, 2 · MIN_EXTENT. Each of a
    # hundred equal dots has a hundredth of the ink, so none is a digit.
    inner = components.edges == 0
    beside = (inner & ~kept).any() and inner[main]
    share = min(1, components.amount[kept].sum() / components.amount[inner].sum()) if beside else 1
    if share < MIN_INK or share * components.extent[main] < MIN_EXTENT * longest:
        return False
    width = components.right[kept].max() - components.left[kept].min()
    height = components.bottom[kept].max() - components.top[kept].min()
    return (
        not _is_page_edge(components)
        and bool(width <= MAX_ASPECT * height)
        and stroke_width(mask) <= MAX_STROKE * max(width, height)
    )


def _is_page_edge(components: Components) -> bool:
    """Say whether the main component is an edge, a fold or the whole of a page.

    Returns:
        True if one of these holds:

        - It lies in the rim.
        - It runs from side to side and is thinner than the rim, as a fold is.
        - It lies in a corner.
        - It covers nearly the whole image.

    """
    main, (height, width) = components.main, components.shape
    rim = RIM * min(components.shape)
    left, right = components.left[main], components.right[main]
    top, bottom = components.top[main], components.bottom[main]
    in_rim = right < rim or left > width - rim or bottom < rim or top > height - rim
    across = (left <= 0 and right >= width and bottom - top < rim) or (
        top <= 0 and bottom >= height and right - left < rim
    )
    in_corner = components.edges[main] >= 2 and components.extent[main] < MAX_CORNER * max(components.shape)
    return bool(in_rim or across or in_corner or components.area[main] > MAX_COVER * width * height)
