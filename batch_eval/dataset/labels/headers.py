"""Whether the first row of a table holds the names of its columns, or data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from batch_eval.dataset.labels.encodings import shown
from batch_eval.dataset.labels.label_column import MARKS
from batch_eval.dataset.labels.matching import ImageNames
from batch_eval.dataset.labels.paths import forms
from batch_eval.dataset.labels.spelling import Classes, number_of, spell, unwrapped
from batch_eval.dataset.labels.tables import Table, plain
from batch_eval.dataset.names import is_image
from batch_eval.dataset.options import LabelOptions
from batch_eval.errors import DatasetError

SAMPLE = 100
"""Rows that are compared with the first one."""


def with_header(table: Table, images: ImageNames, base: str, classes: Classes, options: LabelOptions) -> Table:
    """Return the table with the names of its columns apart from its rows, if it has names."""
    if table.header is not None:
        return _checked(replace(table, header=tuple(map(shown, table.header))))
    first = table.rows[0][1]
    wanted = {plain(name) for name in (options.path_column, options.label_column) if name}
    # A first row with a name that an option gives holds names.
    if not wanted & set(map(plain, first)) and _is_data(table, images, base, classes):
        return table
    return _checked(replace(table, header=tuple(map(shown, first)), rows=table.rows[1:]))


def _is_data(table: Table, images: ImageNames, base: str, classes: Classes) -> bool:
    """Whether the first row is data. It then names an image, or holds a number."""
    first, others = table.rows[0][1], [cells for _, cells in table.rows[1:SAMPLE]]
    if any(is_image(form) for cell in first for form in forms(cell)):
        return True
    # pandas writes 0 and 1 for the names of columns that have none.
    if any(_is_number_above_names(first[i], [cells[i] for cells in others]) for i in range(len(first))):
        return False
    spelled = spell(first, classes).names
    labels = [name for name in spelled.values() if name in classes]
    # img1,7 has no suffix to tell, but the image is there.
    if labels and any(number_of(cell) is None and images.names_one(cell, base) for cell in first):
        return True
    named = [i for i, cell in enumerate(first) if spelled[cell] in classes]
    marked = all(cells[i] in MARKS for cells in others for i in named)
    if len(set(labels)) > 1 and others and marked:  # one-hot columns are named after the classes
        return not any(cell and number_of(cell) is None for cell in first)
    # A number speaks for data. So does a class where there is no other row: img1,seven.
    return any(number_of(unwrapped(cell)) is not None for cell in first) or (not others and bool(labels))


def _is_number_above_names(first: str, others: Sequence[str]) -> bool:
    """Whether a column of text begins with a number. pandas names columns so that have no names."""
    return bool(others) and number_of(first) is not None and all(cell and not _is_number(cell) for cell in others)


def _is_number(cell: str) -> bool:
    """Whether a cell is a number, also one that is not whole."""
    try:
        float(cell)
    except ValueError:
        return number_of(cell) is not None
    return True


def _checked(table: Table) -> Table:
    """Raise DatasetError if two columns have one name."""
    header = table.header or ()
    repeated = next((name for name in header if name and header.count(name) > 1), None)
    if repeated:
        raise DatasetError(f"{table.name} has the column {repeated!r} more than once. Rename or delete one.")
    return table
