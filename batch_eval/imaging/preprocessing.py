"""Prepare one image from Python."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from batch_eval.imaging.guard import one_image
from batch_eval.imaging.options import PreprocessingOptions
from batch_eval.imaging.pixels import drop_equal_channels
from batch_eval.imaging.recipes import preprocessor


def preprocess(
    image: str | Path | bytes | NDArray[np.uint8], preprocess: PreprocessingOptions | str = "photo"
) -> NDArray[np.uint8]:
    """Prepare one image as a model would see it.

    Args:
        image: A file's path, its bytes, or its pixels as OpenCV reads them: uint8, (H, W) grey or (H, W, 3) BGR.
        preprocess: The options, or the name of a recipe.

    Returns:
        (28, 28) uint8. With ``photo`` and ``mnist``, ink is 255 on 0; all 0 means that no ink was found.

    Raises:
        UnreadableImageError: The image is damaged or not an image.
        OSError: The file cannot be opened.
        ConfigError: The recipe, a step or a number is unknown or out of range.

    """
    if isinstance(image, str | Path):
        image = Path(image).read_bytes()
    prepare = preprocessor(preprocess)
    pixels = one_image(prepare.decode, image) if isinstance(image, bytes) else drop_equal_channels(image)
    return np.asarray(prepare(pixels).image, np.uint8)
