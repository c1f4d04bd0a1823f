"""Load a folder of images with the labels that are found, or that are named."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from batch_eval.dataset.discovery import Found, find_images
from batch_eval.dataset.filename_labels import label_by_name, label_by_pattern
from batch_eval.dataset.folder_labels import label_by_folder
from batch_eval.dataset.label_file import LABEL_FILES, label_by_file
from batch_eval.dataset.labelling import DIGITS, Labelling
from batch_eval.dataset.names import image_id
from batch_eval.dataset.options import LabelOptions
from batch_eval.dataset.sample import Dataset, Sample
from batch_eval.errors import ConfigError, DatasetError
from batch_eval.wording import listing, printable


def load_dataset(folder: str | Path, labels: LabelOptions | str | Path | None = None) -> Dataset:
    """Return the images under a folder with their labels.

    Labels come from the given label file or pattern, else from a label file in the folder, else from class folders,
    else from file names. A path as ``labels`` is a label file.

    Raises ``DatasetError`` if the folder or its labels cannot be used, saying what was found and what was expected,
    and ``ConfigError`` if the options exclude each other or the pattern is invalid.
    """
    options = LabelOptions.of(labels)
    if options.file is not None and options.pattern is not None:
        raise ConfigError("--labels and --label-pattern name two sources of labels; give one of them.")
    root = Path(folder)
    found = find_images(root)
    files = [options.file] if options.file is not None else _label_files(root, found)
    if options.pattern is None and files:
        labelling = label_by_file(files[0], root, found.images, options)
        return _dataset(root, found, labelling, unused=[file.name for file in files[1:]])
    if options.path_column or options.label_column:
        raise ConfigError(
            "--path-column and --label-column need a label file: name it with --labels, "
            f"or put one of {', '.join(LABEL_FILES)} into {printable(str(root))}."
        )
    if options.pattern is not None:
        return _dataset(root, found, label_by_pattern(found.images, options.pattern))
    return _dataset(root, found, _label_by_names(root, found.images))


def _label_files(root: Path, found: Found) -> list[Path]:
    """Return the label files that lie in the folder, in the order of ``LABEL_FILES``."""
    present = {path.lower(): path for path in found.others}
    return [root / present[name] for name in LABEL_FILES if name in present]


def _label_by_names(root: Path, images: Sequence[str]) -> Labelling:
    """Return labels from the names of folders, else of files."""
    by_folder = label_by_folder(images)
    if by_folder and all(truth is None or truth in DIGITS for truth in by_folder.truths):
        return by_folder
    by_name = label_by_name(images)
    if by_folder and by_name and None not in by_name.truths:
        raise _two_readings(images, by_folder, by_name)
    labelling = by_folder or by_name
    if labelling is None:
        raise _unlabelled(root, images)
    return labelling


def _dataset(root: Path, found: Found, labelling: Labelling, unused: Sequence[str] = ()) -> Dataset:
    """Join images and labels; ``unused`` names label files that were not read."""
    ids = [image_id(path) for path in found.images]
    remarks = [f"Also in the folder, but not used: {listing(unused)}."] if unused else []
    slices = labelling.slices or [()] * len(ids)
    samples = tuple(map(Sample, ids, found.images, labelling.truths, slices))
    return Dataset(
        root=root,
        samples=samples,
        label_source=labelling.source,
        slice_names=labelling.slice_names,
        missing=labelling.missing,
        notes=(*found.notes, *remarks, *labelling.notes, *_unlabelled_note(samples)),
        labels_sha256=_digest(samples),
    )


def _unlabelled_note(samples: Sequence[Sample]) -> list[str]:
    """Return the remark about images without a label."""
    ids = [sample.id for sample in samples if sample.truth is None]
    return [f"{len(ids)} of {len(samples)} images have no label: {listing(ids)}."] if ids else []


def _digest(samples: Sequence[Sample]) -> str:
    """Return the SHA-256 of ids and truths, as the JSON list of their pairs."""
    pairs = [(sample.id, sample.truth) for sample in samples]
    return hashlib.sha256(json.dumps(pairs).encode()).hexdigest()


def _two_readings(images: Sequence[str], by_folder: Labelling, by_name: Labelling) -> DatasetError:
    """Return the error for images whose folder and whose name could both be the label."""
    return DatasetError(
        f"Both folders and file names could be the labels: is {printable(images[0])} "
        f"{by_folder.truths[0]} or {by_name.truths[0]}? "
        "Say --label-pattern '(?P<label>[^/]+)/[^/]+$' to take the folder, or --label-pattern '(?P<label>[0-9])' "
        "to take the first digit of the file name, or name a label file with --labels."
    )


def _unlabelled(root: Path, images: Sequence[str]) -> DatasetError:
    """Return the error for images without any label."""
    last = printable(images[0].rpartition("/")[2])
    return DatasetError(
        f"No labels found for the {len(images)} images in {printable(str(root))} ({listing(images)}). "
        f"Expected class folders (7/{last}), or a label file {', '.join(LABEL_FILES[:-1])} or {LABEL_FILES[-1]} "
        f"in the folder, or file names that start with the digit (7_{last}). "
        "Or name a label file with --labels, or say with --label-pattern how names hold the label."
    )
