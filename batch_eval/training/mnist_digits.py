"""Choose the digits of MNIST's training set that stand for all of them (``models/mnist_digits.py``).

``python -m batch_eval.training.mnist_digits mnist.npz FILE`` chooses them again. The digits of each class are grouped
by k-means, and the digit nearest to each centre is taken.
Source: MacQueen, Some Methods for Classification and Analysis of Multivariate Observations, 1967.
"""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from batch_eval.publishing import publish

EACH = 100
"""Digits of a class. The picture of 1,000 takes 170 kB."""


def chosen(digits: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return at most ``EACH`` of one class's digits, (n, 28, 28) uint8, as (m, 28, 28) uint8."""
    from sklearn.cluster import MiniBatchKMeans

    # half the resolution keeps the shapes, and takes a quarter of the time
    flat = digits.reshape(len(digits), 14, 2, 14, 2).mean(axis=(2, 4), dtype=np.float32).reshape(len(digits), -1)
    means = MiniBatchKMeans(min(EACH, len(digits)), random_state=0, n_init=1, batch_size=2048, max_iter=10).fit(flat)
    # |a - b|² without |b|², which is the same for all digits: the order stays
    distances = (flat**2).sum(axis=1)[:, None] - 2 * flat @ means.cluster_centers_.T
    return digits[sorted(set(distances.argmin(axis=0).tolist()))]


def picture(images: NDArray[np.uint8], labels: NDArray[np.integer]) -> bytes:
    """Return the chosen of (N, 28, 28) uint8 digits as PNG, one class a row."""
    of_class = [chosen(images[labels == digit]) for digit in range(10)]
    count = min(map(len, of_class))  # two centres may have the same nearest digit
    rows = [np.hstack(list(digits[:count])) for digits in of_class]
    return bytes(cv2.imencode(".png", np.vstack(rows), [cv2.IMWRITE_PNG_COMPRESSION, 9])[1].tobytes())


if __name__ == "__main__":
    with np.load(sys.argv[1]) as mnist:
        data = picture(mnist["x_train"], mnist["y_train"])
    target = Path(sys.argv[2])
    publish(target.parent, [("the digits", target.name, data)], None)
