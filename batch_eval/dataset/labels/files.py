"""Labels from one label file: what its bytes are, which of its columns count, and which row belongs to which image."""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from batch_eval.dataset.labels import encodings
from batch_eval.dataset.labels.columns import Columns, all_labels, as_list, column, holds_answers, understand
from batch_eval.dataset.labels.matching import AMBIGUOUS, How, ImageNames
from batch_eval.dataset.labels.reading import Reading
from batch_eval.dataset.labels.spelling import Classes, spell
from batch_eval.dataset.labels.tables import EXCEL, JSON, LabelList, Table
from batch_eval.dataset.names import suffix
from batch_eval.dataset.options import LabelOptions
from batch_eval.errors import AnswersFileError, DatasetError, MalformedFileError, UnfitFileError
from batch_eval.wording import listing, printable

_ASSIGNED = re.compile(r"\s*[A-Za-z_]\w*\s*=\s*(?=[\[{])")  # labels = [7, 2, …], as copied from a program
_NPY = b"\x93NUMPY"
LFS_POINTER = b"version https://git-lfs.github.com/spec/"

_NO_TABLES = {
    b"PK\x03\x04": "a spreadsheet or an archive",
    b"\xd0\xcf\x11\xe0": "a spreadsheet (.xls)",
    b"<!DOCTYPE HTML": "a web page",
    b"<HTML": "a web page",
}


@dataclass(frozen=True, slots=True)
class LabelFile:
    """A label file in memory: its name in messages, the folder that its paths are relative to, and its bytes.

    ``folder`` is absolute, or below one of the roots of the images. ``chosen`` says that a person named the file.
    """

    name: str
    folder: str
    raw: bytes
    chosen: bool = False


def label_by_file(file: LabelFile, images: ImageNames, classes: Classes, options: LabelOptions) -> Reading:
    """Return the labels and slices that a label file gives.

    Every column but those of path and label is a slice. Images without a row, or with an empty label, get None; a
    table without labels still gives slices.

    Raises UnfitFileError for a file that has nothing to do with the images, and DatasetError for one that has and
    cannot be used.
    """
    _check_kind(file)
    found: list[Reading] = []
    refusal: DatasetError | None = None
    for content in contents(file, options):
        try:
            if isinstance(content, DatasetError):
                raise content
            found.append(label_by_content(file, content, images, classes, options))
        except DatasetError as error:
            if isinstance(content, Table) and content.exact:  # another way to read it, of which nothing came
                continue
            refusal = error if refusal is None or _weight(error) > _weight(refusal) else refusal
    if refusal and (not found or _weight(refusal) == _SERIOUS):  # read otherwise, the file names images too
        raise refusal
    if not found:
        raise UnfitFileError(f"The label file {file.name} is empty; expected a line for each image.")
    best = max(found, key=lambda reading: _evidence(reading, classes))
    _check_one_meaning(file, best, [each for each in found if _evidence(each, classes) == _evidence(best, classes)])
    return best


_SERIOUS = 2


def _weight(error: DatasetError) -> int:
    """Return how much an error says of the images: most where the file names them and contradicts itself."""
    return _SERIOUS - isinstance(error, MalformedFileError | UnfitFileError) - isinstance(error, UnfitFileError)


def _check_one_meaning(file: LabelFile, best: Reading, others: Sequence[Reading]) -> None:
    """Raise DatasetError where a file can be read in two ways that fit the images equally well and disagree."""
    for other in others:
        if list(other.truths) != list(best.truths):
            raise DatasetError(
                f"{file.name} can be read in two ways that disagree: as {best.source}, and as {other.source}. "
                "Name its columns with --path-column and --label-column, or write it as a plain CSV: filename,label."
            )


def _evidence(reading: Reading, classes: Classes) -> tuple[int, int]:
    """Return how many images get a class, and the rows without an image as a negative number."""
    return sum(truth in classes for truth in reading.truths), -len(reading.missing)


def _check_kind(file: LabelFile) -> None:
    """Raise if the file begins as one that holds no text, or a page or a pointer in place of the download."""
    if file.raw.startswith(LFS_POINTER):
        raise DatasetError(
            f"The label file {file.name} is a Git LFS pointer, not the file. Fetch it with: git lfs pull"
        )
    start = file.raw[:200].removeprefix(codecs.BOM_UTF8).lstrip().upper()
    kind = next((kind for mark, kind in _NO_TABLES.items() if start.startswith(mark.upper())), None)
    if kind and suffix(file.name) not in EXCEL:
        raise DatasetError(f"The label file {file.name} is {kind}. Save it as CSV (UTF-8).")


