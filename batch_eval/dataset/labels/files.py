"""Labels from one label file: what its bytes are, and what they say of the images."""

from __future__ import annotations

import codecs
import io
import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from batch_eval.dataset.labels import encodings
from batch_eval.dataset.labels.columns import Columns, understand
from batch_eval.dataset.labels.label_lists import all_labels, as_list, in_order
from batch_eval.dataset.labels.label_rows import by_rows
from batch_eval.dataset.labels.matching import ImageNames
from batch_eval.dataset.labels.reading import Reading
from batch_eval.dataset.labels.spelling import DIGITS, Classes
from batch_eval.dataset.labels.tables import EXCEL, JSON, KEY_AND_VALUE, MAX_MB, PACKED, LabelList, Table, as_table
from batch_eval.dataset.names import suffix
from batch_eval.dataset.options import LabelOptions
from batch_eval.errors import AnswersFileError, DatasetError, MalformedFileError, UnfitFileError
from batch_eval.files import LFS_POINTER
from batch_eval.wording import printable

_ASSIGNED = re.compile(r"\A\s*[A-Za-z_]\w*\s*=\s*(?=[\[({a-z])")  # labels = [7, 2, …], copied from a program
_ARRAY = re.compile(r"\s*(?:\w+\.)*(?:array|tensor)\(\s*(\[.*?\])\s*(?:,\s*\w+=.*)?\)\s*", re.DOTALL)
_PRINTED = re.compile(r"\s*\[\s*\d[\d.e+-]*(?:\s+\d[\d.e+-]*)+\s*\]\s*")  # as NumPy prints an array
_NPY = b"\x93NUMPY"
_IDX = b"\0\0\x08\x01"  # MNIST's files of labels
_GZIP = b"\x1f\x8b"
_NO_TABLES = {
    b"PK\x03\x04": "a spreadsheet or an archive",
    b"\xd0\xcf\x11\xe0": "a spreadsheet (.xls)",
    b"<!DOCTYPE HTML": "a web page",
    b"<HTML": "a web page",
}
_SERIOUS = 2
"""Weight of an error in a file that names images and contradicts itself."""


@dataclass(frozen=True, slots=True)
class LabelFile:
    """A label file in memory: its name, the folder that its paths are relative to, and its bytes.

    ``folder`` is absolute, or below one of the roots of the images. ``chosen`` says that a person named the file.
    """

    name: str
    folder: str
    raw: bytes
    chosen: bool = False

    @property
    def suffix(self) -> str:
        """The suffix, without that of gzip."""
        return suffix(self.name.lower().removesuffix(PACKED))

    def unpacked(self) -> LabelFile:
        """Return the file with its bytes unpacked. Raises DatasetError if they are damaged or too many."""
        if not self.raw.startswith(_GZIP):
            return self
        unpacker = zlib.decompressobj(wbits=31)
        try:
            raw = unpacker.decompress(self.raw, MAX_MB * 1_000_000)
        except zlib.error as error:
            raise DatasetError(f"The label file {self.name} is a damaged gzip file: {error}. Pack it again.") from error
        if not unpacker.eof:
            raise DatasetError(
                f"The label file {self.name} ends early, or unpacks to more than {MAX_MB} MB. Unpack it first."
            )
        return replace(self, raw=raw)


def label_by_file(file: LabelFile, images: ImageNames, classes: Classes, options: LabelOptions) -> Reading:
    """Return the labels and slices that a label file gives.

    Every column but those of path and label is a slice. Images without a row, or with an empty label, get None. A
    table without labels still gives slices.

    Raises UnfitFileError for a file that has nothing to do with the images. Raises DatasetError for one that has and
    cannot be used.
    """
    file = file.unpacked()
    _check_kind(file)
    found: list[Reading] = []
    refusal: DatasetError | None = None
    # Each encoding and each delimiter gives a table. The one that labels most images is right.
    for content in contents(file, options):
        try:
            if isinstance(content, DatasetError):
                raise content
            found.append(label_by_content(file, content, images, classes, options))
        except DatasetError as error:
            if isinstance(content, Table) and content.exact:
                unfit = UnfitFileError(f"No row of {file.name} names an image of the set.")
                refusal = refusal or unfit
                continue
            refusal = error if refusal is None or _weight(error) > _weight(refusal) else refusal
    if refusal and (not found or _weight(refusal) == _SERIOUS):
        raise refusal
    if not found:
        raise UnfitFileError(f"The label file {file.name} is empty; expected a line for each image.")
    # A wrong encoding garbles names, a wrong delimiter cuts them: either labels fewer images.
    best = max(found, key=lambda reading: _evidence(reading, classes))
    _check_one_meaning(file, best, [each for each in found if _evidence(each, classes) == _evidence(best, classes)])
    return best


def label_by_content(
    file: LabelFile, content: Table | LabelList, images: ImageNames, classes: Classes, options: LabelOptions
) -> Reading:
    """Return the labels of a table or a list."""
    content = as_table(content)
    if isinstance(content, LabelList):
        return in_order(content, file.folder, images, classes, options.offset)
    # A grid of labels could also be read as names and labels, so that it is looked for first.
    alone = None if options.path_column else all_labels(content, classes, len(images.images))
    if alone:
        return in_order(alone, file.folder, images, classes, options.offset)
    try:
        columns = understand(content, images, file.folder, classes, options)
    except UnfitFileError:
        labels = None if options.path_column else as_list(content, classes)
        if labels is None:
            raise
        return in_order(labels, file.folder, images, classes, options.offset)
    if columns.are_answers and not file.chosen:
        raise AnswersFileError(f"{file.name} holds what a model answered.")
    if columns.label is None and content.header == KEY_AND_VALUE:
        raise UnfitFileError(f"{content.name} is an object in which names stand beside no labels.")
    if columns.label is None and file.chosen:
        raise _no_labels(columns, classes)
    return by_rows(columns, len(images.images))


