"""Estimate the light that falls on paper: what each pixel would show without ink."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

from batch_eval.imaging.filters import COARSE_SIDE, CUT_OUT, blur, odd_width, shrink
from batch_eval.imaging.steps import Image


def paper_tone(image: Image, window: float) -> Image:
    """Estimate what each pixel would be without ink: same shape as ``image``, whose ink is dark.

    A morphological closing wider than any stroke (``window``, a share of the longest side) fills the strokes in and
    follows shadows, vignettes and gradients (J. Serra, Image Analysis and Mathematical Morphology, 1982, the black
    top-hat). The border is replicated so that a darkening towards it is light and not ink. Three small discs one
    after the other fill what a large one does, in a third of the time. Paper that somebody has cleaned has one tone.
    """
    cleaned = _cleaned_tone(image)
    if cleaned is not None:
        return np.full_like(image, cleaned)
    coarse = shrink(image, COARSE_SIDE)
    half = odd_width(coarse, window) // 2
    discs = 3 if half >= 6 else 1  # a disc of a few pixels has no smaller ones
    radius = round(half / discs)
    reach = discs * radius
    rim = min(5, 2 * reach + 1)  # as far as the blur reaches
    pad = reach + rim
    padded = cv2.copyMakeBorder(coarse, pad, pad, pad, pad, cv2.BORDER_REPLICATE)
    disc, edge = _disc(radius), cv2.BORDER_REPLICATE
    closed = cv2.morphologyEx(padded, cv2.MORPH_CLOSE, disc, iterations=discs, borderType=edge)
    smooth = blur(np.ascontiguousarray(closed[reach:-reach, reach:-reach]), rim, 1.5)[rim:-rim, rim:-rim]
    return cv2.resize(smooth, (image.shape[1], image.shape[0]), interpolation=cv2.INTER_LINEAR)


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
