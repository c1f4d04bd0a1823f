"""Equal images that a set holds under different labels or in different parts."""

from __future__ import annotations

import zlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from batch_eval.dataset import Content, Dataset, Sample
from batch_eval.dataset.splits import SPLIT
from batch_eval.engines.rows import DIGEST
from batch_eval.errors import UnreadableImageError
from batch_eval.wording import listing

TAIL = 256
"""Bytes at the end of a file that tell most files apart.

They hold compressed pixels, or the end of a drawing."""
MOST_READ = 2000
"""Images that are read again, at most. Without a limit, a set of copies would take a second run."""


def fingerprint(content: Content) -> int:
    """Return a number below 2⁶⁴ that equal images share, and few others."""
    # length in the upper 32 bits, checksum of the last bytes in the lower 32
    data = content if isinstance(content, bytes) else content.tobytes()
    return (len(data) & 0xFFFFFFFF) << 32 | zlib.crc32(data[-TAIL:])


def digest(content: Content) -> bytes:
    """Return ``DIGEST`` bytes that equal images share, and no others: the beginning of their SHA-256."""
    return sha256(content if isinstance(content, bytes) else content.tobytes()).digest()[:DIGEST]


def duplicate_notes(dataset: Dataset, prints: NDArray[np.uint64], readable: NDArray[np.bool_]) -> Iterator[str]:
    """Yield a remark on equal images under different labels, and one on those in different parts.

    Images with the same fingerprint are read again and compared byte by byte. Only as many are read as can matter.

    Args:
        dataset: The images.
        prints: (N,) the fingerprint of each image.
        readable: (N,) bool: images that could be decoded.

    """
    split = dataset.slice_names.index(SPLIT) if SPLIT in dataset.slice_names else None
    by_label: list[str] = []
    by_part: list[str] = []
    remaining = MOST_READ
    for rows in _same_prints(prints, readable):
        samples = [dataset.samples[row] for row in rows]
        # copies under one label and in one part do no harm: they need not be read again
        if len(_labels(samples)) < 2 and (split is None or len({s.slices[split] for s in samples}) < 2):
            continue
        remaining -= len(samples)
        if remaining < 0:
            break
        for group in _equal(dataset, samples):
            names = " and ".join(sample.id for sample in group[:3])
            if len(_labels(group)) > 1:
                by_label.append(f"{names} ({', '.join(sorted(_labels(group)))})")
            if split is not None and len({sample.slices[split] for sample in group}) > 1:
                by_part.append(names)
    if by_label:
        yield f"Equal images under different labels: {listing(by_label)}. One of the labels must be wrong."
    if by_part:
        yield f"Equal images in different parts of the set: {listing(by_part)}."


def _same_prints(prints: NDArray[np.uint64], readable: NDArray[np.bool_]) -> Iterator[list[int]]:
    """Yield the rows that share a fingerprint, in their order."""
    rows = np.flatnonzero(readable)
    order = rows[np.argsort(prints[rows], kind="stable")]
    same = prints[order[1:]] == prints[order[:-1]]
    groups: list[list[int]] = []
    # almost all images are alone, so that only places of equal neighbours are looked at
    for place in np.flatnonzero(same).tolist():
        first, second = int(order[place]), int(order[place + 1])
        # three equal images make two pairs, and the second pair extends the group of the first
        if groups and groups[-1][-1] == first:
            groups[-1].append(second)
        else:
            groups.append([first, second])
    yield from sorted(groups)


def _labels(samples: Sequence[Sample]) -> set[str]:
    return {sample.truth for sample in samples if sample.truth is not None}


def _equal(dataset: Dataset, samples: Sequence[Sample]) -> Iterator[list[Sample]]:
    """Yield the samples whose bytes are the same."""
    groups: dict[bytes, list[Sample]] = defaultdict(list)
    for sample in samples:
        try:
            content = dataset.read(sample)
        except UnreadableImageError:  # it changed meanwhile
            continue
        groups[content if isinstance(content, bytes) else content.tobytes()].append(sample)
    yield from (group for group in groups.values() if len(group) > 1)
