"""Connected components of ink, and how likely each is part of the digit."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from batch_eval.imaging.filters import TIGHT_CROP
from batch_eval.imaging.ink import ink_bounds, label_type
from batch_eval.imaging.steps import Image
from batch_eval.imaging.stroke import CONTOUR

# Chosen by experiment; docs/preprocessing.md, row "photo without `digit`", and the squares of blank paper.
MIN_EXTENT = 0.04
"""Minimum extent of a digit. Unit: the image's longest side. Smaller components are specks."""
MAX_ASPECT = 4
"""Maximum ratio of a digit's width to its height. Real digits reach 2.8."""


@dataclass(frozen=True)
class Components:
    """The connected components of an ink map, one row each; row 0 is the background.

    Lengths are in pixels. The properties are (count,) arrays and relative to the image.
    """

    ink: Image
    """The ink map, (H, W) uint8."""
    inside: tuple[slice, slice]
    """The (rows, columns) that hold all components."""
    labels: Image
    """The component of each pixel in ``inside``."""
    stats: Image
    """OpenCV's statistics of each component, relative to ``inside``."""
    centres: Image
    """OpenCV's centroids, (x, y), relative to ``inside``."""

    def __len__(self) -> int:
        """Return the number of components, with the background."""
        return len(self.stats)

    @property
    def shape(self) -> tuple[int, int]:
        """The image's (H, W)."""
        height, width = self.ink.shape
        return height, width

    @cached_property
    def left(self) -> NDArray[np.int32]:
        """First column."""
        return self._column(cv2.CC_STAT_LEFT) + np.int32(self.inside[1].start)

    @cached_property
    def top(self) -> NDArray[np.int32]:
        """First row."""
        return self._column(cv2.CC_STAT_TOP) + np.int32(self.inside[0].start)

    @cached_property
    def right(self) -> NDArray[np.int32]:
        """Column after the last one."""
        return self.left + self._column(cv2.CC_STAT_WIDTH)

    @cached_property
    def bottom(self) -> NDArray[np.int32]:
        """Row after the last one."""
        return self.top + self._column(cv2.CC_STAT_HEIGHT)

    @cached_property
    def area(self) -> NDArray[np.int32]:
        """Number of pixels."""
        return self._column(cv2.CC_STAT_AREA)

    @cached_property
    def amount(self) -> NDArray[np.float64]:
        """Sum of the ink."""
        inked = self.labels > 0
        return np.bincount(self.labels[inked], self.ink[self.inside][inked], len(self)).astype(np.float64)

    @cached_property
    def offset(self) -> NDArray[np.float64]:
        """Distance of the centroid from the image's middle. Unit: the image's sides."""
        size = np.array(self.shape[::-1])
        origin = np.array([self.inside[1].start, self.inside[0].start])
        return np.asarray(np.hypot(*((self.centres + origin - (size - 1) / 2) / size).T))

    @cached_property
    def extent(self) -> NDArray[np.int32]:
        """Longest side of the bounding box."""
        return np.maximum(self._column(cv2.CC_STAT_WIDTH), self._column(cv2.CC_STAT_HEIGHT))

    @cached_property
    def largest(self) -> int:
        """The component of the largest extent."""
        return int(self.extent[1:].argmax()) + 1

    def _column(self, measure: int) -> NDArray[np.int32]:
        return np.asarray(self.stats[:, measure], np.int32)

    @cached_property
    def edges(self) -> NDArray[np.intp]:
        """Number of the image's edges that it touches. In a tight crop, where a digit may touch them, 0."""
        height, width = self.shape
        if max(self.shape) < TIGHT_CROP:
            return np.zeros_like(self.left)
        touching = (self.left <= 0, self.top <= 0, self.right >= width, self.bottom >= height)
        return np.asarray(sum(touching, np.zeros_like(self.left)), np.intp)

    @cached_property
    def weights(self) -> NDArray[np.float64]:
        """How likely it is part of the digit, up to a factor."""
        # large, dark, near the middle, clear of the edges: each edge that is touched quarters the weight
        tone = self.amount / np.maximum(self.area, 1)
        weights = self.extent * tone * np.exp(-((self.offset / 0.35) ** 2)) * 0.25**self.edges
        weights[0] = 0
        return np.asarray(weights, np.float64)

    @cached_property
    def scores(self) -> NDArray[np.float64]:
        """The weights, with those of specks reduced to a thousandth."""
        return np.where(self.extent < MIN_EXTENT * max(self.shape), 1e-3, 1) * self.weights

    @cached_property
    def flat(self) -> NDArray[np.bool_]:
        """Whether it is too flat for a digit, such as an underline or the bar of a 5."""
        return np.asarray(self.right - self.left > MAX_ASPECT * (self.bottom - self.top))

    @cached_property
    def main(self) -> int:
        """The component that is most likely the digit or its main part. Flat ones count half."""
        if len(self) == 2:  # one component and the background, as in most images
            return 1
        return int(np.where(self.flat, self.scores / 2, self.scores).argmax())


def find_components(ink: Image) -> Components:
    """Return the connected components of an (H, W) ink map within its contour."""
    _, mask = cv2.threshold(ink, CONTOUR - 1, 1, cv2.THRESH_BINARY)
    inside = ink_bounds(mask)
    mask = np.ascontiguousarray(mask[inside])
    _, labels, stats, centres = cv2.connectedComponentsWithStats(mask, connectivity=8, ltype=label_type(mask))
    return Components(ink, inside, labels, stats, centres)
