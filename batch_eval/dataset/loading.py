"""Load a set of images with the labels that are found, or that are named."""

from __future__ import annotations

import os
import posixpath
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from batch_eval.dataset.labels.choice import Choice, choose, no_labels
from batch_eval.dataset.labels.gathering import USUAL, gather, is_label_file_name, is_usual
from batch_eval.dataset.labels.matching import ImageNames
from batch_eval.dataset.labels.places import Places, label_by_places
from batch_eval.dataset.labels.reading import Reading
from batch_eval.dataset.labels.spelling import DIGITS, Classes, spell
from batch_eval.dataset.labels.tables import MAX_MB
from batch_eval.dataset.manifest import as_manifest, checked
from batch_eval.dataset.names import image_id
from batch_eval.dataset.options import LabelOptions, Labels
from batch_eval.dataset.sample import Dataset, Sample, Samples, label_sum
from batch_eval.dataset.sources.core import Source
from batch_eval.dataset.sources.listed import Listed
from batch_eval.dataset.sources.opening import Place, open_source
from batch_eval.dataset.splits import SPLIT, parts_of, pooled_note, rows_of, slice_of_parts
from batch_eval.errors import ConfigError, DatasetError
from batch_eval.files import read_whole
from batch_eval.forking import apart
from batch_eval.wording import listing, printable

if TYPE_CHECKING:
    from batch_eval.dataset.labels.files import LabelFile

STDIN = "-"
"""Stands for the label file that is read from stdin."""


def load_dataset(
    place: Place,
    labels: LabelOptions | str | Path | Labels | None = None,
    class_names: Sequence[str] = DIGITS,
) -> Dataset:
    """Return the images of a set with their labels.

    ``place`` is a folder, a file that holds a set, an image, or a list of images. ``labels`` are options, labels
    themselves, or the path of a label file. Without any, label files in the set, class folders and file names are
    looked at. The one that gives most images one of ``class_names`` is taken.

    Raises ``DatasetError`` if the set or its labels cannot be used. Raises ``ConfigError`` if options exclude each
    other or the pattern is invalid.
    """
    options = LabelOptions.of(labels)
    if found := as_manifest(place):
        checked(found, class_names, options)
        return found.dataset(apart(found.samples))
    _check(options)
    classes = Classes(class_names)
    source = open_source(place, classes, options)
    return _dataset(source, _find_labels(source, options, classes), options)


def _check(options: LabelOptions) -> None:
    """Raise ConfigError for options that exclude each other."""
    named = {"--labels": options.file, "--label-pattern": options.pattern, "labels": options.given}
    sources = [name for name, value in named.items() if value is not None]
    if len(sources) > 1:
        raise ConfigError(f"{' and '.join(sources)} name two sources of labels; give one of them.")
    if (options.path_column or options.label_column) and options.file is None and sources:
        raise ConfigError("--path-column and --label-column need a label file: name it with --labels.")


def _find_labels(source: Source, options: LabelOptions, classes: Classes) -> Choice:
    """Return the labels that are named, or those that are found, with notes on others."""
    # What reads one kind of labels is imported only where they are given, as most runs need one kind.
    if options.given is not None:
        from batch_eval.dataset.labels.given import label_by_values

        return Choice(label_by_values(options.given, source, classes, options))
    if options.pattern is not None:
        from batch_eval.dataset.labels.patterns import label_by_pattern

        return Choice(label_by_pattern(source.images, options.pattern, classes, options.offset))
    whole = not isinstance(source, Listed) or source.whole
    images = ImageNames(source.images, source.roots, whole=whole)
    if options.file is not None:
        from batch_eval.dataset.labels.files import label_by_file

        return Choice(label_by_file(_label_file(source, options.file), images, classes, options))
    # Arrays and tables of pixels have labels of their own: there is nothing to look for.
    if source.labels is not None:
        return Choice(_spelled(source.labels, classes, options.offset))
    # All that may hold labels is read completely before anything is chosen.
    gathered = gather(source, images, classes, options)
    if options.path_column or options.label_column:
        if not (gathered.readings or gathered.broken):
            raise ConfigError(
                "--path-column and --label-column need a label file: name it with --labels, "
                f"or put one of {', '.join(USUAL)} into {printable(source.name)}."
            )
        return choose(gathered, Places(), source.images, classes)
    return choose(gathered, label_by_places(source.images, classes, options.offset), source.images, classes)


