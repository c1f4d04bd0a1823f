"""What a dataset is made of: samples, and where their truths came from."""

from __future__ import annotations

from dataclasses import dataclass

from batch_eval.dataset.sources.core import Content, Source
from batch_eval.errors import DatasetError


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


@dataclass(frozen=True, slots=True)
class Dataset:
    """A set of images with labels, in natural order of their ids.

    - ``label_source``: where the labels came from, in one line.
    - ``missing``: label rows that have no image file.
    - ``notes``: further remarks for the user.
    - ``labels_sha256``: identifies ids and truths.
    - ``unlabelled``: why no image has a label, and what to do. It is empty if one has.
    """

    source: Source
    samples: tuple[Sample, ...]
    label_source: str
    slice_names: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    labels_sha256: str = ""
    unlabelled: str = ""

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
