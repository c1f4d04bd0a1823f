"""Estimate the light that falls on paper: what each pixel would show without ink."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import cv2
import numpy as np

from batch_eval.imaging.filters import COARSE_SIDE, CUT_OUT, NEIGHBOURS, blur, odd_width, shrink
from batch_eval.imaging.pixels import WHITE
from batch_eval.imaging.steps import Image

MIN_SHADE, MAX_SHADE = 0.12, 0.6
"""Share of the light that a shadow takes: less is not told from the paper around it, more is ink."""
MIN_SHADE_AREA = 0.02
"""Share that it covers of an image as high as it is wide."""
NEAR_BORDER = 0.06
"""Distance from the border, as a share of the longest side, within which it begins; the closing reaches no nearer."""
MIN_SEEN, SEEN = 0.55, 0.15
"""Share of a shadow in which its paper is seen: other things absorb less than this share of what the shadow does. Thick
strokes, and the places where strokes meet, are darker than the paper that would be there."""
MIN_DARKER, MIN_DARKER_ACROSS = 1.5, 0.8
"""Times what a shadow absorbs that ink does, for the thick strokes of a digit are about as dark as its thin ones; the
same for a shadow that lies across the whole image, as strokes rarely do."""
MIN_SHARP = 0.62
"""Share of its tone by which the darkest ink rises within two pixels; where it rises more slowly, as in an image that
was enlarged, strokes are as soft as shadows."""
MAX_UNEVEN = 1.15
"""Times the middle of what a shadow absorbs that it may absorb somewhere; what is darker there is ink."""
MAX_BRIGHTENED = 1.01
"""Times its tone to which paper is smoothed; on the dark side of a shadow's edge, more would turn paper into ink."""
MIN_LIT = 0.25
"""Share of the brightest paper's tone below which a closing shows no shadow but strokes wider than itself."""
CUT_STROKE = 0.1
"""Depth, as a share of the longest side, of a stroke along the border, which a closing leaves dark."""


def absorbed(image: Image, paper: Image) -> Image:
    """Return (H, W), 255 · (1 - image / paper), in the channel that absorbs most; both are grey or BGR and never 0."""
    share = cv2.bitwise_not(cv2.divide(image, paper, scale=255))
    if share.ndim == 2:
        return share
    blue, green, red = cv2.split(share)
    return cv2.max(cv2.max(blue, green), red)


def paper_tone(image: Image, window: float) -> Image:
    """Estimate what each pixel would be without ink: same shape as ``image``, whose ink is dark.

    A morphological closing wider than any stroke (``window``, a share of the longest side) fills the strokes in and
    follows shadows, vignettes and gradients (J. Serra, Image Analysis and Mathematical Morphology, 1982, the black
    top-hat). The border is replicated so that a darkening towards it is light and not ink. Three small discs one
    after the other fill what a large one does, in a third of the time. Narrow shadows, which one of them leaves, are
    followed as well. Paper that somebody has cleaned has one tone.
    """
    cleaned = _cleaned_tone(image)
    if cleaned is not None:
        return np.full_like(image, cleaned)
    coarse = shrink(image, COARSE_SIDE)
    half = odd_width(coarse, window) // 2
    discs = 3 if half >= 6 else 1  # a disc of a few pixels has no smaller ones
    radius = round(half / discs)
    reach, edge = discs * radius, cv2.BORDER_REPLICATE
    rim = min(5, 2 * reach + 1)  # as far as the blur reaches
    pad = reach + rim
    disc = _disc(radius)
    padded = cv2.copyMakeBorder(coarse, pad, pad, pad, pad, edge)
    spread = cv2.dilate(padded, disc, borderType=edge)
    closed = cv2.dilate(spread, disc, iterations=discs - 1, borderType=edge)
    closed = cv2.erode(closed, disc, iterations=discs, borderType=edge)
    shaded = max(image.shape[:2]) >= CUT_OUT  # in an image that somebody cut to its digit, what is dark is ink
    if shaded:
        narrow = cv2.erode(spread, disc, borderType=edge)
        for shadow, tone in _shadows(image, padded, closed, narrow, pad):
            least = cv2.convertScaleAbs(closed, alpha=1 - MAX_UNEVEN * tone / 255)
            in_shadow = cv2.min(closed, cv2.max(narrow, least))
            closed = cv2.copyTo(in_shadow, cv2.dilate(shadow, disc), closed)
    smooth = blur(np.ascontiguousarray(closed[reach:-reach, reach:-reach]), rim, 1.5)[rim:-rim, rim:-rim]
    if shaded:
        smooth = cv2.min(smooth, _brightened(closed[pad:-pad, pad:-pad]))
    return cv2.resize(smooth, (image.shape[1], image.shape[0]), interpolation=cv2.INTER_LINEAR)


