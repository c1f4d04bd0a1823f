"""Errors that look similar to the model: near-duplicates, and groups of one mistake made many times.

Both compare the model's inputs by correlation. It ignores brightness and contrast, and needs no second model.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from batch_eval.errors import UnreadableImageError
from batch_eval.evaluation.confusions import errors, predicted_columns
from batch_eval.evaluation.records import Evaluation

DUPLICATE_CORRELATION = 0.985
"""Correlation from which two pictures are near-duplicates.

Chosen on MNIST: 2 of its 10,000 test digits have such a neighbour. Most photos reach it after being compressed again
or scaled.
"""
BLOCK = 256
"""Pictures compared with all others at once. One matrix product is far faster than a product for each pair."""
MAX_SIDE = 64
"""Longest side, in pixels, at which pictures are compared. All pictures of a class are in memory."""
BLUR = 1.5
"""Standard deviation, in pixels, of the blur before grouping."""
MAX_DISTANCE = 0.3
"""Mean cosine distance, 1 - correlation, below which two clusters of blurred pictures merge."""
MIN_GROUP = 3
"""Errors in the smallest group that is reported."""
MAX_CLUSTERED = 2_000
"""Errors of one confusion that are clustered. Time and memory grow with the square."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """The model's inputs of K rows.

    ``vectors`` is (K, D) float32, each of mean 0 and length 1.
    """

    rows: NDArray[np.intp]
    vectors: NDArray[np.float32]


def model_inputs(evaluation: Evaluation, rows: Sequence[int], blur: float = 0) -> Inputs:
    """Return the model's inputs of those rows that have a picture with ink.

    Only those of the most frequent size are returned. ``blur`` is the standard deviation of a Gaussian, in pixels. It
    lets strokes match that lie a little apart.
    """
    found = [(row, image) for row in rows if (image := _decoded(evaluation, row)) is not None]
    # Vectors can be compared only if they are of one length.
    shapes = [image.shape for _, image in found]
    usual = max(set(shapes), key=shapes.count, default=None)
    kept = [(row, _blurred(image, blur)) for row, image in found if image.shape == usual]
    if not kept:
        return Inputs(np.zeros(0, np.intp), np.zeros((0, 0), np.float32))
    pixels = np.array([image.ravel() for _, image in kept], dtype=np.float32)
    # With mean 0 and length 1, the dot product of two pictures is Pearson's correlation. Without subtracting the
    # mean, the background that all pictures share would make all of them similar.
    pixels -= pixels.mean(axis=1, keepdims=True)
    # A picture of one shade is all 0 without its mean, and has length 0.
    length = np.linalg.norm(pixels, axis=1, keepdims=True)
    return Inputs(np.array([row for row, _ in kept], dtype=np.intp), pixels / np.maximum(length, 1e-6))


def _decoded(evaluation: Evaluation, row: int) -> NDArray[np.uint8] | None:
    """Return the model's input; None where the picture is missing, damaged, or all background."""
    from batch_eval.imaging import decode
    from batch_eval.imaging.filters import shrink
    from batch_eval.imaging.guard import one_image
    from batch_eval.imaging.steps import grey

    picture = evaluation.records.pictures.get(row)
    if picture is None or not picture.seen:
        return None
    try:
        image = grey(one_image(decode, picture.seen))
    except UnreadableImageError:  # a report shows what there is
        return None
    return shrink(image, MAX_SIDE).astype(np.uint8, copy=False) if image.any() else None


def _blurred(image: NDArray[np.uint8], sigma: float) -> NDArray[np.uint8]:
    import cv2

    return cv2.GaussianBlur(image, (0, 0), sigma).astype(np.uint8, copy=False) if sigma else image


def near_duplicates(evaluation: Evaluation) -> tuple[tuple[int, ...], ...]:
    """Return groups of errors whose pictures are nearly the same. Only errors read as the same class are compared."""
    rows = errors(evaluation)
    predicted = evaluation.records.predicted
    groups: list[tuple[int, ...]] = []
    for name in sorted(set(predicted[rows].tolist())):
        inputs = model_inputs(evaluation, rows[predicted[rows] == name].tolist())
        groups += _duplicates(inputs)
    return tuple(sorted(groups))


def _duplicates(inputs: Inputs) -> Iterator[tuple[int, ...]]:
    """Yield each picture together with all its near-duplicates."""
    # Each picture not yet in a group opens one and takes the free pictures similar to it. Similarity to the first
    # member counts, so a chain of small steps (a like b, b like c) does not join pictures that differ.
    free = np.ones(len(inputs.rows), dtype=np.bool_)
    for first in range(0, len(free), BLOCK):
        similar = inputs.vectors[first : first + BLOCK] @ inputs.vectors.T >= DUPLICATE_CORRELATION
        for start, near in enumerate(similar, first):
            if free[start]:
                same = free & near
                free[same] = False
                if same.sum() > 1:
                    yield tuple(inputs.rows[same].tolist())


def group_errors(evaluation: Evaluation) -> Evaluation:
    """Return the evaluation with similar errors of each confusion in groups, largest group first.

    The inputs of each confusion matrix cell are clustered by average linkage. Imports scikit-learn.
    Source: R. R. Sokal and C. D. Michener, A statistical method for evaluating systematic relationships, University of
    Kansas Science Bulletin 38 (1958).
    """
    rows = errors(evaluation)
    columns = len(predicted_columns(evaluation))
    # A blank image is predicted as -1. That lands on the last cell of the row above, which no other image uses, as no
    # class has the last column.
    cells = evaluation.truth_index[rows] * columns + evaluation.records.predicted[rows]
    groups: list[tuple[int, ...]] = []
    for cell in sorted(set(cells.tolist())):
        members = rows[cells == cell][:MAX_CLUSTERED]
        if len(members) >= MIN_GROUP:
            groups += _clusters(model_inputs(evaluation, members.tolist(), blur=BLUR))
    ordered = tuple(sorted(groups, key=lambda group: (-len(group), group)))
    return replace(evaluation, records=replace(evaluation.records, groups=ordered))


def _clusters(inputs: Inputs) -> list[tuple[int, ...]]:
    """Return the clusters with at least ``MIN_GROUP`` members."""
    if len(inputs.rows) < MIN_GROUP:
        return []
    from sklearn.cluster import AgglomerativeClustering

    # Average linkage starts with a cluster for each picture. It merges the two clusters whose members are closest on
    # average, until that mean exceeds MAX_DISTANCE. Single linkage would chain; complete linkage splits at outliers.
    model = AgglomerativeClustering(
        n_clusters=None, distance_threshold=MAX_DISTANCE, metric="cosine", linkage="average"
    )
    labels = model.fit_predict(inputs.vectors)
    found = (inputs.rows[labels == label] for label in np.unique(labels))
    return [tuple(group.tolist()) for group in found if len(group) >= MIN_GROUP]
