"""Encode pixels as PNG or JPEG."""

from __future__ import annotations

import cv2

from batch_eval.imaging.steps import Image


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
