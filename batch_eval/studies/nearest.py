"""The training digits that an image is nearest to.

``mnist_digits.png`` holds 1,000 digits of MNIST's training set, one class a row, which stand for all. The module
``training.mnist_digits`` chose them. MNIST is by LeCun, Cortes and Burges, under CC BY-SA 3.0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from zipfile import BadZipFile

import cv2
import numpy as np
from numpy.typing import NDArray

from batch_eval.errors import ConfigError
from batch_eval.imaging.steps import SIDE, Image

FILE = Path(__file__).parent / "data" / "mnist_digits.png"
BLUR = 1.0
"""Standard deviation in pixels of the blur before digits are compared. Without it, a shift by one pixel would outweigh
the shape."""


@dataclass(frozen=True)
class TrainingDigits:
    """Digits of a training set by the name of their class, each (n, 28, 28) uint8 with bright ink."""

    of_class: Mapping[str, NDArray[np.uint8]]
    _blurred: dict[str, NDArray[np.float32]] = field(default_factory=dict)

    def nearest(self, seen: Image, name: str) -> Image | None:
        """Return the digit of a class that is nearest to what a model saw, by pixels; None for an unknown class."""
        digits = self.of_class.get(name)
        if digits is None or not len(digits):
            return None
        if name not in self._blurred:  # a class is blurred once for all images
            self._blurred[name] = np.stack([_blurred(digit) for digit in digits])
        image = cv2.resize(seen, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
        distances = ((self._blurred[name] - _blurred(image)) ** 2).sum(axis=(1, 2))
        return np.asarray(digits[int(distances.argmin())], np.uint8)


def _blurred(image: Image) -> NDArray[np.float32]:
    return np.asarray(cv2.GaussianBlur(image.astype(np.float32), (0, 0), BLUR), np.float32)


def mnist_digits() -> TrainingDigits:
    """Return the digits that ship with the package."""
    picture = cv2.imdecode(np.frombuffer(FILE.read_bytes(), np.uint8), cv2.IMREAD_GRAYSCALE)
    if picture is None:
        raise OSError(f"{FILE} is damaged. Install batch_eval again.")
    tiles = np.asarray(picture, np.uint8).reshape(10, SIDE, -1, SIDE).transpose(0, 2, 1, 3)
    return TrainingDigits({str(digit): images for digit, images in enumerate(tiles)})


def training_digits(path: Path) -> TrainingDigits:
    """Return the digits of a NumPy file with ``x_train`` (N, 28, 28) uint8 and ``y_train`` (N,), as Keras' mnist.npz.

    Raises ConfigError for any other file.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            images, labels = stored["x_train"], stored["y_train"]
    except (OSError, KeyError, ValueError, BadZipFile) as error:
        raise ConfigError(
            f"cannot read {path} as training digits ({error}). Give a .npz with x_train and y_train, such as Keras' "
            "mnist.npz."
        ) from error
    if images.shape[1:] != (SIDE, SIDE) or images.dtype != np.uint8 or labels.shape != images.shape[:1]:
        raise ConfigError(
            f"{path} holds {images.dtype} digits of shape {images.shape} and labels of shape {labels.shape}. Must be "
            f"uint8 of shape (N, {SIDE}, {SIDE}) and (N,)."
        )
    return TrainingDigits({str(label): images[labels == label] for label in np.unique(labels).tolist()})