def contents(file: LabelFile, options: LabelOptions) -> Iterator[Table | LabelList | DatasetError]:
    """Yield what the file may hold: each encoding and each delimiter gives a table."""
    # what reads one kind of file is imported where there is one
    if suffix(file.name) in EXCEL:
        from batch_eval.dataset.labels import spreadsheet

        yield from spreadsheet.tables(file.raw, file.name)
        return
    if file.raw.startswith(_NPY):
        yield _array(file)
        return
    for text, encoding in encodings.readings(file.raw, options.encoding):
        if "\0" in text:
            raise DatasetError(
                f"The label file {file.name} holds NUL characters, so that it is no text. Save it as CSV (UTF-8)."
            )
        literal = _ASSIGNED.sub("", text.lstrip("\ufeff"), count=1)
        if suffix(file.name) in JSON or literal.lstrip()[:1] in ("{", "["):
            from batch_eval.dataset.labels import json_tables

            yield from json_tables.tables(literal, file.name, encoding)
        else:
            from batch_eval.dataset.labels import delimited

            yield from delimited.tables(text, file.name, encoding)


def _array(file: LabelFile) -> LabelList:
    """Return the labels of a file that `numpy.save` wrote."""
    import numpy as np

    try:
        values = np.squeeze(np.load(io.BytesIO(file.raw), allow_pickle=False))
    except ValueError as error:
        raise DatasetError(f"The label file {file.name} cannot be read: {error}. Save it as CSV (UTF-8).") from error
    if values.ndim != 1:
        raise UnfitFileError(f"{file.name} holds an array of shape {values.shape}, no list of labels.")
    return LabelList(file.name, list(map(str, values.tolist())))


def label_by_content(
    file: LabelFile, content: Table | LabelList, images: ImageNames, classes: Classes, options: LabelOptions
) -> Reading:
    """Return the labels of a table or a list."""
    if isinstance(content, LabelList):
        return _in_order(file, content, images, classes, options)
    alone = all_labels(content, classes, len(images.images))
    if alone and not options.path_column:
        return _in_order(file, alone, images, classes, options)
    try:
        columns = understand(content, images, file.folder, classes, options)
    except UnfitFileError:
        labels = None if options.path_column else as_list(content, classes)
        if labels is None:
            raise
        return _in_order(file, labels, images, classes, options)
    if holds_answers(columns) and not file.chosen:
        raise AnswersFileError(f"{file.name} holds what a model answered.")
    if columns.label is None and file.chosen:
        raise _no_labels(columns, classes)
    return _by_rows(file, columns, images)


def _by_rows(file: LabelFile, columns: Columns, images: ImageNames) -> Reading:
    """Return the label and the slices of each image, from its row."""
    row_of, repeated = _rows_of_images(columns)
    truths: list[str | None] = [None] * len(images.images)
    slices = [("",) * len(columns.slices)] * len(truths)
    shared = _Printable()  # the same few values in many rows take memory once
    for image, row in row_of.items():
        cells = columns.table.rows[row][1]
        truths[image] = columns.labels[row]
        slices[image] = tuple([shared[cells[i]] for i in columns.slices])
    if columns.label is not None and not any(truths):
        raise DatasetError(
            f"{file.name} has only empty cells in its column {columns.name(columns.label)!r}; expected labels there. "
            "Name another column with --label-column."
        )
    return Reading(
        source=columns.source,
        truths=truths,
        option=f"--labels {file.name}",
        slice_names=tuple(map(columns.name, columns.slices)),
        slices=slices if columns.slices else (),
        missing=tuple(_missing(columns)),
        notes=tuple(_remarks(columns, repeated)),
        offer=columns.offer,
    )


class _Printable(dict[str, str]):
    """Texts in printable form, each made once."""

    def __missing__(self, text: str) -> str:
        """Return the printable form of a new text."""
        self[text] = printed = encodings.shown(text)
        return printed


def _rows_of_images(columns: Columns) -> tuple[dict[int, int], list[str]]:
    """Return the row of each image that has one, and further rows that say the same.

    Raises DatasetError where two rows give one image different labels.
    """
    row_of: dict[int, int] = {}
    repeated = []
    for row, image in enumerate(columns.match.images):
        if image < 0:
            continue
        first = row_of.setdefault(image, row)
        if first != row:
            if columns.labels[first] != columns.labels[row]:
                raise _two_labels(columns, first, row)
            repeated.append(columns.table.rows[row][1][columns.path])
    return row_of, repeated


