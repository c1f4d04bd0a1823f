"""Bring a digit's strokes to the width of MNIST's pens."""

from __future__ import annotations

import cv2

from batch_eval.imaging.filters import NEIGHBOURS, blur
from batch_eval.imaging.steps import BOX, Image

CONTOUR = 128
"""Value of an ink map at the edge of a stroke."""
DRAWN_SIDE = 80
"""Longest side, in pixels, at which strokes are measured and redrawn. It is 4 × MNIST's box."""

# Chosen by experiment, as were the default limits of `normalise_stroke`; docs/preprocessing.md, row "photo without
# `stroke`".
SMOOTHING = 0.8
"""Maximum standard deviation, in those pixels, of the blur that smooths enlarged images.

It is also at most half a pixel of the image. Hairlines survive that, and tiny holes stay open.
"""
EDGE_WIDTH = 1.5
"""Width of a stroke's edge from 0 to 255, in MNIST pixels.

MNIST's own edges measure 0.5 to 1. Softer ones hide the jags of binarisation from a network.
"""


def enlarge(ink: Image) -> Image:
    """Resize a cropped ink map so that its longest side is 80 px."""
    scale = DRAWN_SIDE / max(ink.shape)
    size = max(1, round(ink.shape[1] * scale)), max(1, round(ink.shape[0] * scale))
    return cv2.resize(ink, size, interpolation=cv2.INTER_AREA if scale <= 1 else cv2.INTER_CUBIC)


def stroke_width(mask: Image) -> float:
    """Return the mean stroke width of an (H, W) 0/1 mask, in pixels.

    It is 2 · area / perimeter, and 0 for an empty mask.

    >>> import numpy as np
    >>> round(stroke_width(np.ones((3, 30), np.uint8)), 1)  # 2 · 90 / 62
    2.9
    """
    inner = cv2.erode(mask, NEIGHBOURS, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    area = cv2.countNonZero(mask)
    return 2 * area / max(1, area - cv2.countNonZero(inner))


def normalise_stroke(ink: Image, *, thinnest: float = 2.1, thickest: float = 2.7) -> Image:
    """Redraw the strokes of a digit with a width between two limits.

    The contour moves along its signed distance. It moves in by at most a third of the stroke, so that shape and holes
    survive. For comparison, 90 % of MNIST's digits have strokes of 1.3 to 3.0 px (median 1.9).

    Args:
        ink: A cropped ink map, (H, W) uint8, with 128 at the edges of strokes.
        thinnest: Minimum width, in MNIST pixels.
        thickest: Maximum width, in MNIST pixels. If the limits contradict, this one counts.

    Returns:
        uint8 with anti-aliased edges, 96 px on its longest side: 80 and a margin of 8 to grow into.

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
    # The signed distance to the contour is depth - outside. It is shifted by the growth and multiplied by a slope: 127
    # on the new contour, 0 and 255 half an edge away. OpenCV measures to the nearest pixel of the other side. The
    # contour is half a pixel before it, hence -1 inside and +0.5 everywhere.
    depth = cv2.subtract(inside, mask, dtype=cv2.CV_32F)
    slope = 255 / (EDGE_WIDTH * unit)
    return cv2.addWeighted(depth, slope, outside, -slope, slope * (growth + 0.5) + 127, dtype=cv2.CV_8U)
