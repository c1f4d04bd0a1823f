"""Find the column of labels by its values, and by its name if several fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from batch_eval.dataset.labels.reading import Reading
from batch_eval.dataset.labels.spelling import Classes, Spelling, number_of, spell
from batch_eval.dataset.labels.tables import Table, slices_of
from batch_eval.dataset.labels.words import (
    ANSWER_WORDS,
    CONFIDENCE_WORDS,
    LABEL_WORDS,
    OTHER_WORDS,
    PERHAPS_LABEL_WORDS,
)
from batch_eval.dataset.options import LabelOptions
from batch_eval.errors import DatasetError

MOST_CLASSES = 1000
"""Different values that a column of labels may have. More of them are names or measurements."""

MARKS = {"": False, "0": False, "0.0": False, "False": False, "false": False} | dict.fromkeys(
    ("1", "1.0", "True", "true", "x", "X"), True
)
"""What a one-hot column may hold."""


@dataclass(frozen=True, slots=True)
class Labels:
    """The labels of a table's rows.

    ``column`` is None if no column holds labels. ``columns`` are all that hold them: one-hot labels have one for each
    class. ``by_content`` says that the column's name says nothing.
    """

    column: int | None
    columns: tuple[int, ...]
    labels: Sequence[str | None]
    spelling: Spelling
    by_content: bool = False


def find_labels(table: Table, path: int, classes: Classes, options: LabelOptions) -> Labels:
    """Return the labels of a table whose column ``path`` names images.

    Raises DatasetError if several columns could hold them and disagree.
    """
    if options.label_column:
        position = table.find(options.label_column, "--label-column")
        if position == path:
            raise DatasetError(f"{table.name}: path and label cannot both be in the column {table.quoted(path)}.")
        return _labels(table, position, classes, options)
    others = [position for position in range(table.width) if position != path]
    # A column without any label counts only where no other has one.
    filled = [i for i in others if any(label is not None for label in _labels(table, i, classes, options).labels)]
    return (
        _one_hot(table, path, classes)
        or _by_name(table, filled or others, classes, options)
        or _by_values(table, filled or others, classes, options)
    )


def label_cells(table: Table, path: int, classes: Classes, options: LabelOptions) -> Reading | None:
    """Return the labels of a table whose column ``path`` holds the images themselves, as they are written.

    Every other column is a slice. Return None if no column holds labels.
    """
    found = find_labels(table, path, classes, options)
    if found.column is None:
        return None
    slices = tuple(i for i in range(table.width) if i not in (path, *found.columns) and table.is_slice(i))
    # Marks are given as the classes of their columns. Other cells are spelled when the set is loaded.
    one_hot = len(found.columns) > 1
    return Reading(
        f"{table.name} (column {table.quoted(found.column)})",
        found.labels if one_hot else table.column(found.column),
        slice_names=tuple(map(table.name_of, slices)),
        slices=slices_of(table, slices) if slices else (),
    )


def counts_rows(table: Table, position: int) -> bool:
    """Whether a column only numbers the rows, from 0 or 1."""
    numbers = [number_of(cell) for cell in table.column(position)]
    return numbers in ([*range(len(numbers))], [*range(1, len(numbers) + 1)]) and len(numbers) > 1


def _one_hot(table: Table, path: int, classes: Classes) -> Labels | None:
    """Return one-hot labels: of a column for each class, in which 1 marks the label."""
    if table.header is None:
        return _in_order_of_classes(table, path, classes)
    names = spell(table.header, classes).names
    columns = tuple(
        position
        for position, name in enumerate(table.header)
        if position != path and names[name] in classes and set(table.column(position)) <= MARKS.keys()
    )
    if len(columns) < 2:
        return None
    labels: list[str | None] = []
    for line, cells in table.rows:
        marked = [names[table.header[position]] for position in columns if MARKS[cells[position]]]
        if len(marked) > 1:
            raise DatasetError(f"{table.name}, line {line}, marks several classes. An image must show one digit.")
        labels.append(marked[0] if marked else None)
    return Labels(columns[0], columns, labels, Spelling({}))


def _in_order_of_classes(table: Table, path: int, classes: Classes) -> Labels | None:
    """Return one-hot labels without names: a column for each class, one mark in every row."""
    columns = tuple(position for position in range(table.width) if position != path)
    if len(columns) != len(classes.names) or len(columns) < 3:
        return None
    labels: list[str | None] = []
    for _, cells in table.rows:
        marks = [MARKS.get(cells[position]) for position in columns]
        if None in marks or marks.count(True) != 1:
            return None
        labels.append(classes.names[marks.index(True)])
    note = f"The columns of {table.name} have no names. They are taken for the classes in the model's order."
    return Labels(columns[0], columns, labels, Spelling({}, (note,)))


def _by_name(table: Table, positions: Sequence[int], classes: Classes, options: LabelOptions) -> Labels | None:
    """Return the column that is named after labels, the surest names first. Most of its labels must be classes."""
    filled_by_model = ANSWER_WORDS | CONFIDENCE_WORDS
    for known in (LABEL_WORDS, PERHAPS_LABEL_WORDS):
        titles = {position: table.title(position) for position in positions}
        named = [position for position, title in titles.items() if known & title and not filled_by_model & title]
        found = [_labels(table, position, classes, options) for position in named]
        fitting = [each for each in found if _mostly_classes(each, classes)]
        fitting = [each for each in fitting if any(label in classes for label in each.labels)] or fitting
        if known is not LABEL_WORDS:  # "annotation_id" counts beside a "choice"
            fitting = [each for each in fitting if "id" not in titles[each.columns[0]]]
            fitting = [each for each in fitting if _all_classes(each, classes)] or fitting
        if fitting:
            return _agreeing(table, fitting)
        # A column `label` of other labels is what it says: a column beside it does not take its place.
        if found and known is LABEL_WORDS:
            return found[0]
    return None


def _by_values(table: Table, positions: Sequence[int], classes: Classes, options: LabelOptions) -> Labels:
    """Return the column whose values are all classes, if its name speaks of nothing else."""
    unfit = ANSWER_WORDS | CONFIDENCE_WORDS | OTHER_WORDS
    free = [position for position in positions if not unfit & table.title(position) and not table.is_index(position)]
    found = {position: _labels(table, position, classes, options) for position in free}
    # By values alone, a single value that is no class speaks against a column.
    fitting = {position: each for position, each in found.items() if _all_classes(each, classes)}
    # If another column holds labels, one that numbers the rows or never changes does not.
    fitting = {position: each for position, each in fitting.items() if not counts_rows(table, position)} or fitting
    varied = [each for each in fitting.values() if len(set(each.labels)) > 1]
    # Without names of columns, one that never changes may be the labels too.
    chosen = varied if varied and table.header is not None else list(fitting.values())
    if chosen:
        return replace(_agreeing(table, chosen), by_content=table.header is not None)
    offered = next((each.spelling for each in found.values() if each.spelling.offer), Spelling({}))
    return Labels(None, (), [None] * len(table.rows), offered)


def _labels(table: Table, position: int, classes: Classes, options: LabelOptions) -> Labels:
    """Return a column as labels."""
    cells = table.column(position)
    distinct = set(cells)
    # Each different value is spelled once: a million rows hold few labels.
    spelling = spell(sorted(distinct), classes, options.offset) if len(distinct) <= MOST_CLASSES else Spelling({})
    return Labels(position, (position,), [spelling.names.get(cell, cell) for cell in cells], spelling)


def _mostly_classes(found: Labels, classes: Classes) -> bool:
    """Whether at least half of the labels are classes of the model."""
    labels = [label for label in found.labels if label is not None]
    return 2 * sum(label in classes for label in labels) >= max(1, len(labels))


def _all_classes(found: Labels, classes: Classes) -> bool:
    """Whether there are labels, and all are classes of the model."""
    labels = {label for label in found.labels if label is not None}
    return bool(labels) and all(label in classes for label in labels)


def _agreeing(table: Table, found: Sequence[Labels]) -> Labels:
    """Return the first column. Raises DatasetError if another holds other labels."""
    first = found[0]
    for other in found[1:]:
        if list(other.labels) != list(first.labels):
            names = [table.quoted(each.column or 0) for each in (first, other)]
            raise DatasetError(
                f"{table.name} has two columns that could be the labels, {names[0]} and {names[1]}, and they differ. "
                "Name the right one with --label-column."
            )
    return first