def _label_file(source: Source, file: Path) -> LabelFile:
    """Return the label file that a person names: from stdin, the disk, or the set itself."""
    from batch_eval.dataset.labels.files import LabelFile

    if str(file) == STDIN:
        return LabelFile("stdin", source.roots[0], _stdin(), chosen=True)
    inside = file.as_posix()
    # A file of the disk comes first, as for every other program. The set is the second place to look.
    if not file.exists() and inside in source.others:
        content = source.read_other(inside)
        folder = posixpath.join(source.roots[0], posixpath.dirname(inside)).rstrip("/")
        return LabelFile(printable(inside), folder, content, chosen=True)
    folder = os.path.abspath(file.parent)
    name = printable(file.name if folder in source.roots else str(file))
    try:
        return LabelFile(name, folder, read_whole(file, MAX_MB), chosen=True)
    except OSError as error:
        where = f"looked from {printable(os.getcwd())} and in {printable(source.name)}"
        raise DatasetError(f"The label file {name} cannot be read: {error.strerror} ({where}).") from error


def _stdin() -> bytes:
    content = sys.stdin.buffer.read(MAX_MB * 1_000_000 + 1)
    if len(content) > MAX_MB * 1_000_000:
        raise DatasetError(
            f"The labels from stdin have more than {MAX_MB} MB, which is the limit. Give a smaller file."
        )
    return content


def _spelled(reading: Reading, classes: Classes, offset: int | None) -> Reading:
    """Return the labels of a source as classes of the model."""
    texts = ["" if truth is None else truth for truth in reading.truths]
    spelling = spell(sorted(set(texts)), classes, offset)
    truths = [spelling.names[text] for text in texts]
    return replace(reading, truths=truths, notes=(*reading.notes, *spelling.notes))


def _dataset(source: Source, choice: Choice, options: LabelOptions) -> Dataset:
    """Join images and labels."""
    reading = choice.reading or Reading("none found", [None] * len(source.images))
    # Parts come before rows: they are told by the paths of all images, also of those that are left out.
    reading, parts_note = _in_parts(source, reading, options.split)
    rows: Sequence[int] = range(len(source.images))
    if options.split:
        position = slice_of_parts(reading.slice_names, reading.slices, options.split)
        rows = rows_of(options.split, None if position is None else [slices[position] for slices in reading.slices])
    slices = reading.slices or [()] * len(source.images)
    files = source.images
    samples = Samples.of(Sample(image_id(files[row]), files[row], reading.truths[row], slices[row]) for row in rows)
    offers = (*choice.offers, *_outside(source)) if choice.reading is None else ()
    unlabelled = "" if choice.reading else no_labels(printable(source.name), files, offers)
    return Dataset(
        source=source,
        samples=samples,
        label_source=reading.source,
        slice_names=reading.slice_names,
        missing=reading.missing,
        notes=(
            *source.notes,
            *(f"{note}." for note in choice.notes),
            *reading.notes,
            *parts_note,
            *_unlabelled_note(samples, choice),
        ),
        labels_sha256=_digest(samples),
        unlabelled=unlabelled,
    )


def _outside(source: Source) -> list[str]:
    """Describe a label file that lies beside the folder rather than in it."""
    parent = os.path.dirname(source.roots[0])
    try:
        names = sorted(os.listdir(parent))
    except OSError:  # an array's root is no folder, and one that cannot be read has nothing to offer
        return []
    found = [name for name in names if is_label_file_name(name) and is_usual(name)][:1]
    paths = [os.path.join(parent, name) for name in found]
    return [f"{printable(path)} lies beside the folder: name it with --labels {printable(path)}" for path in paths]


def _in_parts(source: Source, reading: Reading, wanted: str | None) -> tuple[Reading, tuple[str, ...]]:
    """Return the reading and a note on pooling. A set with parts gets the slice `split`."""
    position = slice_of_parts(reading.slice_names, reading.slices)
    if position is not None:
        listed = [slices[position] for slices in reading.slices]
        return reading, (pooled_note(listed),) if not wanted and len(set(listed)) > 1 else ()
    parts = parts_of(source.images)
    if parts is None:
        return reading, ()
    slices = reading.slices or [()] * len(parts)
    with_part = [(*values, part) for values, part in zip(slices, parts, strict=True)]
    note = () if wanted else (pooled_note(parts),)
    return replace(reading, slice_names=(*reading.slice_names, SPLIT), slices=with_part), note


def _unlabelled_note(samples: Samples, choice: Choice) -> list[str]:
    """Return the remark about images without a label."""
    ids = samples.ids.kept(samples.truth.having([None])) if choice.reading else ()
    return [f"{len(ids)} of {len(samples)} images have no label: {listing(ids)}."] if ids else []


def _digest(samples: Samples) -> str:
    return f"{label_sum(zip(samples.ids, samples.truth, strict=True)):064x}"
