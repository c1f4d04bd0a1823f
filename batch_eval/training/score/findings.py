"""What the rules and the ink model find in drawn scenes: the digit, or not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from batch_eval.imaging import PreprocessingOptions, preprocessor
from batch_eval.imaging.looking import LARGE, SMALL, InkModel, ink_map
from batch_eval.imaging.second_look import finished
from batch_eval.imaging.steps import SIDE, Image
from batch_eval.training.batches import Digits
from batch_eval.training.ink.scene import InkScene, ink_scene
from batch_eval.training.ink.seen import SMALL_SHARE, spans

RIGHT, WRONG = 0.3, 0.55
"""Differences from the true digit, 0 to 1. Up to the first, a finding is right, from the second on wrong."""


class Findings(NamedTuple):
    """Images as a run makes them, (N, 28, 28) uint8: of the digit, or not."""

    right: NDArray[np.uint8]
    wrong: NDArray[np.uint8]


def findings(seed: int, scenes: int, given: Digits, model: InkModel) -> Findings:
    """Return what both ways find in so many scenes, drawn with ``given`` digits (N, 28, 28)."""
    right: list[Image] = []
    wrong: list[Image] = []
    rules = preprocessor(PreprocessingOptions(skip=("look",)))
    for scene, truth in _scenes(seed, scenes, given):
        picture = cv2.resize(scene.image, scene.size, interpolation=cv2.INTER_LINEAR)
        seen = ink_map(model.maps(scene.image[None])[0, ..., 0], scene.size)
        found = [rules(picture).image, finished(seen)] if seen.any() else [rules(picture).image]
        for image in found:
            if image.any():
                apart = difference(image, truth)
                right += [image] if apart <= RIGHT else []
                wrong += [image] if apart >= WRONG else []
    return Findings(*(np.array(images, np.uint8).reshape(-1, SIDE, SIDE) for images in (right, wrong)))


def difference(image: Image, other: Image) -> float:
    """Return the share of ink that two images of the same shape do not have in common, 0 to 1."""
    common, both = np.minimum(image, other).sum(), image.sum(dtype=np.int64) + other.sum(dtype=np.int64)
    return 1 - 2 * float(common) / max(1, float(both))


def _scenes(seed: int, count: int, given: Digits) -> Iterator[tuple[InkScene, NDArray[np.uint8]]]:
    """Yield scenes with a digit that is large enough to be seen at once, and the digit."""
    number = 0
    while count:
        rng = np.random.default_rng([seed, 31, number])
        number += 1
        scene = ink_scene(rng, given, SMALL if rng.random() < SMALL_SHARE else LARGE)
        if scene.label >= 0 and spans(scene):
            count -= 1
            # The truth is the same reading of the true ink, so that only the finding can differ.
            yield scene, finished(ink_map(np.asarray(scene.maps[..., 0] / 255, np.float32), scene.size))
