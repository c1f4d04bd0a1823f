"""Images within a table: as text (`data:image/png;base64,…`), or with a column for each pixel."""

from __future__ import annotations

import base64
import binascii
import csv
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from batch_eval.dataset.labels.label_column import label_cells
from batch_eval.dataset.labels.reading import Reading
from batch_eval.dataset.labels.spelling import Classes, number_of
from batch_eval.dataset.labels.tables import Table
from batch_eval.dataset.labels.words import LABEL_WORDS, words
from batch_eval.dataset.options import LabelOptions
from batch_eval.dataset.sources.core import SetFile
from batch_eval.dataset.sources.signatures import LENGTH, is_image_data
from batch_eval.errors import DatasetError, UnreadableImageError
from batch_eval.wording import printable

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from batch_eval.dataset.sources.arrays import TableArrays

FEWEST_PIXELS = 64
"""Columns from which on a table of numbers is one of pixels: 8 × 8, as scikit-learn's digits."""
ROWS = 4096
"""Rows that are parsed at a time."""

_URI = re.compile(r"data:image/[\w.+-]+(?:;[\w=-]+)*;base64,", re.IGNORECASE)
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{40,}={0,2}")


class EncodedCells:
    """Images that are text in a column. The id of each is the table's name with its line: ``drawings.csv:2``."""

    others: Sequence[str] = ()
    notes: tuple[str, ...] = ()

    def __init__(self, file: SetFile, table: Table, position: int, labels: Reading | None) -> None:
        self.name = file.name
        self.roots = (file.root,)
        self.labels = labels
        self._cells = {f"{file.name}:{line}": cells[position] for line, cells in table.rows}
        self.images: Sequence[str] = list(self._cells)

    def read(self, file: str) -> bytes:
        """Return the bytes that a cell encodes. Raises UnreadableImageError with the reason."""
        data = _decoded(self._cells[file])
        if data is None:
            raise UnreadableImageError("not an image: the cell holds no base64 text")
        return data

    def read_other(self, path: str) -> bytes:
        """Raise KeyError: there are no other files."""
        raise KeyError(path)

    def size(self, file: str) -> int:
        """Return about how many bytes a cell encodes."""
        return len(self._cells[file]) * 3 // 4


