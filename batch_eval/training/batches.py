"""The endless stream of training batches: given digits and drawn ones, each varied anew every time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from batch_eval.training.augment import PLATE, augmented, moved, normalised, plate_of_ink, plate_of_mnist
from batch_eval.training.drawing import draw_ink

CLASSES = 10
AUGMENTATIONS = ("none", "light", "strong")
PLAIN = 0.45  # share of the given digits that are only moved a little, so that MNIST itself stays in view


@dataclass(frozen=True)
class Digits:
    """N labelled digits: ``images`` (N, H, H) uint8, ink 255 on 0, and ``labels`` (N,) uint8, 0 to 9."""

    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.labels)


def drawn_plates(seed: int, count: int) -> Digits:
    """Draw ``count`` digits as plates, (count, 56, 56), every class equally often."""
    rng = np.random.default_rng([seed, 1])
    labels = (np.arange(count) % CLASSES).astype(np.uint8)
    plates = np.empty((count, PLATE, PLATE), np.uint8)
    for i, label in enumerate(labels):
        plates[i] = plate_of_ink(draw_ink(rng, int(label)))
    return Digits(plates, labels)


def drawn_digits(seed: int, count: int) -> Digits:
    """Draw ``count`` digits as a run would see them on clean paper, (count, 28, 28)."""
    plates = drawn_plates(seed, count)
    return Digits(np.stack([normalised(plate) for plate in plates.images]), plates.labels)


def network_input(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return (N, 28, 28) uint8 images as the networks take them: (N, 28, 28, 1) float32, 0 to 1."""
    return images[..., None].astype(np.float32) / np.float32(255)


def batches(
    given: Digits,
    drawn: Digits,
    *,
    size: int,
    seed: int,
    augment: str,
    state: Mapping[str, Any] | None = None,
    pass_ended: Callable[[Mapping[str, Any]], None] | None = None,
) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """Yield (images (size, 28, 28, 1) of 0 to 1, one-hot labels (size, 10)), float32, for ever.

    ``given`` (N, 28, 28) and ``drawn`` plates (M, 56, 56) are mixed evenly over each pass, in an order that ``seed``
    decides. ``augment`` is `none`, `light` (turned, scaled and shifted as in courses) or `strong` (what becomes of a
    digit between a pen and the model); with either no digit comes twice in the same shape. ``pass_ended`` is told the
    state in which every pass leaves the random generator; given as ``state``, the stream goes on after that pass.
    """
    rng = np.random.default_rng([seed, 2])
    if state is not None:
        rng.bit_generator.state = state
    labels = np.concatenate([given.labels, drawn.labels])
    one_hot = np.eye(CLASSES, dtype=np.float32)
    while True:
        order = rng.permutation(len(labels))
        starts = range(0, len(order) - size + 1, size)
        for start in starts:
            chosen = order[start : start + size]
            images = np.stack([_image(rng, given, drawn, int(i), augment) for i in chosen])
            if pass_ended and start == starts[-1]:
                pass_ended(rng.bit_generator.state)
            yield network_input(images), one_hot[labels[chosen]]


def _image(rng: np.random.Generator, given: Digits, drawn: Digits, index: int, augment: str) -> NDArray[np.uint8]:
    """Return the digit at ``index`` of both sets together, (28, 28) uint8."""
    if index < len(given):
        image: NDArray[np.uint8] = given.images[index]
        if augment == "strong":
            return moved(rng, image) if rng.random() < PLAIN else augmented(rng, plate_of_mnist(image))
    else:
        plate = drawn.images[index - len(given)]
        if augment == "strong":
            return augmented(rng, plate)
        image = normalised(plate)
    return turned(rng, image) if augment == "light" else image


def turned(rng: np.random.Generator, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Turn by up to 10°, scale by up to a tenth and shift by up to a tenth of the side, as Keras' courses do."""
    height, width = image.shape
    middle = (width - 1) / 2, (height - 1) / 2
    turn = cv2.getRotationMatrix2D(middle, rng.uniform(-10, 10), rng.uniform(0.9, 1.1))
    shift = rng.uniform(-0.1, 0.1, 2) * (width, height)
    affine = np.column_stack([turn[:, :2], turn[:, 2] + shift])
    return np.asarray(cv2.warpAffine(image, affine, (width, height), flags=cv2.INTER_LINEAR), dtype=np.uint8)
