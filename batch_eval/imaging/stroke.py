"""Bring a digit's strokes to the width that MNIST's pens have."""

from __future__ import annotations

import cv2

from batch_eval.imaging.filters import NEIGHBOURS, blur
from batch_eval.imaging.ink import CONTOUR
from batch_eval.imaging.steps import BOX, Image

DRAWN_SIDE = 80
"""Longest side, in pixels, at which strokes are measured and redrawn: 4 × MNIST's box."""
SMOOTHING = 0.8
"""Standard deviation, in those pixels, of the blur that smooths the staircase of small images: at most half a pixel of
theirs, which a hairline survives, and no more than leaves the holes of a digit open that is a few pixels high."""
EDGE_WIDTH = 1.5
"""MNIST pixels over which a stroke's edge rises from 0 to 255. MNIST's own edges measure 0.5 to 1; softer ones hide
from a network the jags that binarisation left."""


def enlarge(ink: Image) -> Image:
    """Resize a cropped ink map so that its longest side is 80 px."""
    scale = DRAWN_SIDE / max(ink.shape)
    size = max(1, round(ink.shape[1] * scale)), max(1, round(ink.shape[0] * scale))
    return cv2.resize(ink, size, interpolation=cv2.INTER_AREA if scale <= 1 else cv2.INTER_CUBIC)


def stroke_width(mask: Image) -> float:
    """Return the mean stroke width in pixels of a (H, W) 0/1 mask: 2 · area / perimeter; 0 when it is empty."""
    inner = cv2.erode(mask, NEIGHBOURS, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    area = cv2.countNonZero(mask)
    return 2 * area / max(1, area - cv2.countNonZero(inner))


def normalise_stroke(ink: Image, *, thinnest: float = 2.1, thickest: float = 2.7) -> Image:
    """Redraw a cropped (H, W) ink map whose strokes are thinner or thicker than these widths, in MNIST pixels.

    90 % of MNIST's digits have strokes of 1.3 to 3.0 (median 1.9). Where the two contradict, ``thickest`` counts.

    The contour is moved in or out along the signed distance to it, at most a third of the
    stroke inwards, so that shape and holes survive; its edge is anti-aliased. Returns about 80 px plus the growth.
    """
    if not cv2.countNonZero(ink):
        return ink
    drawn, scale = enlarge(ink), DRAWN_SIDE / max(ink.shape)
    if scale > 1:
        drawn = blur(drawn, 3, min(scale / 2, SMOOTHING))
    pad = DRAWN_SIDE // 10  # more than a hairline grows
    drawn = cv2.copyMakeBorder(drawn, pad, pad, pad, pad, cv2.BORDER_CONSTANT, value=0)
    mask = cv2.threshold(drawn, CONTOUR - 1, 1, cv2.THRESH_BINARY)[1]
    unit = DRAWN_SIDE / BOX
    width = stroke_width(mask)
    target = min(max(width, thinnest * unit), thickest * unit)
    growth = max((target - width) / 2, -width / 3)
    paper = cv2.threshold(drawn, CONTOUR - 1, 1, cv2.THRESH_BINARY_INV)[1]
    outside = cv2.distanceTransform(paper, cv2.DIST_L2, 3)
    inside = cv2.distanceTransform(mask, cv2.DIST_L2, 3)
    # distances are to the nearest pixel of the other side: the contour runs half a pixel before it
    depth = cv2.subtract(inside, mask, dtype=cv2.CV_32F)
    slope = 255 / (EDGE_WIDTH * unit)
    return cv2.addWeighted(depth, slope, outside, -slope, slope * (growth + 0.5) + 127, dtype=cv2.CV_8U)
