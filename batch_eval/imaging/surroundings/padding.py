"""Which bars of one tone did a program add along the borders? They are cut off.

Measured by the rows "photo, between black bars" and "photo, in a white frame" of docs/preprocessing.md.
"""

from __future__ import annotations

import cv2
import numpy as np

from batch_eval.imaging.filters import edge_bands
from batch_eval.imaging.steps import Image, border, grey

# Chosen by experiment on those rows.
BAR_NOISE = 4
"""Maximum deviation of a bar from its tone, in grey levels. JPEG adds noise."""
BAR_EDGE = 1
"""Width of the blur between a bar and the photo, in pixels."""
MIN_UNBLURRED = 0.9
"""Minimum difference of the line beside a bar from it. Unit: the next line's difference. Less is blur."""
MIN_UNLIKE = 0.9
"""Minimum fraction of a photo, and of its outermost lines, that differs from the bars."""
MIN_CLEAR = 0.5
"""Minimum fraction of tightly cropped paper, and of its border, without ink."""
MIN_ASPECT = 0.45
"""Minimum ratio of the shorter to the longer side of a photo between bars. A 1 is narrower."""


def cut_padding(image: Image) -> Image:
    """Return an image without the bars of one tone along its borders."""
    # bars may have two tones, one at each end: try the top left corner's, then the bottom right one's
    for corner in (0,) if np.array_equal(image[0, 0], image[-1, -1]) else (0, -1):
        if _is_uniform(image[corner : corner + 1 or None]) or _is_uniform(image[:, corner, None]):
            image = np.ascontiguousarray(image[_between_bars(grey(image), corner)])
    return image


def _is_uniform(line: Image) -> bool:
    """Say whether a line of grey or BGR pixels has one tone."""
    lowest, highest, _, _ = cv2.minMaxLoc(grey(line))
    return highest - lowest <= 2 * BAR_NOISE


def _between_bars(level: Image, corner: int) -> tuple[slice, slice]:
    """Return the (rows, columns) between bars of a corner's tone. Without a photo, return all."""
    # What differs from the bars is a photo or a digit that was drawn on their tone. A digit leaves paper inside its
    # bounding box, or is as narrow as a thick 1; a photo fills its box.
    unlike = cv2.absdiff(level, np.full_like(level, level[corner, corner]))
    x, y, width, height = cv2.boundingRect(cv2.threshold(unlike, BAR_NOISE, 1, cv2.THRESH_BINARY)[1])
    found = unlike[y : y + height, x : x + width]
    beyond = y, len(level) - y - height, x, level.shape[1] - x - width  # top, bottom, left, right
    edges = [BAR_EDGE if thickness else 0 for thickness in beyond]
    shortest = max(MIN_ASPECT * max(width, height), 2 * BAR_EDGE + 1)
    if not any(edges) or min(width, height) < shortest or not (_is_photo(found, edges) or _is_paper(found)):
        return slice(None), slice(None)
    bands = edge_bands(found, 1 + BAR_EDGE)
    top, bottom, left, right = (edge if _is_blurred(*band) else 0 for edge, band in zip(edges, bands, strict=True))
    return slice(y + top, y + height - bottom), slice(x + left, x + width - right)


def _is_photo(unlike: Image, edges: list[int]) -> bool:
    """Say whether nearly everything between the bars differs from them.

    ``unlike`` is the (H, W) difference from the bars. ``edges`` are the widths of the blur on each side.
    """
    top, bottom, left, right = edges
    photo = unlike[top : len(unlike) - bottom, left : unlike.shape[1] - right]
    parts = [photo, *(band for band, edge in zip(edge_bands(photo, 1), edges, strict=True) if edge)]
    return all((part > 2 * BAR_NOISE).mean() >= MIN_UNLIKE for part in parts)


def _is_blurred(edge: Image, inner: Image) -> bool:
    """Say whether a line beside a bar is partly bar; ``inner`` is the next line inwards."""
    return bool(edge.max() < MIN_UNBLURRED * inner.max())


def _is_paper(unlike: Image) -> bool:
    """Say whether a difference from the bars shows paper with ink of their tone."""
    # Ink is the smaller part of tightly cropped paper and of its border, and seldom reaches a corner. A light digit on
    # a dark background also has little ink, but there the rest is like the bars.
    clear = cv2.threshold(unlike, BAR_NOISE, 1, cv2.THRESH_BINARY)[1]
    if cv2.countNonZero(clear) < MIN_CLEAR * clear.size or not clear[:: len(clear) - 1, :: clear.shape[1] - 1].all():
        return False
    return bool(border(clear).mean() >= MIN_CLEAR)
