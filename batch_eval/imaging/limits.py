"""Limit the size of images: the guard against decompression bombs."""

from batch_eval.errors import UnreadableImageError

MAX_MEGAPIXELS = 200
"""Megapixels that are still decoded. The largest phone cameras of 2025 take 199.8."""


def check_size(width: int, height: int) -> None:
    """Raise UnreadableImageError if an image of this size, in pixels, is empty or too large to decode."""
    if width * height > MAX_MEGAPIXELS * 1_000_000:
        raise UnreadableImageError(
            f"image of {width:,} x {height:,} pixels exceeds the limit of {MAX_MEGAPIXELS} megapixels"
        )
    if width < 1 or height < 1:
        raise UnreadableImageError(f"image of {width:,} x {height:,} pixels: no pixels")
