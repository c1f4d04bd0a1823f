"""Decode an image file to upright 8-bit pixels without transparency."""

import numpy as np
from numpy.typing import NDArray

from batch_eval.errors import UnreadableImageError
from batch_eval.imaging import jpeg, png, webp


def decode(data: bytes, *, reduce_to: int | None = None) -> NDArray[np.uint8]:
    """Decode an image file: PNG, JPEG, WebP, BMP, TIFF, GIF, AVIF, PGM or PPM; HEIC with the extra ``heic``.

    EXIF orientation is applied. Transparent pixels become the paper that contrasts with the strokes. Of an
    animation, the first frame is used.

    Args:
        data: The file's bytes.
        reduce_to: Shortest allowed length, in pixels, of the longest side. JPEGs are decoded at 1/2, 1/4 or 1/8 of
            their size down to it, which is several times faster. Other formats ignore it.

    Returns:
        uint8, 0 black to 255 white: (H, W) for a grey file, (H, W, 3) BGR for a colour file.

    Raises:
        UnreadableImageError: The data is not an image, is too large, or is damaged anywhere.

    """
    if data.startswith(png.SIGNATURE):
        return png.decode_png(data, otherwise=_decode_other)
    if data.startswith(jpeg.SIGNATURE):
        try:
            return jpeg.decode_jpeg(data, reduce_to)
        except jpeg.UnsupportedJpegError:
            return _decode_other(data)
    if data.startswith(webp.MARK, 8):
        return webp.decode_webp(data, otherwise=_decode_other)
    if not data:
        raise UnreadableImageError("not an image: the file is empty")
    return _decode_other(data)


def _decode_other(data: bytes) -> NDArray[np.uint8]:
    """Decode with Pillow."""
    # imported late: most runs hold PNG and JPEG alone
    from batch_eval.imaging.pillow import decode_other

    return decode_other(data)