def _shadows(image: Image, padded: Image, closed: Image, narrow: Image, pad: int) -> list[tuple[Image, float]]:
    """Return a 0/1 mask of each narrow shadow in a coarse image, and what it absorbs of 255.

    ``padded`` is the coarse image with its border, ``closed`` what a closing wider than the shadow makes of it, and
    ``narrow`` what a narrower one does. A shadow falls into the image from outside and shows paper; ink is darker, and
    sharp.
    """
    shaded = list(_on_paper(padded, closed, narrow, pad))
    inner = slice(pad, -pad), slice(pad, -pad)
    if not shaded or not _is_sharp(absorbed(padded[inner], closed[inner])):
        return []
    strokes = shrink(cv2.erode(image, NEIGHBOURS), COARSE_SIDE)  # of hairlines, too, the full tone
    darkest = float(np.percentile(absorbed(strokes, narrow[inner]), 99.5))
    return [(mask, tone) for mask, tone in shaded if darkest >= tone * _least_ink(mask)]


def _is_sharp(ink: Image) -> bool:
    """Say whether ink rises fast enough at its edges to be told from a shadow by how wide it is."""
    rise = cv2.morphologyEx(ink, cv2.MORPH_GRADIENT, NEIGHBOURS)
    darkest, steepest = (float(np.percentile(values, 99)) for values in (ink, rise))
    return steepest >= MIN_SHARP * darkest


def _on_paper(padded: Image, closed: Image, narrow: Image, pad: int) -> Iterator[tuple[Image, float]]:
    """Yield the mask and the tone of what is wider than strokes, begins at the border and shows paper."""
    shade = absorbed(narrow, closed)
    mask = cv2.threshold(shade, 255 * MIN_SHADE, 1, cv2.THRESH_BINARY)[1]
    least = MIN_SHADE_AREA * COARSE_SIDE**2
    if cv2.countNonZero(mask) < least:
        return
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask)
    near = pad + round(NEAR_BORDER * COARSE_SIDE)
    strokes = absorbed(padded, narrow)
    for piece, (left, top, width, height, area) in enumerate(stats[1:].tolist(), 1):
        beyond = mask.shape[1] - left - width, mask.shape[0] - top - height
        if area < least or min(left, top, *beyond) > near:
            continue
        shadow = labels == piece
        tone = float(np.median(shade[shadow]))
        if tone <= 255 * MAX_SHADE and (strokes[shadow] < SEEN * tone).mean() >= MIN_SEEN:
            yield shadow.view(np.uint8), tone


def _least_ink(shadow: Image) -> float:
    """Return how many times as much as a shadow, of which a 0/1 mask is given, ink must absorb."""
    _, sides, _ = cv2.minAreaRect(cv2.findNonZero(shadow))
    across = min(sides) < COARSE_SIDE / 2 and max(sides) > COARSE_SIDE
    return MIN_DARKER_ACROSS if across else MIN_DARKER


def _brightened(closed: Image) -> Image:
    """Return how bright a blur may make paper: hardly brighter than it is.

    Any brightness where it is none: where the border cuts strokes, and where it is too dark for paper.
    """
    depth = round(CUT_STROKE * COARSE_SIDE)
    if min(closed.shape[:2]) <= 2 * depth:
        return np.full_like(closed, WHITE)
    inner = closed[depth:-depth, depth:-depth]
    ink = cv2.threshold(inner, MIN_LIT * cv2.norm(inner, cv2.NORM_INF), WHITE, cv2.THRESH_BINARY_INV)[1]
    inner = cv2.max(cv2.convertScaleAbs(inner, alpha=MAX_BRIGHTENED), ink)
    return cv2.copyMakeBorder(inner, depth, depth, depth, depth, cv2.BORDER_CONSTANT, value=(WHITE,) * 3)


def _cleaned_tone(image: Image) -> float | None:
    """Return the tone of paper that somebody has cleaned, in an image cut to its digit; None where it was not.

    Most of such an image has exactly one value, and none is brighter.
    """
    if max(image.shape[:2]) >= CUT_OUT or image.ndim == 3:
        return None
    brightest = cv2.minMaxLoc(image)[1]
    paper = cv2.threshold(image, brightest - 1, 1, cv2.THRESH_BINARY)[1]
    return brightest if 2 * cv2.countNonZero(paper) > paper.size else None


@lru_cache(maxsize=64)
def _disc(radius: int) -> Image:
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
