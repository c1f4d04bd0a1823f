"""One image from wherever it comes to what a model would see."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from batch_eval.imaging.options import PreprocessingOptions
from batch_eval.imaging.pixels import without_colour
from batch_eval.imaging.recipes import preprocessor


def preprocess(
    image: str | Path | bytes | NDArray[np.uint8], preprocess: PreprocessingOptions | str = "photo"
) -> NDArray[np.uint8]:
    """Return (28, 28) uint8, ink 255 on 0, made from a file's path, its bytes, or pixels; all 0 when there is no ink.

    Pixels are (H, W) grey or (H, W, 3) BGR uint8, as OpenCV reads them. The second argument is a recipe's name, or
    PreprocessingOptions.
    Raises UnreadableImageError for a damaged image, OSError for a file that cannot be opened.
    """
    if isinstance(image, str | Path):
        image = Path(image).read_bytes()
    prepare = preprocessor(preprocess)
    pixels = prepare.decode(image) if isinstance(image, bytes) else without_colour(image)
    return np.asarray(prepare(pixels).image, np.uint8)
