"""The layout of a model's input, and the resizing and channels that bring images to it."""

from __future__ import annotations

from dataclasses import dataclass
from math import isqrt
from typing import Any

import numpy as np

from batch_eval.errors import ModelError
from batch_eval.models.input_range import Images


@dataclass(frozen=True)
class InputLayout:
    """How the model reads one image."""

    shape: tuple[int, ...]
    """Input shape without the batch."""
    size: tuple[int, int]
    """Height and width in pixels."""
    channels: int
    """1 (grey) or 3 (RGB)."""
    channels_first: bool = False
    """Whether the shape is (channels, height, width)."""

    @classmethod
    def from_shape(cls, shape: tuple[int, ...], name: str) -> InputLayout:
        """Return the layout of an input shape, such as (28, 28, 1), (784,) or (3, 32, 32).

        Raises:
            ModelError: The shape is not that of an image.

        """
        solid = tuple(size for size in shape if size != 1)
        # channels last is tested first, as Keras prefers it: (3, 32, 3) is 3 × 32 pixels in colour
        if len(shape) == 3 and shape[2] in (1, 3):
            return cls(shape, shape[:2], shape[2])
        if len(shape) == 3 and shape[0] in (1, 3):
            return cls(shape, shape[1:], shape[0], channels_first=True)
        if len(shape) == 2 and 1 not in shape:
            return cls(shape, shape, 1)
        # flat images must be square: (784,) is 28 × 28, (3072,) is 32 × 32 in colour
        if len(solid) == 1:
            for channels in (1, 3):
                side = isqrt(solid[0] // channels)
                if side * side * channels == solid[0]:
                    return cls(shape, (side, side), channels)
        raise ModelError(
            f"{name} takes an input of shape {shape}, which is not an image. "
            "Expected (height, width, 1 or 3), (height, width), or a flat square image such as (784,)."
        )


def resized(images: Images, size: tuple[int, int]) -> Images:
    """Return (N, h, w) or (N, h, w, 3) images at another height and width."""
    if images.shape[1:3] == size or len(images) == 0:
        return images
    import cv2

    # INTER_AREA averages, so that strokes survive shrinking; enlarging needs INTER_LINEAR to be smooth
    shrinks = images.shape[1] * images.shape[2] > size[0] * size[1]
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    found: list[Any] = [cv2.resize(image, size[::-1], interpolation=interpolation) for image in images]
    return np.stack(found)


def with_channels(images: Images, channels: int) -> Images:
    """Return (N, h, w, channels) uint8: grey, or RGB, the order that models are trained on."""
    if images.ndim == 3:
        return np.repeat(images[..., None], channels, axis=-1) if channels > 1 else images[..., None]
    if channels == 3:
        return images[..., ::-1]
    import cv2

    grey: list[Any] = [cv2.cvtColor(image, cv2.COLOR_BGR2GRAY) for image in images]
    return np.stack(grey)[..., None]
