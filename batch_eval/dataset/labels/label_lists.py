"""Labels that are listed without names of images, one for each image in order."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from batch_eval.dataset.labels.encodings import encoding_note
from batch_eval.dataset.labels.label_column import MOST_CLASSES, counts_rows
from batch_eval.dataset.labels.matching import ImageNames
from batch_eval.dataset.labels.reading import Reading
from batch_eval.dataset.labels.spelling import Classes, spell
from batch_eval.dataset.labels.tables import LabelList, Table
from batch_eval.errors import DatasetError, UnfitFileError
from batch_eval.wording import printable

_NUMBERED = re.compile(r"(\d+)(?:[.:]\s+|\)\s*)(\S+)")  # the lines of a numbered list: 1) 7
_SHOWN = 3
"""Images whose labels a note shows, so that the order can be checked."""


def all_labels(table: Table, classes: Classes, count: int) -> LabelList | None:
    """Return the labels of a wide table that holds ``count`` labels and nothing else."""
    cells = [cell for _, row in table.rows for cell in row if cell]
    if table.header is not None or table.width < 3 or len(cells) != count:
        return None
    names = spell(sorted(set(cells)), classes).names
    return LabelList(table.name, cells, table.encoding) if all(names[cell] in classes for cell in cells) else None


def as_list(table: Table, classes: Classes) -> LabelList | None:
    """Return the labels of a table that names no images: a column or row of labels alone.

    A second column that numbers the rows is allowed.
    """
    rows = [cells for _, cells in table.rows]
    if len(rows) == 1 and len(rows[0]) > 1 and table.header is None:
        return _list_of(table, [cell for cell in rows[0] if cell], classes)
    # A numbered list must count from 1 in every line: 1) 7, 2) 3.
    numbered = [_NUMBERED.fullmatch(cells[0]) for cells in rows]
    if [match and int(match[1]) for match in numbered] == [*range(1, len(rows) + 1)]:
        return _list_of(table, [match[2] for match in numbered if match], classes)
    # A first row that is no label names the columns.
    if table.header is None and len(rows) > 1 and not _is_label(rows[0][-1], classes):
        table = replace(table, header=tuple(rows[0]), rows=table.rows[1:])
    numbering = [position for position in range(table.width) if table.width == 2 and counts_rows(table, position)]
    labels = [position for position in range(table.width) if position not in numbering[:1]]
    if len(labels) != 1:
        return None
    return _list_of(table, table.column(labels[0]), classes)


def _is_label(cell: str, classes: Classes) -> bool:
    """Whether a cell is a class, or stands for no label."""
    return spell([cell], classes).names[cell] in (*classes.names, None)


def _list_of(table: Table, cells: list[str], classes: Classes) -> LabelList | None:
    """Return the cells as labels, if most are classes."""
    distinct = set(cells)
    names = spell(sorted(distinct), classes).names if len(distinct) <= MOST_CLASSES else {}
    known = sum(names.get(cell) in classes for cell in cells)
    return LabelList(table.name, cells, table.encoding) if 2 * known > len(cells) else None


def in_order(labels: LabelList, folder: str, images: ImageNames, classes: Classes, offset: int | None) -> Reading:
    """Return labels for the images in natural order: those in ``folder``, or all.

    Raises UnfitFileError if there are more or fewer labels than images. Raises DatasetError if the images lie in
    several folders, as their order is not certain then.
    """
    rows = images.beside(folder)
    # A list may be about its own folder, or about the whole set. Their sizes tell.
    rows = rows if len(rows) == len(labels.labels) else range(len(images.images))
    folders = {images.images[row].rpartition("/")[0] for row in rows}
    if len(labels.labels) != len(rows):
        raise UnfitFileError(f"{labels.name} lists {len(labels.labels)} labels for {len(rows)} images.")
    if len(folders) > 1:
        raise DatasetError(
            f"{labels.name} lists labels without names, and the images lie in {len(folders)} folders, so that their "
            "order is not certain. Name each image in the file: filename,label."
        )
    spelling = spell(labels.labels, classes, offset)
    truths: list[str | None] = [None] * len(images.images)
    for row, label in zip(rows, labels.labels, strict=True):
        truths[row] = spelling.names[label]
    pairs = ", ".join(f"{printable(images.images[row])} is {truths[row]}" for row in rows[:_SHOWN])
    source = f"{labels.name} (one label an image, in natural order)"
    return Reading(source, truths, f"--labels {labels.name}", notes=tuple(_notes(labels, pairs, spelling.notes)))


def _notes(labels: LabelList, pairs: str, spelled: tuple[str, ...]) -> Iterator[str]:
    """Yield what the user should know: the encoding, the order and loose spellings."""
    yield from encoding_note(labels.name, labels.encoding)
    yield f"{labels.name} names no images: its labels are taken for them in natural order ({pairs}, …)."
    yield from spelled
