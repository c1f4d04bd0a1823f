"""Image files: their bytes from the disk, and pixels back to bytes."""

from __future__ import annotations

import cv2

from batch_eval.errors import UnreadableImageError
from batch_eval.imaging.steps import Image


def read(path: str) -> bytes:
    """Return a file's bytes; a file that cannot be read is an unreadable image."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise UnreadableImageError(f"the file cannot be read: {error.strerror}") from error


def encode(image: Image, suffix: str = ".png") -> bytes:
    """Return a grey or BGR uint8 image as the bytes of a PNG or JPEG file."""
    _, data = cv2.imencode(suffix, image)
    return data.tobytes()
