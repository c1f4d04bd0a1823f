"""What a dataset is made of: samples, and where their truths came from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from batch_eval.dataset.sources.core import Content, Distant, Source
from batch_eval.errors import DatasetError

LABEL_SUMS = 1 << 256
"""Number of different label sums."""


@dataclass(frozen=True, slots=True)
class Sample:
    r"""One image with what it should read.

    - ``id``: its path or number in the source, always printable. Bytes that are not UTF-8 appear as ``\xNN``.
    - ``file``: the same, as the source spells it.
    - ``truth``: a class name. It is None if the image has no label.
    - ``slices``: one value for each of the dataset's ``slice_names``.
    """

    id: str
    file: str
    truth: str | None
    slices: tuple[str, ...] = ()


def label_sum(pairs: Iterable[tuple[str, str | None]]) -> int:
    """Return the sum of the SHA-256 of ids and truths, modulo 2²⁵⁶.

    It does not depend on their order. The sums of a set's parts add up to that of the set.
    """
    total = 0
    for id_, truth in pairs:
        # An id is printable and holds no NUL, so that no two pairs are spelled alike.
        text = id_ if truth is None else f"{id_}\0{truth}"
        total += int.from_bytes(sha256(text.encode("utf-8", "surrogatepass")).digest())
    return total % LABEL_SUMS


@dataclass(frozen=True, slots=True)
class Dataset:
    """A set of images with labels, in natural order of their ids.

    - ``label_source``: where the labels came from, in one line.
    - ``missing``: label rows that have no image file.
    - ``notes``: further remarks for the user.
    - ``labels_sha256``: identifies ids and truths: their `label_sum`, as 64 hexadecimal digits.
    - ``unlabelled``: why no image has a label, and what to do. It is empty if one has.
    - ``tally``: of a set whose samples are read part by part, the number of its images with each label, and None.
    """

    source: Source
    samples: tuple[Sample, ...]
    label_source: str
    slice_names: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    labels_sha256: str = ""
    unlabelled: str = ""
    tally: Mapping[str | None, int] | None = None

    @property
    def counts(self) -> Mapping[str | None, int]:
        """Number of images with each label, and without one under None."""
        return Counter(sample.truth for sample in self.samples) if self.tally is None else self.tally

    @property
    def labels(self) -> Mapping[str, int]:
        """Number of images with each label."""
        return {truth: count for truth, count in self.counts.items() if truth is not None}

    @property
    def count(self) -> int:
        """Number of images."""
        return sum(self.counts.values())

    @property
    def name(self) -> str:
        """The name of the folder or file that holds the images."""
        return self.source.name

    @property
    def slice_values(self) -> dict[str, tuple[str, ...]]:
        """The value of each sample for each slice."""
        return {name: tuple(sample.slices[i] for sample in self.samples) for i, name in enumerate(self.slice_names)}

    def labelled(self) -> Dataset:
        """Return the dataset itself. Raises DatasetError if no image has a label."""
        if self.unlabelled:
            raise DatasetError(self.unlabelled)
        return self

    def read(self, sample: Sample) -> Content:
        """Return a sample's file as bytes, or its pixels. Raises UnreadableImageError with the reason."""
        return self.source.read(sample.file)

    def expect(self, samples: Sequence[Sample]) -> None:
        """Let the source request what this thread will read next, in this order."""
        if isinstance(self.source, Distant):
            self.source.expect([sample.file for sample in samples])
