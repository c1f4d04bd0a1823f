"""Estimate the paper: what each pixel would show without ink."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import cv2
import numpy as np

from batch_eval.imaging.filters import COARSE_SIDE, NEIGHBOURS, TIGHT_CROP, blur, odd_width, shrink
from batch_eval.imaging.pixels import WHITE
from batch_eval.imaging.steps import Image

# Thresholds of narrow shadows: chosen by experiment; docs/preprocessing.md, rows "photo, in a narrow shadow".
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
MAX_UNEVEN = 1.15
"""Maximum absorption anywhere in a shadow. Unit: its median absorption. More is ink."""
MAX_BRIGHTENED = 1.01
"""Maximum factor by which smoothing may brighten paper.

On the dark side of a shadow's edge, more would turn paper into ink.
"""
MIN_LIT = 0.25
"""Minimum tone of paper. Unit: the brightest paper's tone. Darker parts are strokes wider than the closing."""
BORDER_STROKE = 0.1
"""Depth of the strokes along the border that the closing leaves dark. Unit: the longest side."""


def absorption(image: Image, paper: Image) -> Image:
    """Return 255 · (1 - image / paper) in the channel that absorbs most.

    Args:
        image: (H, W) or (H, W, 3) BGR uint8, at least 1 everywhere.
        paper: The same shape: the pixels without ink, at least 1 everywhere.

    Returns:
        (H, W) uint8.

    """
    share = cv2.bitwise_not(cv2.divide(image, paper, scale=255))
    if share.ndim == 2:
        return share
    blue, green, red = cv2.split(share)
    return cv2.max(cv2.max(blue, green), red)


def paper_tone(image: Image, window: float) -> Image:
    """Estimate what each pixel would show without ink.

    A morphological closing, wider than any stroke, fills the strokes in. It follows wide shadows, vignettes and
    gradients. It would also fill in narrow shadows, so these are found and kept.
    Source: J. Serra, Image Analysis and Mathematical Morphology (1982), the black top-hat.

    Args:
        image: (H, W) or (H, W, 3) BGR uint8 with dark ink.
        window: Width of the closing, 0 to 1. Unit: the longest side.

    Returns:
        uint8 of the same shape.

    """
    uniform = _uniform_tone(image)
    if uniform is not None:
        return np.full_like(image, uniform)
    # A closing is a maximum over a disc, then a minimum: with radius 1, the row 9 9 4 9 9 becomes 9 9 9 9 9.
    # Three small discs in turn do what one large disc does, in a third of the time.
    coarse = shrink(image, COARSE_SIDE)
    half = odd_width(coarse, window) // 2
    discs = 3 if half >= 6 else 1  # smaller windows cannot be split
    radius = round(half / discs)
    reach, edge = discs * radius, cv2.BORDER_REPLICATE  # replicated, so that a darker border is light and not ink
    rim = min(5, 2 * reach + 1)  # radius of the blur
    pad = reach + rim
    disc = _disc(radius)
    padded = cv2.copyMakeBorder(coarse, pad, pad, pad, pad, edge)
    spread = cv2.dilate(padded, disc, borderType=edge)
    closed = cv2.dilate(spread, disc, iterations=discs - 1, borderType=edge)
    closed = cv2.erode(closed, disc, iterations=discs, borderType=edge)
    has_shadows = max(image.shape[:2]) >= TIGHT_CROP  # in a tight crop, what is dark is ink
    if has_shadows:
        # A closing by one small disc leaves narrow shadows dark, and wide strokes, too. It is used only in shadows, and
        # no darker there than the shadow makes paper.
        narrow = cv2.erode(spread, disc, borderType=edge)
        for shadow, tone in _shadows(image, padded, closed, narrow, pad):
            least = cv2.convertScaleAbs(closed, alpha=1 - MAX_UNEVEN * tone / 255)
            in_shadow = cv2.min(closed, cv2.max(narrow, least))
            closed = cv2.copyTo(in_shadow, cv2.dilate(shadow, disc), closed)
    smooth = blur(np.ascontiguousarray(closed[reach:-reach, reach:-reach]), rim, 1.5)[rim:-rim, rim:-rim]
    if has_shadows:
        smooth = cv2.min(smooth, _max_brightness(closed[pad:-pad, pad:-pad]))
    return cv2.resize(smooth, (image.shape[1], image.shape[0]), interpolation=cv2.INTER_LINEAR)


def _shadows(image: Image, padded: Image, closed: Image, narrow: Image, pad: int) -> list[tuple[Image, float]]:
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
    darkest = float(np.percentile(absorption(strokes, narrow[inner]), 99.5))
    return [(mask, tone) for mask, tone in candidates if darkest >= tone * _min_ink_ratio(mask)]


def _is_sharp(ink: Image) -> bool:
    """Say whether the edges of ink are sharp, so that its width tells it from a shadow."""
    rise = cv2.morphologyEx(ink, cv2.MORPH_GRADIENT, NEIGHBOURS)
    darkest, steepest = (float(np.percentile(values, 99)) for values in (ink, rise))
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


def _max_brightness(closed: Image) -> Image:
    """Return how bright smoothing may make each pixel of a closing."""
    # Paper may get 1 % brighter. There is no limit where the closing is not paper: along the border, where it leaves
    # strokes dark, and where it is too dark for paper.
    depth = round(BORDER_STROKE * COARSE_SIDE)
    if min(closed.shape[:2]) <= 2 * depth:
        return np.full_like(closed, WHITE)
    inner = closed[depth:-depth, depth:-depth]
    ink = cv2.threshold(inner, MIN_LIT * cv2.norm(inner, cv2.NORM_INF), WHITE, cv2.THRESH_BINARY_INV)[1]
    inner = cv2.max(cv2.convertScaleAbs(inner, alpha=MAX_BRIGHTENED), ink)
    return cv2.copyMakeBorder(inner, depth, depth, depth, depth, cv2.BORDER_CONSTANT, value=(WHITE,) * 3)


def _uniform_tone(image: Image) -> float | None:
    """Return the paper's tone in a tight crop whose paper was set to one value.

    Most pixels have that value, and none is brighter. In other images, return None.
    """
    if max(image.shape[:2]) >= TIGHT_CROP or image.ndim == 3:
        return None
    brightest = cv2.minMaxLoc(image)[1]
    paper = cv2.threshold(image, brightest - 1, 1, cv2.THRESH_BINARY)[1]
    return brightest if 2 * cv2.countNonZero(paper) > paper.size else None


@lru_cache(maxsize=64)
def _disc(radius: int) -> Image:
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
