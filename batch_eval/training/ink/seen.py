"""Digits as a run sees them: the ink found in drawn scenes, at MNIST's size."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from batch_eval.imaging.looking import CLOSE, LARGE, SMALL, InkModel, ink_map
from batch_eval.imaging.second_look import finished
from batch_eval.training.batches import Digits
from batch_eval.training.ink.scene import InkScene, ink_scene

SMALL_SHARE = 0.4
"""Share of the scenes that show small pictures."""
MIN_OVERLAP = 0.35
"""Intersection over union of found and true ink. A digit that has no more is left out."""


def seen_digits(seed: int, count: int, given: Digits, model: InkModel) -> Digits:
    """Return digits (count, 28, 28) that the ink model found in scenes with ``given`` digits."""
    images, labels = np.empty((count, 28, 28), np.uint8), np.empty(count, np.uint8)
    found = _found(seed, given, model)
    for row in range(count):
        images[row], labels[row] = next(found)
    return Digits(images, labels)


def _found(seed: int, given: Digits, model: InkModel) -> Iterator[tuple[NDArray[np.uint8], int]]:
    number = 0
    while True:
        rng = np.random.default_rng([seed, 11, number])
        number += 1
        scene = ink_scene(rng, given, SMALL if rng.random() < SMALL_SHARE else LARGE)
        if scene.label < 0 or not spans(scene):
            continue
        maps = model.maps(scene.image[None])[0]
        if _overlap(maps[..., 0] > 0.5, scene.maps[..., 0] > 127) > MIN_OVERLAP:
            yield finished(ink_map(maps[..., 0], scene.size)), scene.label


def spans(scene: InkScene) -> bool:
    """Say whether the digit is large enough to be seen at the first look."""
    rows, columns = np.nonzero(scene.maps[..., 0] > 127)
    return bool(len(rows) and max(np.ptp(rows), np.ptp(columns)) >= CLOSE * len(scene.image))


def _overlap(found: NDArray[np.bool_], true: NDArray[np.bool_]) -> float:
    """Return the intersection over the union."""
    return float((found & true).sum() / max(1, (found | true).sum()))