def _decoded(cell: str) -> bytes | None:
    text = _URI.sub("", cell, count=1).strip()
    try:
        # Both alphabets of base64 are read, with and without padding.
        return base64.b64decode(text.replace("-", "+").replace("_", "/") + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None


def encoded_cells(file: SetFile, table: Table, classes: Classes, options: LabelOptions) -> EncodedCells | None:
    """Return the images of a table in which a column holds them as text. Return None if none does."""
    for position in range(table.width):
        # Two rows, as the first may hold the names of the columns.
        cells = [row[position] for _, row in table.rows[:2]]
        if any(map(_is_encoded, cells)):
            if table.header is None and not _is_encoded(cells[0]):
                table = replace(table, header=tuple(map(printable, table.rows[0][1])), rows=table.rows[1:])
            return EncodedCells(file, table, position, label_cells(table, position, classes, options))
    return None


def _is_encoded(cell: str) -> bool:
    """Whether a cell is an image as text."""
    return bool(_URI.match(cell)) or (
        bool(_BASE64.fullmatch(cell)) and is_image_data((_decoded(cell[:64]) or b"")[:LENGTH])
    )


def has_pixels(start: str) -> bool:
    """Whether a text begins as a table of pixels: many columns, of numbers or named with them."""
    line = start.partition("\n")[0]
    if line.lstrip()[:1] in ("{", "["):  # JSON in one line
        return False
    cells = next(csv.reader([line], delimiter=_delimiter(line)), [])
    if len(cells) <= FEWEST_PIXELS:
        return False
    numbered = sum(number_of(cell.strip()) is not None or bool(re.search(r"\d", cell)) for cell in cells)
    # A few columns, such as the label and an id, may have none.
    return numbered >= len(cells) - 3


def _delimiter(line: str) -> str:
    return max(",;\t ", key=line.count)


def pixel_table(file: SetFile, options: LabelOptions) -> TableArrays:
    """Return the images of a table of pixels, as Kaggle has MNIST: ``label,pixel0,…``.

    The label has a name for it. Otherwise it is the first or last column beside a square number of pixels. The id of
    each image is the table's name with its line. Raises DatasetError if the columns are no square image.
    """
    import numpy as np

    from batch_eval.dataset.sources.arrays import Part, TableArrays, as_images

    shown = printable(file.name)
    header, values = _numbers(file, options.encoding or "utf-8")
    if not len(values):
        raise DatasetError(f"{shown} holds no rows.")
    label, pixels = _label_and_pixels(header, values, shown, options)
    try:
        images, note = as_images(values[:, pixels].astype(np.float32), shown)
    except ValueError as error:
        raise DatasetError(f"{shown} holds a pixel that is no number: {error}.") from error
    labels = None if label is None else [str(value) for value in values[:, label].tolist()]
    return TableArrays(file, Part(file.name, images, labels), note, first_line=1 if header is None else 2)


def _numbers(file: SetFile, encoding: str) -> tuple[list[str] | None, NDArray[Any]]:
    """Return the names of a table's columns, if it has any, and its values (rows, columns)."""
    import numpy as np
    import pandas as pd

    with file.open() as start:
        line = start.readline().decode(encoding, "replace").lstrip("\ufeff").rstrip("\r\n")
    delimiter = _delimiter(line)
    first = [cell.strip() for cell in next(csv.reader([line], delimiter=delimiter))]
    header = None if all(map(_is_number, first)) else first
    try:
        with file.open() as opened:
            rows = None if header is None else 0
            frames = pd.read_csv(opened, sep=delimiter, header=rows, chunksize=ROWS, encoding=encoding)
            tables = [frame.to_numpy() for frame in frames]
    except (ValueError, pd.errors.ParserError) as error:
        raise DatasetError(f"{printable(file.name)} cannot be read as a table of pixels: {error}.") from error
    return header, np.concatenate(tables) if tables else np.zeros((0, len(first)))


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _label_and_pixels(
    header: Sequence[str] | None, values: NDArray[Any], name: str, options: LabelOptions
) -> tuple[int | None, list[int]]:
    """Return the position of the label, or None, and those of the pixels, which make a square."""
    from batch_eval.dataset.sources.arrays import side_of

    width = values.shape[1]
    named = [i for i, title in enumerate(header or ()) if LABEL_WORDS & set(words(title))]
    if options.label_column:
        named = [_position(options.label_column, header, width, name)]
    indices = [i for i, title in enumerate(header or ()) if title.lower() in ("", "id", "index") or "Unnamed" in title]
    rest = [i for i in range(width) if i not in (*named[:1], *indices)]
    if side_of(len(rest)):
        return (named[0] if named else None), rest
    if not side_of(width - 1):
        raise DatasetError(
            f"{name} has {width} columns. Expected a label and a square number of pixels, such as 1 + 784."
        )
    # pixels in the corner of an image are always the same, labels are not
    ends = [i for i in (0, width - 1) if len(set(values[:, i].tolist())) > 1]
    if len(ends) > 1 and len(values) > 1:
        raise DatasetError(
            f"{name} names no column of labels, and both its first and its last could be. "
            f"Say --label-column 1, or --label-column {width}."
        )
    label = ends[0] if ends else 0
    return label, [i for i in range(width) if i != label]


def _position(wanted: str, header: Sequence[str] | None, width: int, name: str) -> int:
    """Return the column that an option names, by its name or its number from 1."""
    if wanted in (header or ()):
        return list(header or ()).index(wanted)
    if wanted.isdecimal() and 0 < int(wanted) <= width:
        return int(wanted) - 1
    raise DatasetError(f"{name} has no column {wanted!r}. Give its name, or its number from 1 to {width}.")