def _missing(columns: Columns) -> Iterator[str]:
    """Yield the path of each row that has no image."""
    for (line, cells), image in zip(columns.table.rows, columns.match.images, strict=True):
        if image < 0:
            yield encodings.shown(cells[columns.path]) or f"(no path in {columns.table.entry} {line})"


def _remarks(columns: Columns, repeated: Sequence[str]) -> Iterator[str]:
    """Yield what the user should know about how rows and images were matched."""
    table, match = columns.table, columns.match
    total = len(table.rows)
    paths = column(table, columns.path)
    missing = list(_missing(columns))
    ambiguous = [path for path, image in zip(paths, match.images, strict=True) if image == AMBIGUOUS]
    yield from encoding_note(table)
    if missing:
        yield f"{len(missing)} of {total} label rows have no image file: {listing(missing)}."
    if ambiguous:
        yield f"Several images fit one label row, so none was taken: {listing(ambiguous)}."
    if match.loose:
        loose = listing([paths[row] for row in match.loose])
        what = "do not spell their image's path exactly" if match.how is How.PATH else "name their image loosely"
        yield f"{len(match.loose)} of {total} label rows {what} ({match.how.meaning}): {loose}."
    if repeated:
        yield f"Listed more than once with the same label: {listing(repeated)}."
    if columns.by_content and columns.label is not None:
        yield f"The column {columns.name(columns.label)!r} of {table.name} is taken for the label by its values."
    yield from columns.notes


def encoding_note(content: Table | LabelList) -> Iterator[str]:
    """Yield how a file was decoded that is not Unicode."""
    page = encodings.CODE_PAGES.get(content.encoding)
    if page:
        yield f"{content.name} is not UTF-8; it was read as {content.encoding} ({page})."
    elif content.encoding == encodings.BYTES:
        yield (
            f"{content.name} is not UTF-8, and its names do not tell its encoding: other characters are shown as "
            f"bytes. Name it with --encoding, such as {' or '.join(encodings.USUAL)}."
        )


def _in_order(
    file: LabelFile, labels: LabelList, images: ImageNames, classes: Classes, options: LabelOptions
) -> Reading:
    """Return labels that are listed in the order of the images; raises where that order is not certain."""
    rows = images.beside(file.folder)
    rows = rows if len(rows) == len(labels.labels) else range(len(images.images))
    folders = {images.images[row].rpartition("/")[0] for row in rows}
    if len(labels.labels) != len(rows):
        raise UnfitFileError(f"{file.name} lists {len(labels.labels)} labels for {len(rows)} images.")
    if len(folders) > 1:
        raise DatasetError(
            f"{file.name} lists labels without names, and the images lie in {len(folders)} folders, so that their "
            "order is not certain. Name each image in the file: filename,label."
        )
    spelling = spell(labels.labels, classes, options.offset)
    truths: list[str | None] = [None] * len(images.images)
    for row, label in zip(rows, labels.labels, strict=True):
        truths[row] = spelling.names[label]
    pairs = ", ".join(f"{printable(images.images[row])} is {truths[row]}" for row in rows[:3])
    order = f"{file.name} names no images: its labels are taken for them in natural order ({pairs}, …)."
    source = f"{file.name} (one label an image, in natural order)"
    return Reading(source, truths, f"--labels {file.name}", notes=(*encoding_note(labels), order, *spelling.notes))


def _two_labels(columns: Columns, first: int, second: int) -> DatasetError:
    """Return the error for two rows of one image that disagree about its label."""
    table = columns.table
    lines = [table.rows[row][0] for row in (first, second)]
    labels = [columns.labels[row] or "none" for row in (first, second)]
    return DatasetError(
        f"{table.name} gives {printable(table.rows[first][1][columns.path])} two labels: "
        f"{labels[0]} in {table.entry} {lines[0]} and {labels[1]} in {table.entry} {lines[1]}. Delete the wrong one."
    )


def _no_labels(columns: Columns, classes: Classes) -> DatasetError:
    """Return the error for a table that names images and holds no labels."""
    table = columns.table
    found = ", ".join(columns.name(i) for i in range(table.width))
    offer = f" {columns.offer}." if columns.offer else ""
    return DatasetError(
        f"{table.name} has no column of labels: none is named so or holds nothing but classes of the model "
        f"({', '.join(map(printable, classes.names[:10]))}). Its columns are: {found}.{offer} "
        "Name the right one with --label-column."
    )
