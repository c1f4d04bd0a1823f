"""Limit what decoding an image may take: pixels, and bytes of memory. The guard against decompression bombs."""

from collections.abc import Iterator

from batch_eval.errors import UnreadableImageError

MAX_MEGAPIXELS = 200
"""Megapixels that are still decoded. The largest phone cameras of 2025 take 199.8."""
MAX_MB = 1_420
"""Megabytes that an image may fill while it is decoded: file, decoder and pixels together.

A run of one worker then stays below 1.5 GiB, as the program itself takes 120 MB.
"""
BAND_PIXELS = 1 << 21
"""Pixels that are converted at once, so that what a conversion needs in between stays small."""


def check_size(width: int, height: int) -> None:
    """Raise UnreadableImageError if an image of this size, in pixels, is empty or too large to decode."""
    if width * height > MAX_MEGAPIXELS * 1_000_000:
        raise UnreadableImageError(
            f"image of {width:,} x {height:,} pixels exceeds the limit of {MAX_MEGAPIXELS} megapixels"
        )
    if width < 1 or height < 1:
        raise UnreadableImageError(f"image of {width:,} x {height:,} pixels: no pixels")


def check_memory(width: int, height: int, bytes_a_pixel: float, data: bytes) -> None:
    """Raise UnreadableImageError if an image is too large to decode.

    Args:
        width: Pixels.
        height: Pixels.
        bytes_a_pixel: Bytes that all buffers of the decoder hold for each pixel at the same time.
        data: The file's bytes, which are in memory too.

    """
    check_size(width, height)
    needed = (width * height * bytes_a_pixel + len(data)) / 1_000_000
    if needed > MAX_MB:
        raise UnreadableImageError(
            f"image of {width:,} x {height:,} pixels needs {needed:,.0f} MB to decode, and the limit is {MAX_MB:,} MB"
        )


def bands(height: int, width: int) -> Iterator[slice]:
    """Yield slices of rows from top to bottom, of ``BAND_PIXELS`` at most; one slice for a small image."""
    rows = max(1, BAND_PIXELS // max(width, 1))
    for top in range(0, height, rows):
        yield slice(top, min(top + rows, height))
