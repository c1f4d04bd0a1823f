"""Encode what reports show of an image: a thumbnail, what the model saw, and the steps between."""

from __future__ import annotations

from batch_eval.engines.rows import Picture
from batch_eval.imaging import Prepared, Preprocessor
from batch_eval.imaging.files import encode
from batch_eval.imaging.filters import TIGHT_CROP, shrink
from batch_eval.imaging.steps import Image
from batch_eval.imaging.strip import strip

THUMBNAIL_SIDE = 160
"""Longest side, in pixels, of the original in a report."""
SEEN_SIDE = 1024
"""Longest side, in pixels, of what the model saw in a report."""
STEP_SIDE = 96
"""Side, in pixels, of each step's tile in a report."""

QUALITY = 75
"""JPEG quality, low because a report may hold thousands."""


def picture(image: Image, prepared: Prepared, preprocessor: Preprocessor, *, steps: bool) -> Picture:
    """Return the pictures of a decoded image, (H, W) or (H, W, 3) BGR uint8; ``steps`` adds the strip of steps."""
    small = shrink(image, THUMBNAIL_SIDE)
    photo = max(image.shape[:2]) >= TIGHT_CROP  # smaller ones take less space as PNG
    stages = preprocessor.trace(image) if steps and not preprocessor.passes(image) else None
    return Picture(
        original=encode(small, ".jpg" if photo else ".png", QUALITY),
        seen=encode(shrink(prepared.image, SEEN_SIDE)),
        mime="image/jpeg" if photo else "image/png",
        steps=encode(strip(stages, STEP_SIDE), ".jpg", QUALITY) if stages else None,
    )
