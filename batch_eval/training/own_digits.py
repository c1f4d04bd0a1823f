"""Draw the digits that test a model's convention (``models/own_digits.py``).

``python -m batch_eval.training.own_digits FILE`` draws them again.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from batch_eval.publishing import publish
from batch_eval.training.allographs import ALLOGRAPHS
from batch_eval.training.augment import normalised, plate_of_ink
from batch_eval.training.drawing import write
from batch_eval.training.pens import Nib, ink

SEED, EACH = 11, 20
SIZE = 96
"""Pixels of a side at which ink is drawn."""
# Forms that writers of every country read, and that MNIST's writers use. With them and these widths of the pen, small
# networks find the digits as hard as MNIST's test set: benchmarks/conventions.py prints both log-losses.
FORMS: Mapping[int, tuple[str, ...]] = {
    0: ("zero_oval",),
    1: ("one_plain",),
    2: ("two_corner", "two_wavy_base"),
    3: ("three_round", "three_flat_top"),
    4: ("four_open", "four_closed"),
    5: ("five_bar", "five_one_stroke"),
    6: ("six_straight", "six_curved"),
    7: ("seven_plain",),
    8: ("eight_s_start", "eight_crossed"),
    9: ("nine_straight", "nine_curved"),
}
WIDTHS = (0.045, 0.17)
"""Range of the pen's width, in digit heights."""


def draw(label: int, number: int) -> NDArray[np.uint8]:
    """Draw one of them, (28, 28) uint8."""
    rng = np.random.default_rng([SEED, label, number])
    forms = FORMS[label]
    name = forms[number % len(forms)]
    allograph = next(one for one in ALLOGRAPHS if one.name == name)
    nib = Nib(float(np.exp(rng.uniform(*np.log(WIDTHS)))))
    picture = ink(rng, write(rng, label, allograph), nib, SIZE, height=SIZE * 0.96 / (1 + nib.width * 1.3))
    return normalised(plate_of_ink(picture))


def picture() -> bytes:
    """Return all of them as PNG, one class a row."""
    rows = [np.hstack([draw(label, number) for number in range(EACH)]) for label in FORMS]
    return bytes(cv2.imencode(".png", np.vstack(rows), [cv2.IMWRITE_PNG_COMPRESSION, 9])[1].tobytes())


if __name__ == "__main__":
    target = Path(sys.argv[1])
    publish(target.parent, [("the digits", target.name, picture())], None)
