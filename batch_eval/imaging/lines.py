"""Find and remove printed rules: lined and squared paper, whose lines run through the whole image."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from batch_eval.imaging.ink import shrink
from batch_eval.imaging.steps import Image

SEARCH_SIDE = 160
"""Longest side, in pixels, at which the slope of the rules is searched."""
SLOPES = np.tan(np.deg2rad(np.arange(-9, 9.5, 1.0)))
"""The slopes that are tried, as vertical pixels for each horizontal one: sheets are rarely turned further."""
SEGMENTS = 12
"""Pieces into which a row is cut; a rule is seen in most of them, a stroke only in a few."""
MIN_SIDE = 64
"""Shortest side, in pixels, of an image that can show ruled paper."""
MIN_STRENGTH = 5.0
"""Grey levels by which a rule stands out from the rows around it."""


def remove_lines(ink: Image) -> Image:
    """Erase the horizontal and vertical rules of a (H, W) uint8 ink map and keep the strokes that cross them.

    A row (column) of the levelled image is a rule as far as most of its segments are inked. What is no darker than the
    rule itself is erased; a stroke that crosses it is darker, and the gap it may leave is closed.
    """
    if min(ink.shape) < MIN_SIDE:
        return ink
    erased = _remove_horizontal(ink)
    return cv2.transpose(_remove_horizontal(cv2.transpose(erased)))


def _remove_horizontal(ink: Image) -> Image:
    """Erase the rules that run from left to right."""
    slope = _slope(ink)
    strength = _strength(_level(ink, slope))
    if not strength.any():
        return ink
    rules = np.repeat(strength[:, None], ink.shape[1], axis=1)
    rules = _level(rules, -slope)
    return _erase(ink, rules)


def _level(image: Image, slope: float) -> Image:
    """Shear an image so that lines with this slope become rows."""
    middle = image.shape[1] / 2
    shear = np.array([[1, 0, 0], [-slope, 1, slope * middle]], np.float32)
    return cv2.warpAffine(
        image, shear, (image.shape[1], image.shape[0]), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )


def _slope(ink: Image) -> float:
    """Return the slope at which rows differ most from their neighbours, as rules do when they are level."""
    small = shrink(ink, SEARCH_SIDE)
    faint = np.minimum(small, np.uint8(2 * np.median(small[small > 3]) if (small > 3).any() else 255))
    sharpness = []
    for slope in SLOPES:
        rows = cv2.reduce(_level(faint, float(slope)), 1, cv2.REDUCE_AVG, dtype=cv2.CV_32F)
        sharpness.append(float(np.square(np.diff(rows[:, 0])).sum()))
    return float(SLOPES[int(np.argmax(sharpness))])


def _strength(level: Image) -> NDArray[np.float32]:
    """(H,) grey levels of the rule in each row of a levelled ink map; 0 where there is none."""
    height = level.shape[0]
    segments = cv2.resize(level, (SEGMENTS, height), interpolation=cv2.INTER_AREA)
    typical = np.percentile(segments, 35, axis=1).astype(np.float32)[:, None]
    # a stroke ends before the border; a rule runs out of the image on both sides
    margin = max(2, level.shape[1] // 100)
    first, last = level[:, :margin].max(axis=1, keepdims=True), level[:, -margin:].max(axis=1, keepdims=True)
    ends = cv2.dilate(np.minimum(first, last), np.ones((5, 1), np.uint8))[:, 0]
    typical[ends < 0.5 * typical[:, 0]] = 0
    thickest = max(5, height // 24) | 1
    strength = cv2.morphologyEx(typical, cv2.MORPH_TOPHAT, np.ones((thickest, 1), np.uint8))
    strength[strength < MIN_STRENGTH] = 0
    # the row beside a rule still holds some of it
    beside = cv2.dilate(np.where(strength > 0, typical, 0).astype(np.float32), np.ones((3, 1), np.uint8))
    return np.asarray(beside[:, 0], np.float32)


def _erase(ink: Image, rules: Image) -> Image:
    """Set to 0 what is no darker than the rule there, and close the gaps that this leaves in strokes."""
    on_rule = rules > 1
    stroke = ink > 1.6 * rules + 8
    erased = np.where(on_rule & ~stroke, 0, ink).astype(np.uint8)
    reach = 5
    closed = cv2.morphologyEx(erased, cv2.MORPH_CLOSE, np.ones((reach, reach), np.uint8))
    return np.where(on_rule & ~stroke, closed, erased).astype(np.uint8)
