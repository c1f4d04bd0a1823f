"""Erase printed rules; keep the strokes that cross them, and straight strokes of the digit.

Measured by the rows "photo without `lines`" of docs/preprocessing.md.
"""

from __future__ import annotations

import cv2
import numpy as np

from batch_eval.imaging.steps import Image
from batch_eval.imaging.surroundings.rules import Rule
from batch_eval.imaging.surroundings.straight_strokes import are_strokes

# Chosen by experiment on those rows.
MIN_DARKER = 25
"""Minimum grey levels by which a stroke is darker than a row of a rule."""


def erase_rules(ink: Image, horizontal: list[Rule], vertical: list[Rule]) -> Image:
    """Return an ink map without these rules. If they are strokes of the digit, return the same object."""
    if not horizontal and not vertical:
        return ink
    rest = _erase(ink, horizontal)
    if vertical:
        rest = cv2.transpose(_erase(cv2.transpose(rest), vertical))
    return ink if are_strokes(ink, rest, horizontal, vertical) else rest


def _erase(ink: Image, rules: list[Rule]) -> Image:
    """Set to 0 what is no darker than the rules, and close the gaps in strokes."""
    if not rules:
        return ink
    # `exceed` holds the tone that ink must exceed to stay. A rule is palest at its edges, so each of its rows has its
    # own level. Rows that only blur may cover get the lowest. Example: the profile 20 60 20 gets the levels 45 85 45,
    # so a stroke of tone 90 stays in all rows.
    exceed: Image = np.zeros_like(ink)
    right = ink.shape[1] - 1
    for rule in rules:
        highest = min(255, 1.6 * rule.tone + 8)
        levels = [min(tone + MIN_DARKER, highest) for tone in rule.profile]
        cv2.line(exceed, (0, rule.first), (right, rule.last), min(levels), rule.thickness)
        for offset, level in enumerate(levels, -(len(levels) // 2)):
            cv2.line(exceed, (0, rule.first + offset), (right, rule.last + offset), level)
    faint: Image = ((exceed > 0) & (ink <= exceed)).astype(np.uint8) * 255
    erased = cv2.subtract(ink, faint)
    closed = cv2.morphologyEx(erased, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    return cv2.copyTo(closed, faint, erased)