def contents(file: LabelFile, options: LabelOptions) -> Iterator[Table | LabelList | DatasetError]:
    """Yield what the file may hold, in each way to read it, or why it fails."""
    # The reader of each kind of file is imported when there is one.
    if file.suffix in EXCEL:
        from batch_eval.dataset.labels import spreadsheet

        yield from spreadsheet.tables(file.raw, file.name)
        return
    if file.raw.startswith(_NPY):
        yield _array(file)
        return
    if file.raw.startswith(_IDX):
        # Four bytes for the kind, four for the number of labels, then a byte for each.
        yield LabelList(file.name, list(map(str, file.raw[8 : 8 + int.from_bytes(file.raw[4:8], "big")])))
        return
    for text, encoding in encodings.readings(file.raw, options.encoding):
        if "\0" in text:
            raise MalformedFileError(
                f"The label file {file.name} holds NUL characters, so that it is no text. Save it as CSV (UTF-8)."
            )
        literal = _literal(text)
        if file.suffix in JSON or literal.lstrip()[:1] in ("{", "["):
            from batch_eval.dataset.labels import json_tables

            yield from json_tables.tables(literal, file.name, encoding)
        else:
            from batch_eval.dataset.labels import delimited

            yield from delimited.tables(text, file.name, encoding)


def _literal(text: str) -> str:
    """Return a text without the name or ``array(…)`` that a program has around it.

    >>> _literal("labels = np.array([7, 2], dtype=np.uint8)"), _literal("[7 2 1]")
    ('[7, 2]', '["7", "2", "1"]')
    """
    value = _ASSIGNED.sub("", text.lstrip("\ufeff"), count=1)
    call = _ARRAY.fullmatch(value)
    value = call[1] if call else value
    if not _PRINTED.fullmatch(value):
        return value
    return "[" + ", ".join(f'"{number}"' for number in value.strip()[1:-1].split()) + "]"


def _array(file: LabelFile) -> LabelList:
    """Return the labels of a file that `numpy.save` wrote."""
    import numpy as np

    try:
        values = np.squeeze(np.load(io.BytesIO(file.raw), allow_pickle=False))
    except (
        Exception
    ) as error:  # a damaged header makes NumPy's parser raise SyntaxError, TokenError, MemoryError and more
        raise DatasetError(f"The label file {file.name} cannot be read: {error}. Save it as CSV (UTF-8).") from error
    if values.ndim == 2 and values.shape[1] == len(DIGITS):  # a row of ten marks is a label too
        return LabelList(file.name, [" ".join(f"{mark:g}" for mark in row) for row in values.tolist()])
    if values.ndim != 1:
        raise UnfitFileError(f"{file.name} holds an array of shape {values.shape}, no list of labels.")
    return LabelList(file.name, list(map(str, values.tolist())))


def _weight(error: DatasetError) -> int:
    """Return how much an error says of the images."""
    # 2 for a contradiction, 1 for a damaged table, 0 for a file about something else.
    return _SERIOUS - isinstance(error, MalformedFileError | UnfitFileError) - isinstance(error, UnfitFileError)


def _evidence(reading: Reading, classes: Classes) -> tuple[int, int]:
    """Return how many images get a class. Of equal readings, fewer rows without an image are better."""
    return sum(truth in classes for truth in reading.truths), -len(reading.missing)


def _check_one_meaning(file: LabelFile, best: Reading, others: Sequence[Reading]) -> None:
    """Raise DatasetError if two readings of a file fit equally well and disagree."""
    for other in others:
        if list(other.truths) != list(best.truths):
            raise DatasetError(
                f"{file.name} can be read in two ways that disagree: as {best.source}, and as {other.source}. "
                "Name its columns with --path-column and --label-column, or write it as a plain CSV: filename,label."
            )


def _check_kind(file: LabelFile) -> None:
    """Raise DatasetError for a file that is no table: a web page or a pointer, for instance."""
    if file.raw.startswith(LFS_POINTER):
        raise DatasetError(
            f"The label file {file.name} is a Git LFS pointer, not the file. Fetch it with: git lfs pull"
        )
    start = file.raw[:200].removeprefix(codecs.BOM_UTF8).lstrip().upper()
    kind = next((kind for mark, kind in _NO_TABLES.items() if start.startswith(mark.upper())), None)
    if kind and file.suffix not in EXCEL:
        raise DatasetError(f"The label file {file.name} is {kind}. Save it as CSV (UTF-8).")


def _no_labels(columns: Columns, classes: Classes) -> DatasetError:
    """Return the error for a table that names images and holds no labels."""
    table = columns.table
    found = ", ".join(map(table.name_of, range(table.width)))
    offer = f" {columns.offer}." if columns.offer else ""
    return DatasetError(
        f"{table.name} has no column of labels: none is named so or holds nothing but classes of the model "
        f"({', '.join(map(printable, classes.names[:10]))}). Its columns are: {found}.{offer} "
        "Name the right one with --label-column."
    )
