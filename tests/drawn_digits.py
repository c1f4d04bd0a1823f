"""Digits that the project draws, as strokes on plain paper, for tests of preprocessing and of whole runs."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from batch_eval.training.drawing import draw_ink

Image = NDArray[np.uint8]


@cache
def ink(seed: int, label: int | None = None, size: int = 160) -> Image:
    """(size, size) the ink of one digit, 0 … 255, with a margin around it; read-only, as all who ask share it."""
    rng = np.random.default_rng(seed)
    digit = draw_ink(rng, int(rng.integers(10)) if label is None else label, size // 2)
    canvas = np.zeros((size, size), np.uint8)
    top, left = (size - digit.shape[0]) // 2, (size - digit.shape[1]) // 2
    canvas[top : top + digit.shape[0], left : left + digit.shape[1]] = digit
    canvas.setflags(write=False)
    return canvas


def on_paper(ink_map: Image, paper: float = 225.0, darkness: float = 0.75) -> Image:
    """A grey photo of ink on evenly lit paper."""
    return np.round(paper * (1 - darkness * ink_map.astype(np.float64) / 255)).astype(np.uint8)


def difference(first: Image, second: Image) -> float:
    """How far two 28 × 28 results lie apart: 0 the same, 1 no ink in common.

    1 - their cosine similarity, at the best of the shifts by one pixel: rounding the centre of mass can cost one.
    """
    a = first.astype(np.float64)
    shifted = (np.roll(second, (dy, dx), (0, 1)).astype(np.float64) for dy in (-1, 0, 1) for dx in (-1, 0, 1))
    return float(min(1 - (a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum()) for b in shifted))
