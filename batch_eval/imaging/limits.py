"""How large an image may be: the guard against decompression bombs."""

from batch_eval.errors import UnreadableImageError

MAX_MEGAPIXELS = 200  # the largest phone cameras of 2025 take 199.8 megapixels


def check_size(width: int, height: int) -> None:
    """Raise UnreadableImageError if an image of this size, read from the header, must not be decoded."""
    if width * height > MAX_MEGAPIXELS * 1_000_000:
        raise UnreadableImageError(
            f"image of {width:,} x {height:,} pixels exceeds the limit of {MAX_MEGAPIXELS} megapixels"
        )
    if width < 1 or height < 1:
        raise UnreadableImageError(f"image of {width:,} x {height:,} pixels: no pixels")
