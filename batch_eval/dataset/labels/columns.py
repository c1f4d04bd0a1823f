"""Which columns of a table hold the images and the labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from batch_eval.dataset.labels.encodings import BYTES, shown
from batch_eval.dataset.labels.headers import with_header
from batch_eval.dataset.labels.image_column import image_column
from batch_eval.dataset.labels.label_column import find_labels
from batch_eval.dataset.labels.matching import How, ImageNames, Match
from batch_eval.dataset.labels.spelling import Classes
from batch_eval.dataset.labels.tables import Table
from batch_eval.dataset.labels.words import ANSWER_WORDS, PATH_WORDS
from batch_eval.dataset.options import LabelOptions
from batch_eval.errors import UnfitFileError
from batch_eval.wording import listing

_PREDICTIONS = frozenset({"truth", "predicted", "outcome"})
"""Columns of the `predictions.csv` that a run writes."""


@dataclass(frozen=True, slots=True)
class Columns:
    """A table of which the columns are understood.

    ``path``, ``label`` and ``slices`` are positions. ``label`` is None if no column holds labels. ``labels`` has the
    class of each row, ``match`` the image of each row.
    """

    table: Table
    path: int
    label: int | None
    slices: tuple[int, ...]
    match: Match
    labels: Sequence[str | None]
    notes: tuple[str, ...] = ()
    offer: str = ""
    by_content: bool = False

    @property
    def source(self) -> str:
        """``labels.csv (columns filename, label; slices kind, source)``."""
        name = self.table.name_of
        chosen = [name(column) for column in (self.path, self.label) if column is not None]
        slices = ", ".join(map(name, self.slices))
        return f"{self.table.name} (columns {', '.join(chosen)}{'; slices ' + slices if slices else ''})"

    @property
    def are_answers(self) -> bool:
        """Whether the table is what a model answered. An earlier run wrote it, or it has answers and no labels."""
        header = self.table.header or ()
        answered = any(ANSWER_WORDS & self.table.title(i) for i in range(self.table.width))
        return set(header) >= _PREDICTIONS or (self.label is None and answered)


def understand(table: Table, images: ImageNames, base: str, classes: Classes, options: LabelOptions) -> Columns:
    """Return a table's columns. Its paths are relative to the folder ``base`` or to the set.

    Raises UnfitFileError for a table that names no image, and DatasetError for one that does and cannot be used.
    """
    # Names of columns come first, as they help to find what the columns hold.
    table = with_header(table, images, base, classes, options)
    if not table.rows:
        raise UnfitFileError(f"The label file {table.name} holds no rows.")
    path = image_column(table, images, base, options.path_column)
    named = bool(PATH_WORDS & table.title(path)) or bool(options.path_column)
    match = images.match(table.column(path), base, named_path=named)
    # An exact table is one of several readings of its file: loosely spelled names do not count.
    if not match.found or (table.exact and match.how is not How.PATH):
        raise _no_match(table, path, images)
    found = find_labels(table, path, classes, options)
    slices = tuple(i for i in range(table.width) if i not in (path, *found.columns) and table.is_slice(i))
    notes, offer = found.spelling.notes, found.spelling.offer
    return Columns(table, path, found.column, slices, match, found.labels, notes, offer, found.by_content)


def _no_match(table: Table, path: int, images: ImageNames) -> UnfitFileError:
    """Return the error for a table none of whose rows has an image."""
    encoding = " Or name its encoding with --encoding, as it is not UTF-8." if table.encoding == BYTES else ""
    return UnfitFileError(
        f"No row of {table.name} ({len(table.rows)} in all) has its image in the set. "
        f"The first row names {shown(table.rows[0][1][path])} (column {table.quoted(path)}); "
        f"the set holds {listing(images.images, 1)}. "
        f"Paths are relative to the folder or to the label file; name another column with --path-column.{encoding}"
    )
