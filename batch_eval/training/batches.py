"""The endless stream of training batches.

Real and drawn digits are augmented anew in each pass.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from batch_eval.training.augment import PLATE, augmented, jittered, normalised, plate_of_ink, plate_of_mnist
from batch_eval.training.drawing import draw_ink

CLASSES = 10
AUGMENTATIONS = ("none", "light", "strong")
JITTERED_ONLY = 0.45
"""Share of the real digits that strong augmentation only jitters. So the model still sees MNIST itself."""


@dataclass(frozen=True)
class Digits:
    """N labelled digits, or images of ten other classes."""

    images: NDArray[np.uint8]
    """(N, H, H), ink 255 on 0."""
    labels: NDArray[np.uint8]
    """(N,), 0 to 9."""

    def __len__(self) -> int:
        return len(self.labels)


def drawn_plates(seed: int, count: int) -> Digits:
    """Draw ``count`` digits as plates, (count, 56, 56), with each class equally often."""
    # A list of two numbers seeds an independent stream: 1 draws digits, 2 augments them (see `batches`).
    rng = np.random.default_rng([seed, 1])
    labels = (np.arange(count) % CLASSES).astype(np.uint8)
    plates = np.empty((count, PLATE, PLATE), np.uint8)
    for i, label in enumerate(labels):
        plates[i] = plate_of_ink(draw_ink(rng, int(label), rare=True))
    return Digits(plates, labels)


def drawn_digits(seed: int, count: int) -> Digits:
    """Draw ``count`` digits as a run sees them on clean paper, (count, 28, 28)."""
    plates = drawn_plates(seed, count)
    return Digits(np.stack([normalised(plate) for plate in plates.images]), plates.labels)


def network_input(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return (N, 28, 28) uint8 images as network input: (N, 28, 28, 1) float32, 0 to 1."""
    return images[..., None].astype(np.float32) / np.float32(255)


def batches(
    real: Digits,
    drawn: Digits,
    *,
    size: int,
    seed: int,
    augment: str,
    state: Mapping[str, Any] | None = None,
    on_pass_end: Callable[[Mapping[str, Any]], None] | None = None,
) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """Yield batches without end.

    Images are (size, 28, 28, 1), 0 to 1. Labels are one-hot, (size, 10). Both are float32.

    ``real`` holds digits of a data set, (N, 28, 28). ``drawn`` holds plates, (M, 56, 56). Each pass mixes both in a
    new order, and leaves out what does not fill a batch. ``augment`` is `none`, `light` or `strong`.

    ``on_pass_end`` gets the state of the random generator at the end of each pass. Give it as ``state`` to continue
    after that pass.
    """
    rng = np.random.default_rng([seed, 2])
    if state is not None:
        rng.bit_generator.state = state
    labels = np.concatenate([real.labels, drawn.labels])
    one_hot = np.eye(CLASSES, dtype=np.float32)
    while True:
        order = rng.permutation(len(labels))
        starts = range(0, len(order) - size + 1, size)
        for start in starts:
            chosen = order[start : start + size]
            images = np.stack([_image(rng, real, drawn, int(i), augment) for i in chosen])
            # Before the yield: Keras may draw no further batch, and then nothing after it would run.
            if on_pass_end and start == starts[-1]:
                on_pass_end(rng.bit_generator.state)
            yield network_input(images), one_hot[labels[chosen]]


def _image(rng: np.random.Generator, real: Digits, drawn: Digits, index: int, augment: str) -> NDArray[np.uint8]:
    """Return the digit at ``index`` of both sets together, augmented, (28, 28) uint8."""
    if index < len(real):
        image: NDArray[np.uint8] = real.images[index]
        if augment == "strong":
            return jittered(rng, image) if rng.random() < JITTERED_ONLY else augmented(rng, plate_of_mnist(image))
    else:
        plate = drawn.images[index - len(real)]
        if augment == "strong":
            return augmented(rng, plate)
        image = normalised(plate)
    return lightly_augmented(rng, image) if augment == "light" else image


def lightly_augmented(rng: np.random.Generator, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Rotate by up to 10°, scale by up to 10 % and shift by up to 10 % of the side, as Keras tutorials do."""
    height, width = image.shape
    middle = (width - 1) / 2, (height - 1) / 2
    rotation = cv2.getRotationMatrix2D(middle, rng.uniform(-10, 10), rng.uniform(0.9, 1.1))
    shift = rng.uniform(-0.1, 0.1, 2) * (width, height)
    affine = np.column_stack([rotation[:, :2], rotation[:, 2] + shift])
    return np.asarray(cv2.warpAffine(image, affine, (width, height), flags=cv2.INTER_LINEAR), dtype=np.uint8)
