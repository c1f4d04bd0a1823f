"""Label files as tables: what every kind of file becomes before its columns are understood."""

from __future__ import annotations

from dataclasses import dataclass

from batch_eval.errors import MalformedFileError
from batch_eval.wording import printable

JSON = frozenset({".jsonl", ".ndjson", ".json", ".manifest"})
EXCEL = frozenset({".xlsx", ".xlsm"})
"""Suffixes of label files that are not plain text."""
Record = tuple[int, list[str]]
"""The line where a row begins, counted from 1, and its cells without outer blanks."""


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of a label file as text.

    ``header`` has the names of the columns, or is None where the first row may hold names or data. ``encoding`` is how
    the file was decoded. ``entry`` is what its rows are counted in: `line`, `row` or `entry`. ``exact`` tables count
    only where they name images exactly, as their fields may be parted otherwise.
    """

    name: str
    header: tuple[str, ...] | None
    rows: list[Record]
    encoding: str = "utf-8"
    entry: str = "line"
    exact: bool = False

    @property
    def width(self) -> int:
        """Number of columns."""
        return len(self.header if self.header is not None else self.rows[0][1])


@dataclass(frozen=True, slots=True)
class LabelList:
    """Labels without names of images: one for each image, in order. ``columns`` names their column, if it has one."""

    name: str
    labels: list[str]
    encoding: str = "utf-8"


def check_width(name: str, line: int, cells: list[str], header: list[str] | tuple[str, ...]) -> list[str]:
    """Return the cells of a row without empty ones behind the header's.

    Raises MalformedFileError where the counts differ.
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
