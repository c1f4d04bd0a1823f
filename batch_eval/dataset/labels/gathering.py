"""Gather the label files of a set, and why others give nothing."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from batch_eval.dataset.labels.matching import ImageNames
from batch_eval.dataset.labels.named import NamedFiles
from batch_eval.dataset.labels.reading import Reading
from batch_eval.dataset.labels.sidecars import NAMES, find_sidecars, label_by_sidecars
from batch_eval.dataset.labels.spelling import Classes
from batch_eval.dataset.labels.tables import EXCEL, JSON, MAX_MB, PACKED
from batch_eval.dataset.labels.words import ANSWER_WORDS, LABEL_WORDS, part_in, words
from batch_eval.dataset.names import FOREIGN_SUFFIXES, natural_key, suffix
from batch_eval.dataset.options import LabelOptions
from batch_eval.errors import AnswersFileError, DatasetError, MalformedFileError, UnfitFileError, UnreadableImageError
from batch_eval.publishing import REPORTS
from batch_eval.wording import printable

if TYPE_CHECKING:
    from batch_eval.dataset.labels.files import LabelFile

USUAL = ("labels.csv", "labels.tsv", "metadata.csv", "metadata.jsonl")
"""The names of label files that are used most. Of equal files, the first of these is taken."""
SUFFIXES = frozenset({".csv", ".tsv", ".tab", ".txt", ".lst", ".npy", ".yaml", ".yml"}) | JSON | EXCEL
_DATA = "xls ods numbers mat pkl pickle joblib h5 parquet feather db sqlite"
_DOCUMENTS = "docx doc pdf xml html py ipynb exe"
FOREIGN = frozenset(f".{name}" for name in f"{_DATA} {_DOCUMENTS}".split())
"""Suffixes of files that may be meant as labels and are not read."""
_SETS = frozenset(f".{name}" for name in ["zip", "tar", "tgz", "rar", "7z", "npz", "cache", "names"])
"""Suffixes of files that are no label files, whatever their name."""
MOST_FILES = 100
"""Files that are read in search of labels."""
SAMPLE = 50
"""Images whose names are looked for in a file that could not be understood."""

_NAMES = LABEL_WORDS | {"metadata", "annotation", "annotations"}
"""Words in the names of label files."""


@dataclass(slots=True)
class Gathered:
    """What label files give. ``unused`` says of others why not. ``broken`` are meant as labels and cannot be used.

    ``slices`` gives slices alone, from a table without labels.
    """

    readings: list[Reading] = field(default_factory=list)
    slices: list[Reading] = field(default_factory=list)
    unused: list[str] = field(default_factory=list)
    broken: list[DatasetError] = field(default_factory=list)

    @property
    def offers(self) -> tuple[str, ...]:
        """What is in tables that name images and hold no labels."""
        return tuple(
            f"{each.source} holds no labels{': in one of its columns, ' + each.offer if each.offer else ''}"
            for each in self.slices
        )


def gather(files: NamedFiles, images: ImageNames, classes: Classes, options: LabelOptions) -> Gathered:
    """Read every file of a set that may hold labels."""
    gathered = Gathered()
    sidecars = find_sidecars(files.images, files.others)
    if sidecars.of_image:
        try:
            reading = label_by_sidecars(sidecars, files.images, files.read_other, classes, options.offset)
            gathered.readings.append(reading)
        except UnfitFileError as error:
            gathered.unused.append(str(error).rstrip("."))
        except DatasetError as error:
            gathered.broken.append(error)
    candidates = [path for path in _without_reports(sidecars.others) if _may_hold_labels(path)]
    # The likeliest first, as only so many are read.
    candidates.sort(key=lambda path: (_rank(path), natural_key(path)))
    for path in candidates[:MOST_FILES]:
        if files.size(path) > MAX_MB * 1_000_000:
            gathered.unused.append(f"{printable(path)} is larger than {MAX_MB} MB")
        else:
            _read(gathered, files, path, images, classes, options)
    for path in sidecars.others:
        if suffix(path) in FOREIGN and is_label_file_name(path):
            gathered.unused.append(f"{printable(path)} is of a kind that is not read: save it as CSV (UTF-8)")
    if len(candidates) > MOST_FILES:
        gathered.unused.append(f"{len(candidates) - MOST_FILES} further files were not looked at")
    return gathered


def _without_reports(others: Sequence[str]) -> list[str]:
    """Leave out the reports that a command wrote among the images."""
    ours = set()
    for path in others:
        folder, slash, name = path.rpartition("/")
        if name in REPORTS:
            ours |= {path, *(folder + slash + beside for beside in REPORTS[name])}
    return [path for path in others if path not in ours]


def is_label_file_name(path: str) -> bool:
    """Whether a file is named as label files usually are."""
    name = path.rpartition("/")[2]
    stem = words(name.partition(".")[0])
    return bool(_NAMES & set(stem)) and name.lower() not in NAMES


def _may_hold_labels(path: str) -> bool:
    """Whether a file has a usual suffix, or is named after labels: `labels.dat`, `labels.csv.bak`."""
    name = path.rpartition("/")[2].lower()
    if name in NAMES:
        return False
    return is_usual(name) or (is_label_file_name(name) and suffix(name) not in FOREIGN | FOREIGN_SUFFIXES | _SETS)


def is_usual(path: str) -> bool:
    """Whether a file has a suffix of label files."""
    return suffix(path.lower().removesuffix(PACKED)) in SUFFIXES


def _rank(path: str) -> int:
    name = path.rpartition("/")[2].lower()
    # The whole path is compared: the usual names count only at the top of the set.
    if path.lower() in USUAL:
        return USUAL.index(name)
    return len(USUAL) + (not is_label_file_name(path))


def _read(
    gathered: Gathered, files: NamedFiles, path: str, images: ImageNames, classes: Classes, options: LabelOptions
) -> None:
    """Enter what one file gives, or why it gives nothing."""
    from batch_eval.dataset.labels.files import LabelFile

    folder, root = path.rpartition("/")[0], files.roots[0]
    try:
        raw = files.read_other(path)
    except UnreadableImageError as error:
        gathered.broken.append(DatasetError(f"The label file {printable(path)} cannot be read: {error}."))
        return
    # Scoring a model against its own answers gives 100 %.
    if ANSWER_WORDS & set(words(path.rpartition("/")[2])):
        gathered.unused.append(f"{printable(path)} is named as the answers of a model")
        return
    # Paths in a file are relative to its own folder, or to that of the part it is named after.
    folders = [f"{root}/{folder}" if folder else root, *_folders_of_part(path, files)]
    try:
        reading = _first_fit([LabelFile(printable(path), each, raw) for each in folders], images, classes, options)
        (gathered.readings if any(reading.truths) else gathered.slices).append(reading)
    except AnswersFileError as error:
        gathered.unused.append(str(error).rstrip("."))
    except (UnfitFileError, MalformedFileError) as error:
        # What is meant as labels must be usable. Of other files it is only noted that they are not.
        if (is_label_file_name(path) and is_usual(path)) or _mentions(raw, files.images):
            gathered.broken.append(error)
        else:
            why = "names no image" if isinstance(error, UnfitFileError) else "is no table of labels"
            gathered.unused.append(f"{printable(path)} {why}")
    except DatasetError as error:
        gathered.broken.append(error)


def _first_fit(candidates: Sequence[LabelFile], images: ImageNames, classes: Classes, options: LabelOptions) -> Reading:
    """Return what a file gives. Its paths are relative to the first folder that fits."""
    from batch_eval.dataset.labels.files import label_by_file

    for file in candidates[:-1]:
        with suppress(UnfitFileError):
            return label_by_file(file, images, classes, options)
    return label_by_file(candidates[-1], images, classes, options)


def _folders_of_part(path: str, files: NamedFiles) -> list[str]:
    """Return the folders of the part that a file is named after: `train_labels.csv` is about `train/`."""
    part = part_in(path.rpartition("/")[2])
    if not part:
        return []
    folders = dict.fromkeys(image.rpartition("/")[0] for image in files.images)
    return [f"{files.roots[0]}/{folder}" for folder in folders if part_in(folder.partition("/")[0]) == part]


def _mentions(raw: bytes, images: Sequence[str]) -> bool:
    """Whether a file has names of images in it, and so is likely about them."""
    # Bytes are compared: the file could not be understood, so that its encoding is not known either.
    names = [os.fsencode(path.rpartition("/")[2]) for path in images[:: max(1, len(images) // SAMPLE)]]
    return 2 * sum(name in raw for name in names) > len(names)


def merged(readings: Sequence[Reading], classes: Classes) -> Sequence[Reading]:
    """Join label files that label different images, as `train/metadata.csv` and `test/metadata.csv` do.

    A file that says nothing new is left out. One that contradicts another stays, so that both are shown.
    """
    # From the fullest on, each joins the first that it does not contradict.
    ranked = sorted(readings, key=lambda each: -sum(truth in classes for truth in each.truths))
    joined: list[Reading] = []
    for reading in ranked:
        for i, first in enumerate(joined):
            if not contradictions(first, reading):
                joined[i] = _join(first, reading)
                break
        else:
            joined.append(reading)
    return joined


def contradictions(one: Reading, other: Reading) -> list[int]:
    """Return the images that two readings label differently."""
    pairs = enumerate(zip(one.truths, other.truths, strict=True))
    return [i for i, (a, b) in pairs if a is not None and b is not None and a != b]


def _join(first: Reading, other: Reading) -> Reading:
    """Return the labels and slices of both. If the second adds none, return the first."""
    added = {i for i, truth in enumerate(other.truths) if truth is not None and first.truths[i] is None}
    if not added:
        return replace(first, notes=(*first.notes, f"Not needed, as it says the same: {other.source}."))
    names = tuple(dict.fromkeys((*first.slice_names, *other.slice_names)))
    return replace(
        first,
        source=f"{first.source} and {other.source}",
        truths=[other.truths[i] if i in added else truth for i, truth in enumerate(first.truths)],
        slice_names=names,
        slices=[_values(other if i in added else first, i, names) for i in range(len(first.truths))] if names else (),
        missing=(*first.missing, *other.missing),
        notes=tuple(dict.fromkeys((*first.notes, *other.notes))),
    )


def _values(reading: Reading, image: int, names: Sequence[str]) -> tuple[str, ...]:
    """Return an image's values of some slices. Those that the reading lacks are empty."""
    values = dict(zip(reading.slice_names, reading.slices[image], strict=True)) if reading.slice_names else {}
    return tuple(values.get(name, "") for name in names)
