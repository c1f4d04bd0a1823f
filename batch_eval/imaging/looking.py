"""Looking for a digit's ink: the ink model sees the whole image, then the part around what it found.

Photos are as large as cameras make them, and a digit may fill them or be a speck in their corner. So the model looks
at the whole image first. While the ink spans less than ``CLOSE`` of what it saw, it looks again, at the part around
the ink. Images of at most 64 pixels are seen at 64 pixels, all others at 128, whatever their aspect.
"""

from __future__ import annotations

import math
from typing import NamedTuple, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from batch_eval.imaging.filters import NEIGHBOURS
from batch_eval.imaging.steps import Image, colour

SMALL, LARGE = 64, 128
"""Sides, in pixels, at which the model sees small images and all others."""
CLOSE = 0.42
"""Share of the side that ink must span to be seen well; what spans less is looked at again, more closely."""
MARGIN = 1.7
"""Side of the part that is looked at again, in sides of the ink found."""
LOOKS = 3
"""Most looks at an image: the third is for digits of a few hundredths of its side."""
PROBABLE = 0.5
"""Probability from which a pixel is taken for ink."""
MIN_PIECE = 0.04
"""Area of a piece of ink, in areas of the largest, below which it is taken for dirt."""
MAP_SIDE = 160
"""Longest side, in pixels, of the ink map that the next steps work on: twice what strokes are redrawn at."""
FAINTEST = 60
"""Grey levels of an ink map below which a pixel is set to 0."""

Maps = NDArray[np.float32]


class InkModel(Protocol):
    """What finds ink: see ``batch_eval.models.ink_model``."""

    def maps(self, images: NDArray[np.uint8]) -> Maps:
        """Return (N, S, S, 3) probabilities of 0 to 1 for (N, S, S, 3) BGR uint8 images, S being 64 or 128."""


