"""The range of pixel values that a model was trained on.

It is a formula from 8-bit pixels to the model's numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from batch_eval.errors import ConfigError

Images = NDArray[np.uint8]
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class InputRange:
    """How a model's numbers follow from pixels of 0 to 255. ``name`` is what ``--input-range`` takes.

    With ``mean`` and ``deviation``, the numbers are (pixel / 255 - mean) / deviation. That is for each channel, if
    there are three.

    With ``axes``, each line of pixels along these axes of a batch (N, h, w, C) is divided by its Euclidean norm.
    """

    name: str
    mean: tuple[float, ...] = (0.0,)
    deviation: tuple[float, ...] = (1.0,)
    axes: tuple[int, ...] = ()

    @property
    def channels(self) -> int | None:
        """Channels that it is made for; None means any number."""
        return len(self.mean) if len(self.mean) > 1 else None

    def apply(self, images: Images) -> Floats:
        """Return (N, h, w, C) uint8 pixels as the model's float32 numbers."""
        # float32 arithmetic throughout: the same bits as x.astype("float32") / 255 in a training script
        if self.axes:
            return _unit_length(images.astype(np.float32), self.axes)
        if self.name == "0..255":
            return images.astype(np.float32)
        if self.name == "-1..1":
            return np.divide(images, np.float32(127.5), dtype=np.float32) - np.float32(1)
        unit = np.divide(images, np.float32(255), dtype=np.float32)
        if self.name == "0..1":
            return unit
        mean, deviation = np.array(self.mean, np.float32), np.array(self.deviation, np.float32)
        return np.asarray((unit - mean) / deviation)

    def __str__(self) -> str:
        """Return the name."""
        return self.name


def _unit_length(images: Floats, axes: tuple[int, ...]) -> Floats:
    """Divide each line along the axes by its norm; lines of zeros stay. ``keras.utils.normalize`` does the same."""
    norms = np.sqrt(np.square(images).sum(axis=axes, keepdims=True, dtype=np.float32))
    return np.asarray(images / np.where(norms == 0, np.float32(1), norms))


RANGES: Mapping[str, InputRange] = {
    known.name: known
    for known in (
        InputRange("0..1"),
        InputRange("-1..1", (0.5,), (0.5,)),
        # mean and standard deviation of MNIST's training set, as in PyTorch's MNIST example
        InputRange("mnist", (0.1307,), (0.3081,)),
        # of ImageNet, for red, green and blue: https://pytorch.org/vision/stable/models.html
        InputRange("imagenet", (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
        InputRange("0..255", deviation=(1 / 255,)),
        # keras.utils.normalize(x, axis) on x of (N, 28, 28), and on flat images
        InputRange("normalize-1", axes=(1,)),
        InputRange("normalize-2", axes=(2,)),
        InputRange("normalize-all", axes=(1, 2, 3)),
    )
}
"""Ranges that have a name. The self-test prefers earlier ones where two read alike: they have less contrast."""
AUTO = "auto"
EXPECTED = f"Must be {AUTO}, {', '.join(RANGES)}, or MEAN,DEVIATION such as 0.1307,0.3081 (three of each for colours)"


def parse_range(text: str) -> InputRange:
    """Return the range of a name, of ``mean,deviation``, or of three means and three deviations.

    Raises:
        ConfigError: The text is none of these.

    """
    if text in RANGES:
        return RANGES[text]
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    half = len(numbers) // 2
    mean, deviation = tuple(numbers[:half]), tuple(numbers[half:])
    if len(numbers) not in (2, 6) or not np.isfinite(numbers).all() or min(deviation) <= 0:
        raise ConfigError(f"The input range {text!r} is invalid. {EXPECTED}.")
    return InputRange(",".join(f"{number:g}" for number in numbers), mean, deviation)


def range_from_bounds(low: float, high: float) -> str | None:
    """Return the range whose smallest and largest number these are, within 2 %; None if there is none."""
    for known in RANGES.values():
        if known.axes or known.channels:
            continue
        ends = [(end - known.mean[0]) / known.deviation[0] for end in (0, 1)]
        if np.allclose([low, high], ends, rtol=0, atol=0.02 * (ends[1] - ends[0])):
            return known.name
    return None
