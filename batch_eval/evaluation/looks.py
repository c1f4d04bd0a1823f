"""Errors by how they look to the model: near-duplicates, and groups that show one mistake made many times."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from batch_eval.evaluation.findings import errors, predicted_columns
from batch_eval.evaluation.records import Evaluation

SAME = 0.985
"""Correlation from which two pictures are nearly the same: 2 of MNIST's 10,000 test digits have such a neighbour, while
most photos keep it when they are compressed again or scaled."""
BLOCK = 256
"""Pictures that are compared with all others at once: one product of matrices is far faster than as many of vectors."""
ALIKE = 0.3
"""1 - correlation, of softened pictures and on average, up to which errors are grouped."""
FEWEST = 3
"""Errors that make a group."""
MOST = 2_000
"""Errors of one confusion that are grouped: time and memory grow with their square."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What the model saw of K rows: ``vectors`` (K, D) float32 of mean 0 and length 1."""

    rows: NDArray[np.intp]
    vectors: NDArray[np.float32]


def seen(evaluation: Evaluation, rows: Sequence[int], soften: float = 0) -> Seen:
    """Return what the model saw of those rows that have a picture of the usual size and any ink.

    ``soften`` is the standard deviation, in pixels, of a blur that makes pictures comparable whose strokes lie a
    little apart.
    """
    found = [(row, image) for row in rows if (image := _decoded(evaluation, row)) is not None]
    shapes = [image.shape for _, image in found]
    usual = max(set(shapes), key=shapes.count, default=None)
    kept = [(row, _soft(image, soften)) for row, image in found if image.shape == usual]
    if not kept:
        return Seen(np.zeros(0, np.intp), np.zeros((0, 0), np.float32))
    pixels = np.array([image.ravel() for _, image in kept], dtype=np.float32)
    pixels -= pixels.mean(axis=1, keepdims=True)  # the ground, which is the same in all, would make all alike
    length = np.linalg.norm(pixels, axis=1, keepdims=True)
    return Seen(np.array([row for row, _ in kept], dtype=np.intp), pixels / np.maximum(length, 1e-6))


def _decoded(evaluation: Evaluation, row: int) -> NDArray[np.uint8] | None:
    """Return what the model saw, or None without a picture, of a damaged one, and of nothing but background."""
    import cv2

    picture = evaluation.records.pictures.get(row)
    if picture is None or not picture.seen:
        return None
    image = cv2.imdecode(np.frombuffer(picture.seen, np.uint8), cv2.IMREAD_GRAYSCALE)
    return None if image is None or not image.any() else image.astype(np.uint8, copy=False)


def _soft(image: NDArray[np.uint8], sigma: float) -> NDArray[np.uint8]:
    import cv2

    return cv2.GaussianBlur(image, (0, 0), sigma).astype(np.uint8, copy=False) if sigma else image


def near_duplicates(evaluation: Evaluation) -> tuple[tuple[int, ...], ...]:
    """Return groups of errors whose pictures are nearly the same; only errors read as the same class are compared."""
    rows = errors(evaluation)
    predicted = evaluation.records.predicted
    groups: list[tuple[int, ...]] = []
    for name in sorted(set(predicted[rows].tolist())):
        pictures = seen(evaluation, rows[predicted[rows] == name].tolist())
        groups += _copies(pictures)
    return tuple(sorted(groups))


def _copies(pictures: Seen) -> Iterator[tuple[int, ...]]:
    """Yield each picture with all that are nearly the same as it; a chain of small steps makes no group."""
    open_ = np.ones(len(pictures.rows), dtype=np.bool_)
    for first in range(0, len(open_), BLOCK):
        alike = pictures.vectors[first : first + BLOCK] @ pictures.vectors.T >= SAME
        for start, near in enumerate(alike, first):
            if open_[start]:
                same = open_ & near
                open_[same] = False
                if same.sum() > 1:
                    yield tuple(pictures.rows[same].tolist())


def group_errors(evaluation: Evaluation) -> Evaluation:
    """Return the evaluation with its errors grouped by confusion and look, the largest group first.

    Within each cell of the confusion matrix, what the model saw is clustered by average linkage. Imports scikit-learn.
    """
    rows = errors(evaluation)
    columns = len(predicted_columns(evaluation))
    cells = evaluation.truth_index[rows] * columns + evaluation.records.predicted[rows]
    groups: list[tuple[int, ...]] = []
    for cell in sorted(set(cells.tolist())):
        members = rows[cells == cell][:MOST]
        if len(members) >= FEWEST:
            groups += _clusters(seen(evaluation, members.tolist(), soften=1.5))
    ordered = tuple(sorted(groups, key=lambda group: (-len(group), group)))
    return replace(evaluation, records=replace(evaluation.records, groups=ordered))


def _clusters(pictures: Seen) -> list[tuple[int, ...]]:
    """Return the clusters that are large enough to be a finding."""
    if len(pictures.rows) < FEWEST:
        return []
    from sklearn.cluster import AgglomerativeClustering

    model = AgglomerativeClustering(n_clusters=None, distance_threshold=ALIKE, metric="cosine", linkage="average")
    labels = model.fit_predict(pictures.vectors)
    found = (pictures.rows[labels == label] for label in np.unique(labels))
    return [tuple(group.tolist()) for group in found if len(group) >= FEWEST]
