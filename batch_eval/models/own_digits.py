"""The package's own digits: 200 drawn ones that show how well a model reads under a convention.

``data/digits.png`` holds them, one class a row. ``python -m batch_eval.training.own_digits FILE`` draws them again.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

FILE = Path(__file__).parent / "data" / "digits.png"
SIDE = 28
TURN = (2, 3, 4, 5, 7, 9, 6, 8, 1, 0)
"""Classes in the order of the digits. Those that look least like themselves when transposed or inverted come first."""


class OwnDigits(NamedTuple):
    """(N, 28, 28) uint8 images made as MNIST is, and (N,) digits 0 to 9."""

    images: NDArray[np.uint8]
    labels: NDArray[np.intp]


@cache
def own_digits() -> OwnDigits:
    """Return all of them, so that each run of ten holds every class once."""
    import cv2

    picture = cv2.imdecode(np.frombuffer(FILE.read_bytes(), np.uint8), cv2.IMREAD_GRAYSCALE)
    if picture is None:
        raise OSError(f"{FILE} is damaged. Install batch_eval again.")
    tiles = np.asarray(picture, np.uint8).reshape(len(TURN), SIDE, -1, SIDE)  # class, y, column, x
    columns = tiles.transpose(2, 0, 1, 3)[:, list(TURN)]
    return OwnDigits(columns.reshape(-1, SIDE, SIDE), np.tile(np.array(TURN, np.intp), len(columns)))
