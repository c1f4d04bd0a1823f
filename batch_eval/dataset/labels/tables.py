"""Label files as tables: what every kind of file becomes before its columns are understood."""

from __future__ import annotations

import re
from dataclasses import dataclass

from batch_eval.dataset.labels.encodings import shown
from batch_eval.dataset.labels.words import words
from batch_eval.dataset.names import is_image
from batch_eval.errors import DatasetError, MalformedFileError
from batch_eval.wording import printable

JSON = frozenset({".jsonl", ".ndjson", ".json", ".manifest"})
EXCEL = frozenset({".xlsx", ".xlsm"})
"""Suffixes of label files that are not plain text."""
PACKED = ".gz"
"""Suffix behind another of a file that is packed with gzip: `labels.csv.gz`."""
MAX_MB = 256
"""Megabytes of the largest label file. A row for each of a million images takes about 50."""
MAX_COLUMNS = 1_000
"""Columns of the widest table. Each may become a slice of every report."""
KEY_AND_VALUE = ("key", "value")
"""Names for the columns of a JSON object's keys and values."""
Record = tuple[int, list[str]]
"""The line where a row begins, counted from 1, and its cells without outer blanks."""

# A column without a name is a row index. pandas calls it "Unnamed: 0" when it reads it back.
UNNAMED = re.compile(r"(Unnamed: [0-9]+)?")


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of a label file as text.

    ``header`` has the names of the columns. It is None as long as the first row may hold names or data. ``encoding`` is
    how the file was decoded. ``entry`` is what its rows are counted in: `line`, `row` or `entry`. An ``exact`` table is
    one of several ways to read a file. It counts only if it names images exactly.
    """

    name: str
    header: tuple[str, ...] | None
    rows: list[Record]
    encoding: str = "utf-8"
    entry: str = "line"
    exact: bool = False

    def __post_init__(self) -> None:
        """Check the number of columns."""
        check_columns(self.name, self.width)

    @property
    def width(self) -> int:
        """Number of columns."""
        return len(self.header if self.header is not None else self.rows[0][1])

    def column(self, position: int) -> list[str]:
        """Return the cells of a column."""
        return [cells[position] for _, cells in self.rows]

    def title(self, position: int) -> set[str]:
        """Return the words of a column's name."""
        return set(words(self.header[position])) if self.header else set()

    def is_index(self, position: int) -> bool:
        """Whether a column lacks a name while others have one, as a row index does."""
        return self.header is not None and UNNAMED.fullmatch(self.header[position]) is not None

    def is_slice(self, position: int) -> bool:
        """Whether a column is worth a breakdown. Without names, none is."""
        return self.header is not None and not self.is_index(position)

    def name_of(self, position: int) -> str:
        """Return a column's name, or its number from 1."""
        return self.header[position] if self.header and self.header[position] else str(position + 1)

    def quoted(self, position: int) -> str:
        """Return a column's name or number for a message."""
        return repr(self.header[position]) if self.header else f"number {position + 1}"

    def find(self, wanted: str, option: str) -> int:
        """Return the column that an option names, by its name or its number. Raises DatasetError if there is none."""
        header = self.header or ()
        # The exact name first: Label and label may be two columns.
        for names, name in ((list(header), wanted), ([*map(plain, header)], plain(wanted))):
            if name in names:
                return names.index(name)
        if not header and wanted.isdecimal() and 0 < int(wanted) <= self.width:
            return int(wanted) - 1
        found = ", ".join(header) or f"numbered 1 to {self.width}"
        raise DatasetError(
            f"{self.name} has no column {wanted!r}. Its columns are: {found}. Name the right one with {option}."
        )


@dataclass(frozen=True, slots=True)
class LabelList:
    """Labels without names of images: one for each image, in order."""

    name: str
    labels: list[str]
    encoding: str = "utf-8"


def without_title(rows: list[Record]) -> list[Record]:
    """Return the rows below a title, which fills one field alone."""
    while len(rows) > 2 and sum(map(bool, rows[0][1])) == 1 < sum(map(bool, rows[1][1])):
        rows = rows[1:]
    return rows


def as_table(content: Table | LabelList) -> Table | LabelList:
    """Return a list of names of images as a table of one column, anything else as it is."""
    if isinstance(content, Table) or 2 * sum(map(is_image, content.labels)) <= len(content.labels):
        return content
    return Table(content.name, None, [(entry, [path]) for entry, path in enumerate(content.labels, 1)], entry="entry")


def plain(name: str) -> str:
    """Return a column's name without the differences that do not matter."""
    return re.sub(r"[ -]+", "_", name.strip().lower())


def slices_of(table: Table, positions: tuple[int, ...]) -> list[tuple[str, ...]]:
    """Return the values of some columns for each row."""
    return [tuple(shown(cells[i]) for i in positions) for _, cells in table.rows]


def check_columns(name: str, count: int) -> None:
    """Raise MalformedFileError for more columns than ``MAX_COLUMNS``."""
    if count > MAX_COLUMNS:
        raise MalformedFileError(
            f"{name} has {count:,} columns, and the limit is {MAX_COLUMNS:,}. "
            "Keep those of the images' paths, the labels, and what reports should group by."
        )


def check_width(name: str, line: int, cells: list[str], header: list[str] | tuple[str, ...]) -> list[str]:
    """Return the cells of a row without empty ones behind the header's.

    Raises MalformedFileError if the counts differ.
    """
    if len(cells) < len(header) or any(cells[len(header) :]):
        many = len(cells) > len(header)
        advice = (
            "Put a field that holds the delimiter in double quotes." if many else "Leave a field empty, but not out."
        )
        raise MalformedFileError(
            f"{name}, line {line}, has too {'many' if many else 'few'} fields: {printable(', '.join(cells))[:120]}. "
            f"Expected {len(header)} ({printable(', '.join(header))[:120]}). {advice}"
        )
    return cells[: len(header)]
