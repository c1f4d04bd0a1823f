"""How much each image looks like one digit, and the flag for those that do not."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from batch_eval.imaging import Preprocessor
from batch_eval.models import Classifier
from batch_eval.models.score_model import NOT_A_DIGIT, open_score_model

DIGITS = frozenset("0123456789")
FLAG = "not_a_digit"
"""The flag of an image with a score below ``NOT_A_DIGIT``; ``quality.FLAGS`` says what it means."""


def digit_scores(
    recipe: Preprocessor, classifier: Classifier, images: NDArray[np.uint8], probabilities: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return (N,) scores of 0 to 1 of prepared images (N, 28, 28) and what a model read.

    NaN where that says nothing: from recipes that find no ink, and for models whose classes are not digits.
    """
    if not recipe.passes_mnist or not DIGITS.issuperset(classifier.class_names):
        return np.full(len(images), np.nan, np.float32)
    return open_score_model().scores(images, probabilities.max(axis=1))


def is_flagged(score: float) -> bool:
    """Say whether an image with this score gets the flag; one without a score does not."""
    return score < NOT_A_DIGIT
