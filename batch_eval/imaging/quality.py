"""Quality flags: what may explain why a photo is misread. Each flag is a slice of every report."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np

from batch_eval.imaging.components import find_components
from batch_eval.imaging.digit import digit_components
from batch_eval.imaging.filters import NEIGHBOURS, TIGHT_CROP
from batch_eval.imaging.ink import paper_noise
from batch_eval.imaging.steps import Image, border
from batch_eval.imaging.stroke import CONTOUR, stroke_width
from batch_eval.imaging.surroundings.lines import MIN_STRENGTH

FLAGS = {
    "low_contrast": "The ink absorbs less than a fifth of the paper's light.",
    "faint": "The ink barely stands out from the paper's noise.",
    "blurred": "The edges of the strokes are soft: out of focus or moved.",
    "touches_border": "The digit touches the border of the image and may be cut off.",
    "ruled_paper": "Printed lines were found and removed.",
    "several_digits": "A second piece of ink is large enough to be a digit.",
    "not_a_digit": "What was found does not look like one digit.",
}
"""The flags and their meaning in reports."""

FLAGGED_STEPS = frozenset({"ink", "lines", "paper", "digit"})
"""Steps of the `photo` recipe whose results flags are raised by."""


def flags(stages: Mapping[str, Image], *, several: bool = False) -> tuple[str, ...]:
    """Return the flags of one image.

    Flags whose steps were skipped are not raised. An image without ink has no flags but that of several digits, of
    which none may have been chosen. A tight crop has no others either: it is coarse rather than blurred, and touches
    its border on purpose.

    Args:
        stages: Result of each step of the `photo` recipe, by step name.
        several: Whether the image is a page of several digits.

    Returns:
        Keys of ``FLAGS``, in their order.

    """
    page = ("several_digits",) if several else ()
    if not {"ink", "paper", "digit"} <= stages.keys():
        return page
    ink, digit = stages["ink"], stages["digit"]
    if max(ink.shape) < TIGHT_CROP or not digit.any():
        return page
    found = {
        **_ink_flags(ink, digit),
        "touches_border": _touches_border(digit),
        "ruled_paper": "lines" in stages and _ruled(ink, stages["lines"]),
        "several_digits": several or _several(stages["paper"], digit),
    }
    return tuple(name for name in FLAGS if found.get(name))


def _ink_flags(ink: Image, digit: Image) -> dict[str, bool]:
    """Return the flags of an (H, W) ink map around its (H, W) digit."""
    paper, noise = paper_noise(ink)
    x, y, width, height = cv2.boundingRect(digit)
    around = slice(max(0, y - 2), y + height + 2), slice(max(0, x - 2), x + width + 2)
    stroke = cv2.threshold(digit[around], CONTOUR - 1, 1, cv2.THRESH_BINARY)[1]
    tone = cv2.mean(ink[around], stroke)[0]
    edge = _edge_width(ink[around], stroke, tone)
    return {
        "low_contrast": tone - paper < 51,  # a fifth of 255
        "faint": tone - paper < 8 * noise,
        # wide in the image, where an eye sees 2 %, and wide for the strokes
        "blurred": edge > 0.02 * max(ink.shape) and edge > 0.45 * stroke_width(stroke),
    }


def _edge_width(ink: Image, stroke: Image, tone: float) -> float:
    """Return the width of the strokes' edges in pixels: their tone divided by their steepest rise."""
    # a stroke of tone 120 whose edge rises by 40 a pixel needs 3 pixels
    rise = cv2.magnitude(*(cv2.Sobel(ink, cv2.CV_32F, dx, 1 - dx, scale=1 / 8) for dx in (0, 1)))
    near = rise[cv2.dilate(stroke, NEIGHBOURS).view(bool)]
    steep = int(0.9 * (len(near) - 1))
    return tone / max(float(np.partition(near, steep)[steep]), 1e-3)


def _touches_border(digit: Image) -> bool:
    """Say whether ink reaches the outermost pixels."""
    return bool(border(digit).max() >= CONTOUR)


def _ruled(ink: Image, without: Image) -> bool:
    """Say whether `lines` removed at least as many pixels as the image's longest side has."""
    removed = cv2.threshold(cv2.subtract(ink, without), MIN_STRENGTH, 1, cv2.THRESH_BINARY)[1]
    return bool(cv2.countNonZero(removed) >= max(ink.shape))


def _several(paper: Image, digit: Image) -> bool:
    """Say whether another component has half of the digit's extent and a quarter of its ink."""
    if cv2.sumElems(paper)[0] < 1.25 * cv2.sumElems(digit)[0]:
        return False
    components = find_components(paper)
    main = components.main
    others = ~digit_components(components) & (components.edges == 0) & ~components.flat
    others[0] = False
    large = (components.extent > components.extent[main] / 2) & (components.amount > components.amount[main] / 4)
    return bool((others & large).any())
