"""Which columns of a table hold the images and the labels: by what is in them, and by their names where that is equal.

The column of images is the one whose cells are names of images that are there. The column of labels is the one whose
values are classes. A column's name decides between several, in many languages.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from batch_eval.dataset.labels.encodings import BYTES, shown
from batch_eval.dataset.labels.matching import How, ImageNames, Match
from batch_eval.dataset.labels.reading import Reading
from batch_eval.dataset.labels.spelling import Classes, Spelling, number_of, spell
from batch_eval.dataset.labels.tables import LabelList, Table
from batch_eval.dataset.labels.words import (
    ANSWER_WORDS,
    CONFIDENCE_WORDS,
    LABEL_WORDS,
    OTHER_WORDS,
    PATH_WORDS,
    PERHAPS_LABEL_WORDS,
    words,
)
from batch_eval.dataset.names import is_image
from batch_eval.dataset.options import LabelOptions
from batch_eval.errors import DatasetError, UnfitFileError
from batch_eval.wording import listing

SAMPLE = 500
"""Rows by which the column of images is chosen; all of them are matched then."""
MOST_CLASSES = 1000
"""Different values that a column of labels may have; more of them are names or measurements."""

# an unnamed column, also as pandas calls it after reading, is a row index and no slice
_UNNAMED = re.compile(r"(Unnamed: [0-9]+)?")


@dataclass(frozen=True, slots=True)
class Columns:
    """A table of which the columns are understood.

    ``path``, ``label`` and ``slices`` are positions; ``label`` is None where no column holds labels. ``labels`` has
    the class of each row. ``match`` has the image of each row.
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

    def name(self, column: int) -> str:
        """Return a column's name, or its number where it has none."""
        header = self.table.header
        return header[column] if header and header[column] else str(column + 1)

    @property
    def source(self) -> str:
        """``labels.csv (columns filename, label; slices kind, source)``."""
        chosen = [self.name(column) for column in (self.path, self.label) if column is not None]
        slices = ", ".join(map(self.name, self.slices))
        return f"{self.table.name} (columns {', '.join(chosen)}{'; slices ' + slices if slices else ''})"


def understand(table: Table, images: ImageNames, base: str, classes: Classes, options: LabelOptions) -> Columns:
    """Return the columns of a table whose paths are relative to the folder ``base``, or to the set.

    Raises UnfitFileError for a table that names no image, DatasetError for one that does and cannot be used.
    """
    table = with_header(table, images, base, classes, options)
    if not table.rows:
        raise UnfitFileError(f"The label file {table.name} holds no rows.")
    path = _path_column(table, images, base, options.path_column)
    named = bool(PATH_WORDS & _title(table, path))
    match = images.match(column(table, path), base, named_path=named or bool(options.path_column))
    if not match.found or (table.exact and match.how is not How.PATH):
        raise _no_match(table, path, images)
    found = _label_column(table, path, classes, options)
    rest = tuple(i for i in range(table.width) if i not in (path, *found.columns) and _is_slice(table, i))
    return Columns(
        table,
        path,
        found.column,
        rest,
        match,
        found.labels,
        found.spelling.notes,
        found.spelling.offer,
        found.by_content,
    )


def column(table: Table, position: int) -> list[str]:
    """Return the cells of a column."""
    return [cells[position] for _, cells in table.rows]


def with_header(table: Table, images: ImageNames, base: str, classes: Classes, options: LabelOptions) -> Table:
    """Return the table with the names of its columns parted from its rows, where it has names."""
    if table.header is not None:
        header = tuple(map(shown, table.header))
        return _checked(replace(table, header=header))
    first = table.rows[0][1]
    wanted = {_plain(name) for name in (options.path_column, options.label_column) if name}
    if not wanted & set(map(_plain, first)) and _is_data(table, images, base, classes):
        return table
    return _checked(replace(table, header=tuple(map(shown, first)), rows=table.rows[1:]))


def _is_data(table: Table, images: ImageNames, base: str, classes: Classes) -> bool:
    """Whether a first row names an image, or holds a plain number where no column is named so."""
    first, others = table.rows[0][1], [cells for _, cells in table.rows[1:SAMPLE]]
    if any(map(is_image, first)):
        return True
    if any(_is_number_above_names(first[i], [cells[i] for cells in others]) for i in range(len(first))):
        return False
    spelled = spell(first, classes).names
    labels = [name for name in spelled.values() if name in classes]
    if labels and any(number_of(cell) is None and images.names_one(cell, base) for cell in first):
        return True
    if len(set(labels)) > 1 and others:  # columns that are named after the classes
        return not any(cell and number_of(cell) is None for cell in first)
    return any(number_of(cell) is not None for cell in first) or (not others and bool(labels))


