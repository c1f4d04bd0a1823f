"""Image files that tests write for the decoder."""

import io
import struct
import zlib

import cv2
import numpy as np
from PIL import Image

HEIGHT, WIDTH = 48, 40
PAPER, INK = 230, 20
LOSSLESS = {"WEBP": {"lossless": True}, "AVIF": {"quality": 100}, "JPEG": {"quality": 95}}


def drawing(paper: int = PAPER, ink: int = INK) -> np.ndarray:
    """A grey drawing, (48, 40), of one thick stroke."""
    return cv2.line(np.full((HEIGHT, WIDTH), paper, np.uint8), (8, 5), (30, 40), ink, 4)


def noise(height: int, width: int, channels: int = 3, seed: int = 0) -> np.ndarray:
    """Random pixels, (height, width) or (height, width, 3): no two rows are alike."""
    shape = (height, width) if channels == 1 else (height, width, channels)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def file(image: Image.Image | np.ndarray, kind: str, **options: object) -> bytes:
    """The image as a file of Pillow's format ``kind``."""
    if isinstance(image, np.ndarray):
        image = Image.fromarray(image)
    target = io.BytesIO()
    image.save(target, kind, **{**LOSSLESS.get(kind, {}), **options})
    return target.getvalue()


def png(width: int, height: int, depth: int, colour_type: int, rows: bytes) -> bytes:
    """A PNG file of packed rows, each behind its filter byte."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(name, content) for name, content in chunks)


def chunk(name: bytes, content: bytes) -> bytes:
    """A PNG chunk with its right checksum."""
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
