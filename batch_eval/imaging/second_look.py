"""A second look where the first is doubted: a network finds the ink, and what looks more like one digit is taken.

The rules of the steps before ask what surrounds a digit; the ink model has learned from drawn scenes.
They err on different pictures. The rules' ink is brought to MNIST's size and shown to the score model, which tells one
digit from other things. If it looks like none, the ink model looks at the image, and its ink is scored, too.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from batch_eval.imaging.looking import find_ink
from batch_eval.imaging.polarity import dark_ink
from batch_eval.imaging.steps import Image, centre, crop_to_ink, fit_to_box
from batch_eval.imaging.stroke import normalise_stroke
from batch_eval.models.ink_model import open_ink_model
from batch_eval.models.score_model import open_score_model

# Chosen by experiment; docs/preprocessing.md, "Rules and network".
DOUBT = -3.2
"""Log odds of being one digit below which the rules' ink is doubted. A 1 with a base, much like an L, has -3.1."""
LEAD = 0.5
"""How much more log odds the network's ink needs then."""
ALONE = 4.0
"""Log odds that the network's ink needs where the rules find none: paper has stains that look like a 1."""


def look_again(ink: Image, image: Image, *, doubt: float = DOUBT) -> Image:
    """Return the ink that looks more like one digit: the rules' or the network's.

    Args:
        ink: (H, W) uint8, what the rules found; all 0 if nothing.
        image: The image, (H, W) or (H, W, 3) BGR uint8.
        doubt: Log odds of being one digit from which the rules' ink stays.

    Returns:
        (H, W) uint8, all 0 where the ink is doubted and the network finds none: it is a stain or a fold.

    """
    rules = _odds(ink) if cv2.countNonZero(ink) else None
    if rules is not None and rules >= doubt:
        return ink
    seen = find_ink(dark_ink(image), open_ink_model()).ink
    if not cv2.countNonZero(seen):
        return seen
    least = ALONE if rules is None else rules + LEAD
    return seen if _odds(seen) > least else ink


def _odds(ink: Image) -> float:
    """Return the log odds that ink is one digit's."""
    return float(open_score_model().odds(finished(ink)[None])[0])


def finished(ink: Image) -> NDArray[np.uint8]:
    """Return (28, 28) uint8 of an ink map as a run makes it: strokes redrawn, fitted, centred."""
    drawn = crop_to_ink(normalise_stroke(crop_to_ink(ink)))
    return np.asarray(centre(fit_to_box(drawn)), np.uint8)
