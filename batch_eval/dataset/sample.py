"""What a dataset is made of: samples, and where their truths came from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import repeat
from operator import eq
from typing import overload

from batch_eval.dataset.sources.core import Content, Distant, Source
from batch_eval.errors import DatasetError
from batch_eval.texts import BLOCK, Coded, Texts, blocks

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


class Samples(Sequence[Sample]):
    """Samples as columns: millions of them take little memory. Each is made when it is asked for."""

    __slots__ = ("files", "ids", "slices", "truth")

    def __init__(self, ids: Texts, files: Texts, truth: Coded[str | None], slices: Sequence[Coded[str]]) -> None:
        self.ids, self.truth, self.slices = ids, truth, tuple(slices)
        self.files = ids if files == ids else files

    @classmethod
    def of(cls, samples: Iterable[Sample]) -> Samples:
        """Return samples as columns. All have as many slices."""
        return samples if isinstance(samples, cls) else cls.joined(map(cls._block, blocks(samples)))

    @classmethod
    def joined(cls, parts: Iterable[Samples]) -> Samples:
        """Return the samples of several parts as one."""
        found = list(parts)
        slices = zip(*(part.slices for part in found), strict=True)
        ids = Texts.joined(part.ids for part in found)
        same = all(part.files is part.ids for part in found)
        return cls(
            ids,
            ids if same else Texts.joined(part.files for part in found),
            Coded.joined(part.truth for part in found),
            [Coded.joined(columns) for columns in slices],
        )

    @classmethod
    def _block(cls, samples: Sequence[Sample]) -> Samples:
        return cls(
            Texts.of(sample.id for sample in samples),
            Texts.of(sample.file for sample in samples),
            Coded.of(sample.truth for sample in samples),
            list(map(Coded.of, zip(*(sample.slices for sample in samples), strict=True))),
        )

    def __len__(self) -> int:
        return len(self.ids)

    def __iter__(self) -> Iterator[Sample]:
        for start in range(0, len(self), BLOCK):
            yield from self[start : start + BLOCK]

    @overload
    def __getitem__(self, place: int) -> Sample: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[Sample, ...]: ...
    def __getitem__(self, place: int | slice) -> Sample | tuple[Sample, ...]:
        """Return a sample, or those of a range."""
        if not isinstance(place, slice):
            values = tuple(column[place] for column in self.slices)
            return Sample(self.ids[place], self.files[place], self.truth[place], values)
        ids = self.ids[place]
        files = ids if self.files is self.ids else self.files[place]
        slices = zip(*(column[place] for column in self.slices), strict=True) if self.slices else repeat(())
        return tuple(map(Sample, ids, files, self.truth[place], slices))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and len(other) == len(self) and all(map(eq, self, other))

    __hash__ = None  # type: ignore[assignment]  # equal to lists, as which it cannot be hashed


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

    - ``samples``: may be given as any sequence of them.
    - ``label_source``: where the labels came from, in one line.
    - ``missing``: label rows that have no image file.
    - ``notes``: further remarks for the user.
    - ``labels_sha256``: identifies ids and truths: their `label_sum`, as 64 hexadecimal digits.
    - ``unlabelled``: why no image has a label, and what to do. It is empty if one has.
    - ``tally``: of a set whose samples are read part by part, the number of its images with each label, and None.
    """

    source: Source
    samples: Samples
    label_source: str
    slice_names: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    labels_sha256: str = ""
    unlabelled: str = ""
    tally: Mapping[str | None, int] | None = None

    def __post_init__(self) -> None:
        """Turn a sequence of samples into columns."""
        object.__setattr__(self, "samples", Samples.of(self.samples))

    @property
    def counts(self) -> Mapping[str | None, int]:
        """Number of images with each label, and without one under None."""
        return self.samples.truth.counts() if self.tally is None else self.tally

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
    def slice_values(self) -> dict[str, Coded[str]]:
        """The value of each sample for each slice."""
        columns = self.samples.slices or (Coded[str].of([]),) * len(self.slice_names)
        return dict(zip(self.slice_names, columns, strict=True))

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