def _is_number_above_names(first: str, others: Sequence[str]) -> bool:
    """Whether a column of text begins with a number, as pandas names columns that have no names."""
    return bool(others) and number_of(first) is not None and all(number_of(cell) is None and cell for cell in others)


def _checked(table: Table) -> Table:
    """Raise DatasetError where two columns have one name."""
    header = table.header or ()
    repeated = next((name for name in header if name and header.count(name) > 1), None)
    if repeated:
        raise DatasetError(f"{table.name} has the column {repeated!r} more than once. Rename or delete one.")
    return table


def _is_slice(table: Table, position: int) -> bool:
    """Whether a column is worth a breakdown; without names of columns, none is."""
    return table.header is not None and _has_name(table, position)


def _has_name(table: Table, position: int) -> bool:
    """Whether a column has a name where others have; one without is a row index."""
    return table.header is None or not _UNNAMED.fullmatch(table.header[position])


def _path_column(table: Table, images: ImageNames, base: str, wanted: str | None) -> int:
    """Return the column whose cells name most images; of equal ones that with a name for it, then the first."""
    if wanted:
        return _named_column(table, wanted, "--path-column")
    step = max(1, len(table.rows) // SAMPLE)
    for rows in [table.rows[::step], table.rows][: 1 + (step > 1)]:
        sample = replace(table, rows=rows)
        files = [position for position in range(table.width) if _names_files(column(sample, position))]
        others = [position for position in range(table.width) if position not in files]
        # names of files say most; where they are those of other images, numbers beside them count rows
        for positions, numbers in ((files, True), (others, not files)):
            found = [each for each in _candidates(sample, positions, images, base) if numbers or each.is_name]
            ranked = sorted(found, key=lambda each: each.rank, reverse=True)
            if ranked:
                _check_one(table, ranked)
                return ranked[0].position
    return _likely_path_column(table)


def _names_files(cells: Sequence[str]) -> bool:
    """Whether most cells end as names of images do."""
    return 2 * sum(map(is_image, cells)) > len(cells)


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A column that names images; ``rank`` grows with what speaks for it."""

    position: int
    rank: tuple[int, ...]
    images: list[int]
    is_name: bool


def _candidates(table: Table, positions: Sequence[int], images: ImageNames, base: str) -> Iterator[_Candidate]:
    """Yield the columns that name images.

    That it is not named after labels speaks for a column, then how many different images it names.
    """
    for position in positions:
        if not _has_name(table, position):
            continue
        match = images.match(column(table, position), base)
        if match.found:
            name = _title(table, position)
            distinct = len({image for image in match.images if image >= 0})
            exact = match.found - len(match.loose)
            evidence = (not LABEL_WORDS & name, match.how is not How.NUMBER, distinct, match.found, exact)
            is_name = any(number_of(cell) is None for cell in column(table, position))
            yield _Candidate(position, (*map(int, evidence), int(bool(PATH_WORDS & name))), match.images, is_name)


def _check_one(table: Table, ranked: Sequence[_Candidate]) -> None:
    """Raise DatasetError where two columns name different images equally well."""
    if len(ranked) > 1 and ranked[0].rank == ranked[1].rank and ranked[0].images != ranked[1].images:
        names = [_shown(table, each.position) for each in ranked[:2]]
        raise DatasetError(
            f"{table.name} names images in two columns, {names[0]} and {names[1]}, and not the same ones. "
            "Name the right one with --path-column."
        )


def _likely_path_column(table: Table) -> int:
    """Return the column that is meant to name images, though it names none that is there."""
    for position in range(table.width):
        if any(is_image(cell) for cell in column(table, position)[:SAMPLE]):
            return position
    if table.header:
        for position, name in enumerate(table.header):
            if PATH_WORDS & set(words(name)):
                return position
    return 0


def label_cells(table: Table, path: int, classes: Classes, options: LabelOptions) -> Reading | None:
    """Return the labels of a table whose column ``path`` holds the images themselves, as they are written.

    Every other column is a slice. Return None where no column holds labels.
    """
    found = _label_column(table, path, classes, options)
    rest = [i for i in range(table.width) if i not in (path, *found.columns) and _is_slice(table, i)]
    if found.column is None:
        return None
    one_hot = len(found.columns) > 1
    return Reading(
        f"{table.name} (column {_shown(table, found.column)})",
        found.labels if one_hot else column(table, found.column),
        slice_names=tuple(table.header[i] for i in rest) if table.header else (),
        slices=[tuple(shown(cells[i]) for i in rest) for _, cells in table.rows] if rest else (),
    )


@dataclass(frozen=True, slots=True)
class _Labels:
    """A column of labels; ``columns`` are all that hold them, as one for each class does."""

    column: int | None
    columns: tuple[int, ...]
    labels: Sequence[str | None]
    spelling: Spelling
    by_content: bool = False


def _label_column(table: Table, path: int, classes: Classes, options: LabelOptions) -> _Labels:
    """Return the column of the labels; raises DatasetError where several could be it and disagree."""
    if options.label_column:
        position = _named_column(table, options.label_column, "--label-column")
        if position == path:
            raise DatasetError(f"{table.name}: path and label cannot both be in the column {_shown(table, path)}.")
        return _labels(table, position, classes, options)
    one_hot = _one_hot(table, path, classes)
    if one_hot:
        return one_hot
    rest = [position for position in range(table.width) if position != path and not _holds_answers(table, position)]
    for known in (LABEL_WORDS, PERHAPS_LABEL_WORDS):
        named = [position for position in rest if known & _title(table, position)]
        found = [_labels(table, position, classes, options) for position in named]
        fitting = [each for each in found if _classes_in(each, classes)]
        if fitting:
            return _agreeing(table, fitting)
        if found and known is LABEL_WORDS:
            return found[0]
    rest = [position for position in rest if not OTHER_WORDS & _title(table, position) and _has_name(table, position)]
    found = [_labels(table, position, classes, options) for position in rest]
    fitting = [each for each in found if _all_classes(each, classes)]
    # where another column holds labels, one that numbers the rows or is always the same does not
    fitting = [each for each in fitting if not _counts(table, each.column)] or fitting
    fitting = [each for each in fitting if len(set(each.labels)) > 1] or fitting
    if fitting:
        return replace(_agreeing(table, fitting), by_content=table.header is not None)
    offered = next((each.spelling for each in found if each.spelling.offer), Spelling({}))
    return _Labels(None, (), [None] * len(table.rows), offered)


def _labels(table: Table, position: int, classes: Classes, options: LabelOptions) -> _Labels:
    cells = column(table, position)
    distinct = set(cells)
    spelling = spell(sorted(distinct), classes, options.offset) if len(distinct) <= MOST_CLASSES else Spelling({})
    labels = [spelling.names.get(cell, cell) for cell in cells]
    return _Labels(position, (position,), labels, spelling)


def _classes_in(found: _Labels, classes: Classes) -> bool:
    """Whether at least half of the labels are classes of the model."""
    labels = [label for label in found.labels if label is not None]
    return 2 * sum(label in classes for label in labels) >= max(1, len(labels))


def _all_classes(found: _Labels, classes: Classes) -> bool:
    labels = {label for label in found.labels if label is not None}
    return bool(labels) and all(label in classes for label in labels)


def _agreeing(table: Table, found: Sequence[_Labels]) -> _Labels:
    """Return the first column; raises DatasetError where another holds other labels."""
    first = found[0]
    for other in found[1:]:
        if list(other.labels) != list(first.labels):
            names = [_shown(table, each.column or 0) for each in (first, other)]
            raise DatasetError(
                f"{table.name} has two columns that could be the labels, {names[0]} and {names[1]}, and they differ. "
                "Name the right one with --label-column."
            )
    return first


def _one_hot(table: Table, path: int, classes: Classes) -> _Labels | None:
    """Return the labels of a table with a column for each class, in which 1 marks the label."""
    if table.header is None:
        return None
    names = spell(table.header, classes).names
    columns = tuple(
        position
        for position, name in enumerate(table.header)
        if position != path and names[name] in classes and set(column(table, position)) <= _MARKS.keys()
    )
    if len(columns) < 2:
        return None
    labels: list[str | None] = []
    for line, cells in table.rows:
        marked = [names[table.header[position]] for position in columns if _MARKS[cells[position]]]
        if len(marked) > 1:
            raise DatasetError(f"{table.name}, line {line}, marks several classes. An image must show one digit.")
        labels.append(marked[0] if marked else None)
    return _Labels(columns[0], columns, labels, Spelling({}))


_MARKS = {"": False, "0": False, "0.0": False, "False": False, "false": False} | dict.fromkeys(
    ("1", "1.0", "True", "true", "x", "X"), True
)


def _holds_answers(table: Table, position: int) -> bool:
    """Whether a column's name says that a model filled it."""
    return bool((ANSWER_WORDS | CONFIDENCE_WORDS) & _title(table, position))


def _title(table: Table, position: int) -> set[str]:
    """Return the words of a column's name."""
    return set(words(table.header[position])) if table.header else set()


_PREDICTIONS = frozenset({"truth", "predicted", "outcome"})
"""Columns of the `predictions.csv` that a run writes."""


def holds_answers(columns: Columns) -> bool:
    """Whether a table is what a model answered: an earlier run's, or one without labels."""
    header = columns.table.header or ()
    return set(header) >= _PREDICTIONS or (
        columns.label is None and any(ANSWER_WORDS & set(words(name)) for name in header)
    )


def _counts(table: Table, position: int | None) -> bool:
    """Whether a column only numbers the rows, from 0 or 1."""
    if position is None:
        return False
    numbers = [number_of(cell) for cell in column(table, position)]
    return numbers in ([*range(len(numbers))], [*range(1, len(numbers) + 1)]) and len(numbers) > 1


def _named_column(table: Table, wanted: str, option: str) -> int:
    """Return the column that an option names, by its name or its number from 1."""
    header = table.header or ()
    for names, name in ((list(header), wanted), ([*map(_plain, header)], _plain(wanted))):
        if name in names:
            return names.index(name)
    if not header and wanted.isdecimal() and 0 < int(wanted) <= table.width:
        return int(wanted) - 1
    found = ", ".join(header) or f"numbered 1 to {table.width}"
    raise DatasetError(
        f"{table.name} has no column {wanted!r}. Its columns are: {found}. Name the right one with {option}."
    )


def _plain(name: str) -> str:
    """Return a column name without the differences that do not matter."""
    return re.sub(r"[ -]+", "_", name.strip().lower())


def _shown(table: Table, position: int) -> str:
    return repr(table.header[position]) if table.header else f"number {position + 1}"


def _no_match(table: Table, path: int, images: ImageNames) -> UnfitFileError:
    """Return the error for a table none of whose rows has an image."""
    encoding = " Or name its encoding with --encoding, as it is not UTF-8." if table.encoding == BYTES else ""
    return UnfitFileError(
        f"No row of {table.name} ({len(table.rows)} in all) has its image in the set. "
        f"The first row names {shown(table.rows[0][1][path])} (column {_shown(table, path)}); "
        f"the set holds {listing(images.images, 1)}. "
        f"Paths are relative to the folder or to the label file; name another column with --path-column.{encoding}"
    )


def all_labels(table: Table, classes: Classes, count: int) -> LabelList | None:
    """Return the labels of a table of three columns or more that holds one for each of ``count`` images alone."""
    cells = [cell for _, row in table.rows for cell in row if cell]
    if table.header is not None or table.width < 3 or len(cells) != count:
        return None
    names = spell(sorted(set(cells)), classes).names
    return LabelList(table.name, cells, table.encoding) if all(names[cell] in classes for cell in cells) else None


def as_list(table: Table, classes: Classes) -> LabelList | None:
    """Return the labels of a table that names no images: a column or a row of nothing but labels.

    A second column that numbers the rows is allowed.
    """
    rows = [cells for _, cells in table.rows]
    if len(rows) == 1 and len(rows[0]) > 1 and table.header is None:
        return _list_of(table, [cell for cell in rows[0] if cell], classes)
    if (
        table.header is None
        and len(rows) > 1
        and spell(rows[0], classes).names[rows[0][-1]] not in (*classes.names, None)
    ):
        table = replace(table, header=tuple(rows[0]), rows=table.rows[1:])
    numbering = [position for position in range(table.width) if table.width == 2 and _counts(table, position)]
    labels = [position for position in range(table.width) if position not in numbering[:1]]
    return _list_of(table, column(table, labels[0]), classes) if len(labels) == 1 else None


def _list_of(table: Table, cells: list[str], classes: Classes) -> LabelList | None:
    distinct = set(cells)
    names = spell(sorted(distinct), classes).names if len(distinct) <= MOST_CLASSES else {}
    known = sum(names.get(cell) in classes for cell in cells)
    return LabelList(table.name, cells, table.encoding) if 2 * known > len(cells) else None
