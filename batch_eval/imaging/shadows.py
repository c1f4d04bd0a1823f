"""Is a dark band a narrow shadow, or ink? Paper in a shadow is divided by the light that is left there.

Measured by the rows "photo, in a narrow shadow" of docs/preprocessing.md.
"""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

from batch_eval.imaging.filters import COARSE_SIDE, NEIGHBOURS, absorption, shrink
from batch_eval.imaging.steps import Image, percentile

# Chosen by experiment on those rows.
MIN_SHADOW = 0.12
"""Minimum fraction of the light that a shadow absorbs. Less is not told from the paper around it."""
MAX_SHADOW = 0.6
"""Maximum fraction of the light that it absorbs. More is ink."""
MIN_SHADOW_AREA = 0.02
"""Minimum area of a shadow. Unit: the longest side squared."""
NEAR_BORDER = 0.06
"""Maximum distance of a shadow from the border. Unit: the longest side. The closing reaches no nearer."""
MIN_BARE = 0.55
"""Minimum fraction of a shadow that shows bare paper. Thick strokes and crossings are darker throughout."""
BARE_TONE = 0.15
"""Maximum further absorption of bare paper in a shadow. Unit: the shadow's absorption."""
MIN_DARKER = 1.5
"""Minimum absorption of ink. Unit: the shadow's absorption.

A digit's thick strokes, taken for a shadow, are about as dark as its thin ones.
"""
MIN_DARKER_ACROSS = 0.8
"""The same for a shadow across the whole image. Strokes rarely reach that far."""
MIN_SHARP = 0.62
"""Minimum rise of the darkest ink within two pixels. Unit: its tone.

In an enlarged image, strokes are as soft as shadows.
"""


def find_shadows(image: Image, padded: Image, closed: Image, narrow: Image, pad: int) -> list[tuple[Image, float]]:
    """Return the 0/1 mask of each narrow shadow, and how much of 255 it absorbs.

    Args:
        image: The image at full size.
        padded: The coarse image, padded by ``pad`` px.
        closed: Its closing, wider than the shadows.
        narrow: Its closing, narrower than the shadows.
        pad: Width of the padding, in pixels.

    """
    # A shadow starts at the border and shows paper; ink is darker and has sharp edges.
    candidates = list(_candidates(padded, closed, narrow, pad))
    inner = slice(pad, -pad), slice(pad, -pad)
    if not candidates or not _is_sharp(absorption(padded[inner], closed[inner])):
        return []
    strokes = shrink(cv2.erode(image, NEIGHBOURS), COARSE_SIDE)  # dark strokes grow, so that hairlines keep their tone
    darkest = percentile(absorption(strokes, narrow[inner]), 99.5)
    return [(mask, tone) for mask, tone in candidates if darkest >= tone * _min_ink_ratio(mask)]


def _is_sharp(ink: Image) -> bool:
    """Say whether the edges of ink are sharp, so that its width tells it from a shadow."""
    rise = cv2.morphologyEx(ink, cv2.MORPH_GRADIENT, NEIGHBOURS)
    darkest, steepest = (percentile(values, 99) for values in (ink, rise))
    return steepest >= MIN_SHARP * darkest


def _candidates(padded: Image, closed: Image, narrow: Image, pad: int) -> Iterator[tuple[Image, float]]:
    """Yield the mask and absorption of what may be a shadow.

    It is wider than strokes, starts at the border and shows paper.
    """
    darkness = absorption(narrow, closed)
    mask = cv2.threshold(darkness, 255 * MIN_SHADOW, 1, cv2.THRESH_BINARY)[1]
    least = MIN_SHADOW_AREA * COARSE_SIDE**2
    if cv2.countNonZero(mask) < least:
        return
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask)
    near = pad + round(NEAR_BORDER * COARSE_SIDE)
    strokes = absorption(padded, narrow)
    for component, (left, top, width, height, area) in enumerate(stats[1:].tolist(), 1):
        beyond = mask.shape[1] - left - width, mask.shape[0] - top - height
        if area < least or min(left, top, *beyond) > near:
            continue
        shadow = labels == component
        tone = float(np.median(darkness[shadow]))
        if tone <= 255 * MAX_SHADOW and (strokes[shadow] < BARE_TONE * tone).mean() >= MIN_BARE:
            yield shadow.view(np.uint8), tone


def _min_ink_ratio(shadow: Image) -> float:
    """Return the minimum absorption of ink beside a shadow, given as a 0/1 mask. Unit: the shadow's."""
    _, sides, _ = cv2.minAreaRect(cv2.findNonZero(shadow))
    across = min(sides) < COARSE_SIDE / 2 and max(sides) > COARSE_SIDE
    return MIN_DARKER_ACROSS if across else MIN_DARKER
