"""A file's bytes become 8-bit pixels, upright and without transparency, or a reason why not."""

import numpy as np
from numpy.typing import NDArray

from batch_eval.errors import UnreadableImageError
from batch_eval.imaging import jpeg, png


def decode(data: bytes, *, reduce_to: int | None = None) -> NDArray[np.uint8]:
    """Decode an image file: PNG, JPEG, WebP, BMP, TIFF, GIF, AVIF, PGM/PPM, and HEIC with the extra ``heic``.

    Returns uint8 of shape (H, W) for grey files and (H, W, 3), BGR, for colour, 0 black to 255 white; EXIF
    orientation is applied, transparent parts are filled with the paper that the strokes were drawn for, of an
    animation the first frame counts. With ``reduce_to``, a JPEG is decoded at 1/2, 1/4 or 1/8 of its size as long as
    its longest side stays at ``reduce_to`` pixels or more, which is several times faster.

    Raises UnreadableImageError, its message the reason, for what is no image, too large, or damaged anywhere.
    """
    if data.startswith(png.SIGNATURE):
        return png.decode_png(data, otherwise=_decode_other)
    if data.startswith(jpeg.SIGNATURE):
        try:
            return jpeg.decode_jpeg(data, reduce_to)
        except jpeg.UnsupportedJpegError:
            return _decode_other(data)
    if not data:
        raise UnreadableImageError("not an image: the file is empty")
    return _decode_other(data)


def _decode_other(data: bytes) -> NDArray[np.uint8]:
    """Decode with Pillow, which most runs need not import."""
    from batch_eval.imaging.pillow import decode_other

    return decode_other(data)
