"""Read image files, and encode pixels as PNG or JPEG."""

from __future__ import annotations

import cv2

from batch_eval.errors import UnreadableImageError
from batch_eval.imaging.steps import Image


def read(path: str) -> bytes:
    """Return a file's bytes; raise UnreadableImageError if it cannot be read."""
    try:
        with open(path, "rb", buffering=0) as file:  # for a small file, setting up a buffer costs more than reading
            return file.read()
    except OSError as error:
        raise UnreadableImageError(f"the file cannot be read: {error.strerror}") from error


def encode(image: Image, suffix: str = ".png", quality: int = 95) -> bytes:
    """Encode an image as PNG or JPEG.

    Args:
        image: (H, W) grey or (H, W, 3) BGR, uint8.
        suffix: ``.png`` or ``.jpg``.
        quality: JPEG quality, 0 to 100.

    Returns:
        The file's bytes.

    """
    _, data = cv2.imencode(suffix, image, [cv2.IMWRITE_JPEG_QUALITY, quality] if suffix == ".jpg" else [])
    return data.tobytes()
