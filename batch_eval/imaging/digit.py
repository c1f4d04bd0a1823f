"""Choose the digit among everything that looks like ink: by strength, position and what belongs together."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from batch_eval.imaging.ink import CONTOUR, keep
from batch_eval.imaging.steps import Image


def choose_digit(ink: Image) -> Image:
    """Keep the connected piece of ink that is most likely the digit, with the pieces that belong to it.

    ``ink`` is (H, W) uint8 as `clear_paper` leaves it; the rest becomes 0. A piece scores by its ink, the more the
    nearer it lies to the middle, and less for each edge of the image that it touches.
    """
    mask = cv2.compare(ink, CONTOUR, cv2.CMP_GE)
    count, labels, boxes, centres = cv2.connectedComponentsWithStats(mask, connectivity=8)
    if count <= 2:
        return ink
    stats = boxes.astype(np.intp)
    inked = mask > 0
    amount = np.bincount(labels[inked], weights=ink[inked], minlength=count).astype(np.float64)
    scores = _scores(ink.shape, amount, stats, centres)
    main = int(scores.argmax())
    kept = _belonging(main, scores, stats, ink.shape)
    return keep(ink, (kept * np.uint8(255))[labels])


def _scores(
    shape: tuple[int, ...], amount: NDArray[np.float64], stats: NDArray[np.intp], centres: Image
) -> NDArray[np.float64]:
    """(count,) score of each piece; 0 for the background."""
    height, width = shape
    offset = np.hypot(centres[:, 0] / width - 0.5, centres[:, 1] / height - 0.5)
    extent = stats[:, cv2.CC_STAT_WIDTH : cv2.CC_STAT_HEIGHT + 1].max(axis=1)
    tone = amount / stats[:, cv2.CC_STAT_AREA]
    scores: NDArray[np.float64] = extent * tone * np.exp(-((offset / 0.35) ** 2)) * 0.25 ** _edges(stats, shape)
    speck = extent < 0.03 * max(shape)
    scores[speck] *= 1e-3
    scores[0] = 0
    return scores


def _edges(stats: NDArray[np.intp], shape: tuple[int, ...]) -> NDArray[np.intp]:
    """(count,) number of the image's edges that each piece touches."""
    left, top, width, height = (stats[:, i] for i in range(4))
    touching = left <= 0, top <= 0, left + width >= shape[1], top + height >= shape[0]
    return np.asarray(np.sum(touching, axis=0))


def _belonging(
    main: int, scores: NDArray[np.float64], stats: NDArray[np.intp], shape: tuple[int, ...]
) -> NDArray[np.bool_]:
    """(count,) which pieces make up the digit: the main one, and what lies near it and is no speck or edge."""
    left, top, width, height, area = (stats[:, i] for i in range(5))
    right, bottom = left + width, top + height
    gap_x = np.maximum(left[main] - right, left - right[main])
    gap_y = np.maximum(top[main] - bottom, top - bottom[main])
    near = np.maximum(gap_x, gap_y) < 0.15 * max(width[main], height[main])
    edges = _edges(stats, shape)
    kept: NDArray[np.bool_] = near & (area >= 0.02 * area[main]) & (scores > 0.02 * scores[main])
    kept &= (edges == 0) | (edges[main] > 0)
    kept[main] = True
    kept[0] = False
    return kept
