"""Pictures of a model's weights and of what its layers return, as PNG."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from batch_eval.imaging.files import encode

MOST_TILES = 64
"""Filters or channels that a picture shows."""
PAPER = 255


def filters(kernel: NDArray[np.floating[Any]]) -> bytes | None:
    """Return the filters of a first layer, or None if they are no images.

    Args:
        kernel: (height, width, channels, filters), or (inputs, units) of a dense layer on square grey images.

    """
    if kernel.ndim == 2:
        side = math.isqrt(len(kernel))
        if side < 2 or side * side != len(kernel):
            return None
        kernel = kernel.reshape(side, side, 1, -1)
    tiles = np.moveaxis(kernel, -1, 0)[:MOST_TILES].mean(axis=-1)  # of colours, the mean
    # grey is 0; the strongest weight of each filter is black or white
    largest = np.maximum(np.abs(tiles).max(axis=(1, 2), keepdims=True), 1e-12)
    return _grid((127.5 + 127.5 * tiles / largest).astype(np.uint8), 56)


def feature_maps(maps: NDArray[np.float32]) -> bytes:
    """Return a layer's (height, width, channels) outputs as PNG.

    Each channel reaches from black, its smallest number, to white, its largest.
    """
    tiles = np.moveaxis(maps, -1, 0)[:MOST_TILES]
    low = tiles.min(axis=(1, 2), keepdims=True)
    # A channel that is the same everywhere has no span. It stays black.
    span = np.maximum(tiles.max(axis=(1, 2), keepdims=True) - low, 1e-12)
    return _grid((255 * (tiles - low) / span).astype(np.uint8), 72)


def enlarged(image: NDArray[np.uint8], side: int = 224) -> bytes:
    """Return an image with each pixel as a square."""
    factor = max(1, side // max(image.shape[:2]))
    return encode(image.repeat(factor, axis=0).repeat(factor, axis=1))


def _grid(tiles: NDArray[np.uint8], side: int) -> bytes:
    """Return (n, h, w) uint8 tiles side by side, each enlarged to about ``side`` pixels, as PNG."""
    factor = max(1, round(side / max(tiles.shape[1:])))
    large = tiles.repeat(factor, axis=1).repeat(factor, axis=2)
    columns = min(len(large), 8 if len(large) <= 32 else 12)
    rows = math.ceil(len(large) / columns)
    # Two pixels of paper on each side of a tile.
    height, width = large.shape[1] + 4, large.shape[2] + 4
    canvas = np.full((rows * height, columns * width), PAPER, np.uint8)
    for i, tile in enumerate(large):
        top, left = i // columns * height + 2, i % columns * width + 2
        canvas[top : top + tile.shape[0], left : left + tile.shape[1]] = tile
    return encode(canvas)
