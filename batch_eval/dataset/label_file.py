"""Labels from a label file: which columns count, and which row belongs to which image."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from batch_eval.dataset.file_index import AMBIGUOUS, FileIndex
from batch_eval.dataset.label_table import Table, read_table
from batch_eval.dataset.labelling import Labelling, clean_label
from batch_eval.dataset.options import LabelOptions
from batch_eval.errors import DatasetError
from batch_eval.wording import listing, printable

LABEL_FILES = ("labels.csv", "labels.tsv", "metadata.csv", "metadata.jsonl")
PATH_COLUMNS = ("filename", "file", "file_name", "filepath", "path", "image")
LABEL_COLUMNS = ("label", "class", "digit", "target", "truth")

# an unnamed column, also as pandas calls it after reading, is a row index and no slice
_UNNAMED = re.compile(r"(Unnamed: [0-9]+)?")


@dataclass(frozen=True, slots=True)
class _Columns:
    """Positions of the columns that count."""

    path: int
    label: int
    slices: tuple[int, ...]


@dataclass(slots=True)
class _Matches:
    """Which row each image takes its label from (index into the table's rows), and rows that have no image."""

    row_of: dict[int, int] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    ambiguous: list[str] = field(default_factory=list)
    loose: list[str] = field(default_factory=list)
    repeated: list[str] = field(default_factory=list)


def label_by_file(
    file: Path,
    root: Path,
    images: Sequence[str],
    options: LabelOptions,
) -> Labelling:
    """Return labels for ``images`` (paths relative to ``root``) from a CSV, TSV or JSON-lines file.

    Every column but those of path and label is a slice. Images without a row, or with an empty label, get None.

    Raises ``DatasetError`` if the file cannot be read, a column is missing, no row has an image, no row has a label,
    or two rows give one image different labels.
    """
    name = printable(file.name if file.parent == root else str(file))
    table = read_table(file, name)
    columns = _choose_columns(table, options.path_column, options.label_column)
    matches = _match(table, columns, FileIndex(root, images, file.parent, table.encoding))
    if not matches.row_of:
        raise _no_match(table, columns, root, images)
    truths, slices = _per_image(table, columns, matches, len(images))
    if not any(truths):
        empty = f"only empty cells in its column {table.columns[columns.label]!r}"
        raise DatasetError(f"{name} has {empty}; expected labels there. Name another column with --label-column.")
    return Labelling(
        source=_source(table, columns),
        truths=truths,
        slice_names=tuple(table.columns[i] for i in columns.slices),
        slices=slices,
        missing=tuple(matches.missing),
        notes=tuple(_remarks(table, matches)),
    )


def _per_image(
    table: Table, columns: _Columns, matches: _Matches, images: int
) -> tuple[list[str | None], list[tuple[str, ...]]]:
    """Return the truth and the slices of each image; none and empty ones where no row belongs to it."""
    truths: list[str | None] = [None] * images
    slices = [("",) * len(columns.slices)] * images
    shared: dict[str, str] = {}  # the same few values in many rows take memory once
    for image, row in matches.row_of.items():
        cells = table.rows[row][1]
        truths[image] = clean_label(cells[columns.label])
        slices[image] = tuple(shared.setdefault(cells[i], cells[i]) for i in columns.slices)
    return truths, slices


def _source(table: Table, columns: _Columns) -> str:
    """Return ``labels.csv (columns filename, label; slices kind, source)``."""
    slices = ", ".join(table.columns[i] for i in columns.slices)
    chosen = f"columns {table.columns[columns.path]}, {table.columns[columns.label]}"
    return f"{table.name} ({chosen}{'; slices ' + slices if slices else ''})"


def _choose_columns(table: Table, path_column: str | None, label_column: str | None) -> _Columns:
    """Return the positions of the path's and the label's column, and of the slices."""
    path = _column(table, "image's path", "--path-column", path_column, PATH_COLUMNS)
    label = _column(table, "label", "--label-column", label_column, LABEL_COLUMNS)
    if path == label:
        raise DatasetError(f"{table.name}: path and label cannot both be in the column {table.columns[path]!r}.")
    rest = (i for i, name in enumerate(table.columns) if i not in (path, label) and not _UNNAMED.fullmatch(name))
    return _Columns(path, label, tuple(rest))


def _column(table: Table, what: str, option: str, wanted: str | None, known: Sequence[str]) -> int:
    """Return the position of the wanted column, or of the first known one."""
    names = [_plain(name) for name in table.columns]
    for name in [wanted] if wanted else known:
        if name in table.columns:
            return table.columns.index(name)
        if _plain(name) in names:
            return names.index(_plain(name))
    expected = f"no column {wanted!r}" if wanted else f"no column for the {what}; expected one of {', '.join(known)}"
    found = ", ".join(table.columns)
    raise DatasetError(f"{table.name} has {expected}. Its columns are: {found}. Name the right one with {option}.")


def _plain(name: str) -> str:
    """Return a column name without the differences that do not matter."""
    return re.sub(r"[ -]+", "_", name.strip().lower())


def _match(table: Table, columns: _Columns, index: FileIndex) -> _Matches:
    """Return which row belongs to which image.

    Paths count literally; only then by a looser form. Names without a folder may lie in any folder, but only where not
    a single row was found otherwise: beside rows that were found they are more likely missing.
    """
    matches = _Matches()
    left = _take(table, columns, matches, range(len(table.rows)), index.exact)
    exact = len(matches.row_of)
    left = _take(table, columns, matches, left, index.loose)
    if not matches.row_of:
        matches.ambiguous.clear()
        left = _take(table, columns, matches, left, index.by_name)
    named = ((line, printable(cells[columns.path])) for line, cells in map(table.rows.__getitem__, left))
    matches.missing = [path or f"(no path in line {line})" for line, path in named]
    matches.loose = [table.rows[row][1][columns.path] for row in list(matches.row_of.values())[exact:]]
    return matches


def _take(
    table: Table, columns: _Columns, matches: _Matches, rows: Sequence[int], find: Callable[[str], int | None]
) -> list[int]:
    """Enter the rows whose image ``find`` knows, and return the others."""
    left = []
    for row in rows:
        path = table.rows[row][1][columns.path]
        image = find(path)
        if image is None or image == AMBIGUOUS:
            left.append(row)
            if image == AMBIGUOUS:
                matches.ambiguous.append(path)
        elif image in matches.row_of:
            _check_same(table, columns, matches.row_of[image], row)
            matches.repeated.append(path)
        else:
            matches.row_of[image] = row
    return left


def _check_same(table: Table, columns: _Columns, first: int, second: int) -> None:
    """Raise if two rows of one image disagree about its label."""
    (line_a, a), (line_b, b) = table.rows[first], table.rows[second]
    label_a, label_b = clean_label(a[columns.label]), clean_label(b[columns.label])
    if label_a != label_b:
        raise DatasetError(
            f"{table.name} gives {printable(a[columns.path])} two labels: "
            f"{label_a or 'none'} in line {line_a} and {label_b or 'none'} in line {line_b}. Delete the wrong line."
        )


def _remarks(table: Table, matches: _Matches) -> list[str]:
    """Return what the user should know about how rows and images were matched."""
    remarks = []
    total = len(table.rows)
    if table.encoding in ("cp1252", "latin-1"):
        remarks.append(f"{table.name} is not UTF-8; it was read as {table.encoding} (Windows, Western Europe).")
    if matches.missing:
        remarks.append(f"{len(matches.missing)} of {total} label rows have no image file: {listing(matches.missing)}.")
    if matches.ambiguous:
        remarks.append(f"Several images fit one label row, so none was taken: {listing(matches.ambiguous)}.")
    if matches.loose:
        remarks.append(
            f"{len(matches.loose)} of {total} label rows do not spell their image's path exactly "
            f"(case, Unicode form, suffix or folder): {listing(matches.loose)}."
        )
    if matches.repeated:
        remarks.append(f"Listed more than once with the same label: {listing(matches.repeated)}.")
    return remarks


def _no_match(table: Table, columns: _Columns, root: Path, images: Sequence[str]) -> DatasetError:
    """Return the error for a table none of whose rows has an image."""
    row = printable(table.rows[0][1][columns.path])
    return DatasetError(
        f"No row of {table.name} ({len(table.rows)} in all) has its image in {printable(str(root))}. "
        f"The first row names {row} (column {table.columns[columns.path]!r}); the folder holds {printable(images[0])}. "
        "Paths are relative to the folder or to the label file; name another column with --path-column."
    )
