"""Image files: their bytes from the disk, and pixels back to bytes."""

from __future__ import annotations

import cv2

from batch_eval.errors import UnreadableImageError
from batch_eval.imaging.steps import Image


def read(path: str) -> bytes:
    """Return a file's bytes; a file that cannot be read is an unreadable image."""
    try:
        with open(path, "rb", buffering=0) as file:  # of small files a buffer takes longer than the reading
            return file.read()
    except OSError as error:
        raise UnreadableImageError(f"the file cannot be read: {error.strerror}") from error


def encode(image: Image, suffix: str = ".png", quality: int = 95) -> bytes:
    """Return a grey or BGR uint8 image as the bytes of a PNG or JPEG file; ``quality`` 0..100 is that of the latter."""
    _, data = cv2.imencode(suffix, image, [cv2.IMWRITE_JPEG_QUALITY, quality] if suffix == ".jpg" else [])
    return data.tobytes()
