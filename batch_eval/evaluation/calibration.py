"""What makes a model's probabilities into conformal sets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Calibration:
    """What makes probabilities into sets.

    ``alpha`` is the share of sets that may miss the truth. ``threshold`` is the least probability of a class in a set,
    0 to 1. It was found on ``images`` images of the folder ``source``.
    """

    alpha: float
    threshold: float
    images: int
    source: str

    def sets(self, probabilities: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Return (N, C) which classes are in each set: those at or above the threshold.

        A set may be empty. With a larger ``alpha`` than the model's error rate, those of the least certain images are.
        """
        # In float32, as the probabilities are: the image that set the threshold must reach it.
        # A blank image has only zeros. At a threshold of 0 it would get every class.
        return np.asarray((probabilities >= np.float32(self.threshold)) & (probabilities > 0))
