"""Where a scene's digit stands: the picture's window, and the digit in it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from batch_eval.training.ink.marks import Mark

SPECK = 0.015
"""Longest side of the smallest digit, as a share of its window's: 12 pixels of 800."""
LEGIBLE = 8
"""Least length in pixels of digits in small pictures. In large pictures, a digit may be a mere speck."""


@dataclass(frozen=True)
class Frame:
    """A window of ``height`` × ``width`` pixels, and the box of the digit in it.

    The box may reach over the border. ``blocky`` says that the digit is painted in squares.
    """

    height: int
    width: int
    left: float
    top: float
    digit_width: float
    digit_height: float
    blocky: bool = False

    @property
    def centre(self) -> tuple[float, float]:
        """The middle of the digit's box (x, y), in pixels."""
        return self.left + self.digit_width / 2, self.top + self.digit_height / 2

    @property
    def side(self) -> float:
        """The digit's longest side, in pixels."""
        return max(self.digit_width, self.digit_height)

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the window."""
        return self.height, self.width


def frame(rng: np.random.Generator, mark: Mark, longest: int) -> Frame:
    """Choose a window with this longest side, in pixels, around a mark.

    Most windows leave a margin of any size on each side. Many are cut close to the ink. A few hold a far smaller
    digit, or cut off a part of it.
    """
    height, width = (float(side) for side in mark.cover.shape)
    side = max(height, width)
    choice = rng.random()
    if mark.cell:  # whole cells, often none at all
        margins = rng.integers(0, int(rng.choice([2, 3, 8])), 4) * float(mark.cell)
    elif choice < 0.3:  # cut close, each side by itself, now and then along the ink
        margins = np.maximum(0, rng.uniform(-0.02, rng.choice([0.01, 0.04, 0.15, 0.4]), 4)) * side
    elif choice < 0.85:
        share = rng.uniform(0.3, 0.95)
        margins = _apart(rng, side / share - width, side / share - height)
    else:
        least, most = (SPECK, 0.1) if choice > 0.94 and longest > 64 else (_least_share(longest), 0.4)
        share = float(np.exp(rng.uniform(np.log(least), np.log(most))))
        margins = _apart(rng, side / share - width, side / share - height, even=0.3)
    if choice >= 0.3 and not mark.cell:
        stretch = float(np.exp(rng.normal(0, 0.25)))
        margins = margins * np.array([stretch, stretch, 1 / stretch, 1 / stretch])
    if rng.random() < 0.09 and not mark.cell:
        cut = int(rng.integers(4))
        # A negative margin lays the window's edge inside the digit's box.
        margins[cut] = -rng.uniform(0, 0.12) * (width, width, height, height)[cut]
    left, right, top, bottom = margins
    scale = longest / max(left + width + right, top + height + bottom)
    return Frame(
        max(6, round((top + height + bottom) * scale)),
        max(6, round((left + width + right) * scale)),
        left * scale,
        top * scale,
        width * scale,
        height * scale,
        blocky=mark.cell > 0,
    )


def _apart(rng: np.random.Generator, across: float, down: float, *, even: float = 0.6) -> np.ndarray:
    """Share the free room among left, right, top and bottom. ``even`` is how often it is about even."""
    x, y = rng.beta(4, 4, 2) if rng.random() < even else rng.random(2)
    return np.array([across * x, across * (1 - x), down * y, down * (1 - y)])


def placed(canvas: np.ndarray, mark: Mark, x: float, y: float, *, tone: bool = False) -> None:
    """Lay a mark's cover or tone on a canvas in place, its middle at (x, y)."""
    mask = mark.tone if tone else mark.cover
    height, width = mask.shape
    top, left = round(y - height / 2), round(x - width / 2)
    # The part of the mark that lies on the canvas: rows a to c, columns b to d.
    a, b, c, d = max(0, top), max(0, left), min(canvas.shape[0], top + height), min(canvas.shape[1], left + width)
    if a < c and b < d:
        part = canvas[a:c, b:d]
        np.maximum(part, mask[a - top : c - top, b - left : d - left], out=part)


def _least_share(longest: int) -> float:
    """Return the least share of a window of this length that a digit takes."""
    return max(0.03, min(0.3, LEGIBLE / longest)) if longest <= 64 else 0.03
