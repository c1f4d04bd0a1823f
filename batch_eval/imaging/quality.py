"""Quality flags: what about a photo may explain that it is misread. Each is a slice of every report."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np

from batch_eval.imaging.digit import belonging, find_pieces
from batch_eval.imaging.ink import CONTOUR, paper_noise
from batch_eval.imaging.lines import MIN_SIDE, MIN_STRENGTH
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

    A flag whose steps were switched off is not raised; an image without ink has no flags.
    """
    if not {"ink", "paper", "digit"} <= stages.keys() or not stages["digit"].any():
        return ()
    ink, digit = stages["ink"], stages["digit"]
    found = {
        **_ink_flags(ink, digit),
        "touches_border": _touches_border(digit),
        "ruled_paper": "lines" in stages and _ruled(ink, stages["lines"]),
        "several_digits": _several(stages["paper"]),
    }
    return tuple(name for name in FLAGS if found[name])


def _ink_flags(ink: Image, digit: Image) -> dict[str, bool]:
    """Judge the ink map (H, W) where the digit (H, W) lies."""
    stroke = (digit >= CONTOUR).astype(np.uint8)
    tone = cv2.mean(ink, stroke)[0]
    paper, noise = paper_noise(ink)
    return {
        "low_contrast": tone - paper < 51,
        "faint": tone - paper < 8 * noise,
        "blurred": _blurred(ink, stroke, tone),
    }


def _blurred(ink: Image, stroke: Image, tone: float) -> bool:
    """Say whether the strokes' edges are wide, both in the image and for the strokes.

    An edge is as wide as its tone divided by its steepest rise; at 2 % of the image's longest side an eye sees it. An
    image of few pixels is coarse, not blurred.
    """
    if max(ink.shape) < MIN_SIDE:
        return False
    rise = np.hypot(cv2.Sobel(ink, cv2.CV_32F, 1, 0, scale=1 / 8), cv2.Sobel(ink, cv2.CV_32F, 0, 1, scale=1 / 8))
    around = cv2.dilate(stroke, np.ones((3, 3), np.uint8)) > 0
    edge = tone / max(float(np.percentile(rise[around], 90)), 1e-3)
    return edge > 0.02 * max(ink.shape) and edge > 0.45 * stroke_width(stroke)


def _touches_border(digit: Image) -> bool:
    """Say whether ink reaches the outermost pixels."""
    return bool(border(digit).max() >= CONTOUR)


def _ruled(ink: Image, without: Image) -> bool:
    """Say whether removing the lines took away ink over a length of at least the image's longest side."""
    return bool((cv2.subtract(ink, without) > MIN_STRENGTH).sum() >= max(ink.shape))


def _several(paper: Image) -> bool:
    """Say whether a piece that does not belong to the digit has more than half its extent and a quarter of its ink."""
    _, pieces = find_pieces(paper)
    main = int(pieces.scores.argmax())
    others = ~belonging(pieces, main) & (pieces.edges == 0)
    others[0] = False
    large = (pieces.extent > pieces.extent[main] / 2) & (pieces.amount > pieces.amount[main] / 4)
    return bool((others & large).any())
