"""What a dataset is made of: samples, and where their truths came from."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Sample:
    r"""One image file with what it should read.

    ``id`` is the path relative to the dataset's root with ``/``, always printable (bytes that are not UTF-8 appear
    as ``\xNN``); ``file`` is the same path as the operating system spells it. ``truth`` is a class name or None when
    the image has no label. ``slices`` holds one value for each of the dataset's ``slice_names``.
    """

    id: str
    file: str
    truth: str | None
    slices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Dataset:
    """A folder of images with labels, in natural order of their ids.

    ``label_source`` says in one line where the labels came from, ``missing`` names label rows that have no image
    file, ``notes`` are further remarks that the user should see, ``labels_sha256`` identifies ids and truths.
    """

    root: Path
    samples: tuple[Sample, ...]
    label_source: str
    slice_names: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    labels_sha256: str = ""

    @property
    def slice_values(self) -> dict[str, tuple[str, ...]]:
        """The value of each sample for each slice."""
        return {name: tuple(sample.slices[i] for sample in self.samples) for i, name in enumerate(self.slice_names)}

    def path(self, sample: Sample) -> str:
        """Return the path that opens the sample's file."""
        return f"{self.root}/{sample.file}"
