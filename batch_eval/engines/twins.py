"""Find images that are the same picture: equal files, and copies that were compressed or scaled again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

from batch_eval.engines.rows import Copies
from batch_eval.imaging.steps import Image, grey

SIDE = 32
"""Side of an image's thumbnail in pixels."""
SMALLEST = 64
"""Longest side in pixels below which images are not compared. Small pictures of one digit look alike by nature."""
MOST = 5_000
"""First images of a set that are compared. Their 12 million pairs take about a second."""
SCREEN, SAME = 0.9, 0.95
"""Correlations from which two images are looked at, at 16 × 16 pixels, and are the same, at 32 × 32.

Chosen on 1,170 phone photos and 300 of them encoded again, at JPEG qualities 30 to 95 and half to full size: of the
copies 98.7 % reach the second, of 684,000 pairs of other photos none does."""
BLOCK = 512
"""Images that are compared with all others at a time. It keeps memory flat."""

Thumbnail = NDArray[np.uint8]
"""(SIDE, SIDE) uint8."""


def thumbnail(image: Image) -> Thumbnail | None:
    """Return what is compared of a decoded image; None for a small one."""
    if max(image.shape[:2]) < SMALLEST:
        return None
    return np.asarray(grey(cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_AREA)), np.uint8)


def copies(thumbnails: Mapping[int, Thumbnail], prints: NDArray[np.uint64]) -> tuple[Copies, ...]:
    """Return the groups of rows that hold the same picture, in the order of their first rows."""
    # Rows are joined to groups pair by pair: each row knows the first row of its group.
    first = {row: row for row in thumbnails}
    for one, other in _same(thumbnails):
        low, high = sorted((_root(first, one), _root(first, other)))
        first[high] = low
    groups: dict[int, list[int]] = defaultdict(list)
    for row in sorted(first):
        groups[_root(first, row)].append(row)
    return tuple(
        Copies(tuple(rows), exact=len({int(prints[row]) for row in rows}) == 1)
        for rows in groups.values()
        if len(rows) > 1
    )


def _root(first: Mapping[int, int], row: int) -> int:
    while first[row] != row:
        row = first[row]
    return row


def _same(thumbnails: Mapping[int, Thumbnail]) -> Iterator[tuple[int, int]]:
    """Yield the pairs of rows whose thumbnails correlate."""
    # Light differs little between the photos of a session, so slow changes are taken out first: strokes are compared.
    # Few pairs pass at a quarter of the pixels, and those are compared at all of them.
    rows = list(thumbnails)
    if len(rows) < 2:
        return
    images = np.stack(list(thumbnails.values())).astype(np.float32)
    flat = _strokes(images).reshape(len(rows), -1)
    small = _strokes(images.reshape(len(rows), SIDE // 2, 2, SIDE // 2, 2).mean(axis=(2, 4))).reshape(len(rows), -1)
    for start in range(0, len(rows), BLOCK):
        near = np.argwhere(small[start : start + BLOCK] @ small[start:].T >= SCREEN)
        for one, other in (near + start)[near[:, 0] < near[:, 1]].tolist():
            if float(flat[one] @ flat[other]) >= SAME:
                yield rows[one], rows[other]


def _strokes(images: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return (n, s, s) without slow changes, each with mean 0 and length 1; an even image becomes 0."""
    slow = np.stack([cv2.GaussianBlur(image, (0, 0), image.shape[0] / 8) for image in images])
    sharp = images - slow
    sharp -= sharp.mean(axis=(1, 2), keepdims=True)
    length = np.sqrt((sharp**2).sum(axis=(1, 2), keepdims=True))
    # below 1 grey level a pixel there is only noise, which would make all empty pages equal
    return np.where(length >= images.shape[1], sharp / np.maximum(length, 1e-6), 0).astype(np.float32)
