"""Quality flags: what about a photo may explain that it is misread. Each is a slice of every report."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np

from batch_eval.imaging.digit import belonging, find_pieces
from batch_eval.imaging.filters import CUT_OUT, NEIGHBOURS
from batch_eval.imaging.ink import CONTOUR, paper_noise
from batch_eval.imaging.lines import MIN_STRENGTH
from batch_eval.imaging.steps import Image, border
from batch_eval.imaging.stroke import stroke_width

FLAGS = {
    "low_contrast": "The ink absorbs less than a fifth of the paper's light.",
    "faint": "The ink barely stands out from the paper's noise.",
    "blurred": "The edges of the strokes are soft: out of focus or moved.",
    "touches_border": "The digit touches the border of the image and may be cut off.",
    "ruled_paper": "Printed lines were found and removed.",
    "several_digits": "A second piece of ink is large enough to be a digit.",
}
"""The flags and what each says to a person."""


def flags(stages: Mapping[str, Image]) -> tuple[str, ...]:
    """Return the flags of one image from the results of the `photo` recipe's steps, by step name.

    A flag whose steps were switched off is not raised. An image without ink has no flags, nor has one that somebody
    cut to its digit: it is coarse, not blurred, and touches the border on purpose.
    """
    if not {"ink", "paper", "digit"} <= stages.keys():
        return ()
    ink, digit = stages["ink"], stages["digit"]
    if max(ink.shape) < CUT_OUT or not digit.any():
        return ()
    found = {
        **_ink_flags(ink, digit),
        "touches_border": _touches_border(digit),
        "ruled_paper": "lines" in stages and _ruled(ink, stages["lines"]),
        "several_digits": _several(stages["paper"], digit),
    }
    return tuple(name for name in FLAGS if found[name])


def _ink_flags(ink: Image, digit: Image) -> dict[str, bool]:
    """Judge the ink map (H, W) where the digit (H, W) lies."""
    paper, noise = paper_noise(ink)
    x, y, width, height = cv2.boundingRect(digit)
    around = slice(max(0, y - 2), y + height + 2), slice(max(0, x - 2), x + width + 2)
    stroke = cv2.threshold(digit[around], CONTOUR - 1, 1, cv2.THRESH_BINARY)[1]
    tone = cv2.mean(ink[around], stroke)[0]
    edge = _edge_width(ink[around], stroke, tone)
    return {
        "low_contrast": tone - paper < 51,
        "faint": tone - paper < 8 * noise,
        # wide both in the image, where an eye sees 2 %, and for the strokes
        "blurred": edge > 0.02 * max(ink.shape) and edge > 0.45 * stroke_width(stroke),
    }


def _edge_width(ink: Image, stroke: Image, tone: float) -> float:
    """Return over how many pixels the strokes' edges rise: their tone divided by their steepest rise."""
    rise = cv2.magnitude(*(cv2.Sobel(ink, cv2.CV_32F, dx, 1 - dx, scale=1 / 8) for dx in (0, 1)))
    near = rise[cv2.dilate(stroke, NEIGHBOURS).view(bool)]
    steep = int(0.9 * (len(near) - 1))
    return tone / max(float(np.partition(near, steep)[steep]), 1e-3)


def _touches_border(digit: Image) -> bool:
    """Say whether ink reaches the outermost pixels."""
    return bool(border(digit).max() >= CONTOUR)


def _ruled(ink: Image, without: Image) -> bool:
    """Say whether removing the lines took away ink over a length of at least the image's longest side."""
    removed = cv2.threshold(cv2.subtract(ink, without), MIN_STRENGTH, 1, cv2.THRESH_BINARY)[1]
    return bool(cv2.countNonZero(removed) >= max(ink.shape))


def _several(paper: Image, digit: Image) -> bool:
    """Say whether a piece that does not belong to the digit has more than half its extent and a quarter of its ink."""
    if cv2.sumElems(paper)[0] < 1.25 * cv2.sumElems(digit)[0]:
        return False
    pieces = find_pieces(paper)
    main = pieces.main
    others = ~belonging(pieces) & (pieces.edges == 0) & ~pieces.flat
    others[0] = False
    large = (pieces.extent > pieces.extent[main] / 2) & (pieces.amount > pieces.amount[main] / 4)
    return bool((others & large).any())