class Window(NamedTuple):
    """A part of an image, in its pixels; the last row and column are not in it."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        return self.right - self.left, self.bottom - self.top

    def of(self, image: Image) -> Image:
        """Return that part of the image, a view."""
        return image[self.top : self.bottom, self.left : self.right]


class Look(NamedTuple):
    """What the model saw last: the part of the image, and (S, S, 3) probabilities of ink, writing and print in it."""

    window: Window
    maps: Maps


class Sight(NamedTuple):
    """What was found in the part of an image that was looked at, all of the same height and width, uint8.

    The maps are 0 to 255: ``ink`` is the digit's, without dirt; ``writing`` is everything written, ``printed``
    everything printed. ``part`` is that part of the image, (H, W) or (H, W, 3) BGR. ``page`` is a map of everything
    written in the whole image.
    """

    part: Image
    writing: Image
    printed: Image
    ink: Image
    page: Image


def find_ink(image: Image, model: InkModel, *, looks: int = LOOKS, level: float = PROBABLE) -> Sight:
    """Look at an (H, W) or (H, W, 3) BGR uint8 image at most so often, and return what was found.

    ``level`` is the probability at which a stroke ends: less makes strokes thicker, and keeps fainter ink.
    """
    first, seen = look(image, model, looks)
    ink, writing, printed = (_enlarged(seen, k) for k in range(3))
    if level != PROBABLE:
        ink = cv2.LUT(ink, np.interp(np.arange(256), (0, 255 * level, 255), (0, 127.5, 255)).round().astype(np.uint8))
    part = seen.window.of(image)
    way = cv2.INTER_AREA if part.shape[0] >= ink.shape[0] else cv2.INTER_LINEAR
    part = cv2.resize(part, ink.shape[::-1], interpolation=way)
    page = writing if first is seen else _enlarged(first, 1)
    return Sight(part, writing, printed, without_dirt(ink), page)


def look(image: Image, model: InkModel, looks: int = LOOKS) -> tuple[Look, Look]:
    """Look at an (H, W) or (H, W, 3) BGR uint8 image until its ink is seen well; return the first look and the last."""
    whole = Window(0, 0, image.shape[1], image.shape[0])
    first = seen = Look(whole, _maps(image, model))
    for _ in range(looks - 1):
        closer = _closer(seen, image)
        if closer is None:
            break
        again = Look(closer, _maps(closer.of(image), model))
        if _box(again.maps[..., 0]) is None:
            break
        seen = again
    return first, seen


def _maps(image: Image, model: InkModel) -> Maps:
    side = SMALL if max(image.shape[:2]) <= SMALL else LARGE
    maps: Maps = model.maps(np.asarray(fitted(colour(image), side), np.uint8)[None])[0]
    return maps


def fitted(image: Image, side: int) -> Image:
    """Resize an (H, W) or (H, W, 3) uint8 image to (side, side), whatever its aspect.

    Averages over area along a side that gets smaller; enlarges smoothly.
    """
    height, width = image.shape[:2]
    if height >= side and width >= side:
        return cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA)
    if height > side:
        image = cv2.resize(image, (width, side), interpolation=cv2.INTER_AREA)
    elif width > side:
        image = cv2.resize(image, (side, height), interpolation=cv2.INTER_AREA)
    return cv2.resize(image, (side, side), interpolation=cv2.INTER_CUBIC)


def _closer(seen: Look, image: Image) -> Window | None:
    """Return the part of the image around small ink; None where ink is seen well, or where there is none.

    A speck whose ink is not known for the digit's may still be known for writing.
    """
    box, side = _box(seen.maps[..., 0]) or _box(seen.maps[..., 1]), len(seen.maps)
    if box is None or max(box.size) >= CLOSE * side:
        return None
    across, down = (length / side for length in seen.window.size)
    width, height = box.size[0] * across, box.size[1] * down
    reach = max(width, height) * MARGIN / 2 + 1.5 * max(across, down)  # as far as a map of so few pixels may err
    x = seen.window.left + (box.left + box.right) / 2 * across
    y = seen.window.top + (box.top + box.bottom) / 2 * down
    closer = Window(
        max(0, int(x - reach)),
        max(0, int(y - reach)),
        min(image.shape[1], math.ceil(x + reach)),
        min(image.shape[0], math.ceil(y + reach)),
    )
    return closer if math.prod(closer.size) < 0.9 * math.prod(seen.window.size) else None


def _box(probability: Maps) -> Window | None:
    """Return the box around the probable ink of an (S, S) map without its dirt, None where there is none."""
    pieces = _pieces((probability > PROBABLE).astype(np.uint8))[1]
    if not len(pieces):
        return None
    left, top, width, height, _ = pieces.T
    return Window(int(left.min()), int(top.min()), int((left + width).max()), int((top + height).max()))


def _pieces(mask: Image) -> tuple[Image, NDArray[np.integer], NDArray[np.intp]]:
    """Return the labels of an (H, W) 0/1 mask's pieces, and of those that are no dirt (N, 5) statistics and labels."""
    _, labels, statistics, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    area = statistics[1:, cv2.CC_STAT_AREA]
    large = np.flatnonzero(area >= MIN_PIECE * area.max(initial=0)) + 1
    return labels, np.asarray(statistics[large], np.int32), large


def _enlarged(seen: Look, kind: int) -> Image:
    """Return one of the maps as (H, W) uint8 in the aspect of the part that was seen."""
    return _in_aspect(seen.maps[..., kind], seen.window.size)


def _in_aspect(probability: Maps, size: tuple[int, int]) -> Image:
    """Return an (S, S) map of 0 to 1 as (H, W) uint8 in the aspect of ``size``, width and height."""
    scale = MAP_SIDE / max(size)
    target = max(1, round(size[0] * scale)), max(1, round(size[1] * scale))
    return cv2.resize((probability * 255).astype(np.uint8), target, interpolation=cv2.INTER_LINEAR)


def ink_map(probability: Maps, size: tuple[int, int]) -> Image:
    """Return the ink of an (S, S) map as (H, W) uint8 in the aspect of ``size``, width and height, without dirt."""
    return without_dirt(_in_aspect(probability, size))


def without_dirt(ink: Image) -> Image:
    """Set to 0 what is too faint or too small to belong to the digit in an (H, W) uint8 ink map."""
    labels, _, large = _pieces(cv2.threshold(ink, 255 * PROBABLE, 1, cv2.THRESH_BINARY)[1])
    kept = cv2.dilate(np.isin(labels, large).astype(np.uint8), NEIGHBOURS)
    return cv2.threshold(cv2.copyTo(ink, kept), FAINTEST - 1, 255, cv2.THRESH_TOZERO)[1]
