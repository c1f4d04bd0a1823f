"""Text of rows and fields, in every dialect that people's programs write.

Which delimiter a text uses is not always to be seen: ``a.png;7,0`` has two. Each gives a table, the likeliest first.
Who knows the images can tell which is right.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence

from batch_eval.dataset.labels.spelling import number_of
from batch_eval.dataset.labels.tables import UNNAMED, Record, Table, check_width, without_title
from batch_eval.dataset.names import is_image
from batch_eval.errors import DatasetError, MalformedFileError

_DELIMITERS = ",;\t|"
_QUOTED = re.compile(r'"[^"]*"')
_EXCEL_DELIMITER = re.compile(r'"?sep=([,;\t|])"?\s*', re.IGNORECASE)  # a first line that Excel understands
_LAST_BLANK = re.compile(r"(.*\S)\s+(\S+)")
_FIRST_BLANK = re.compile(r"(\S+)\s+(\S.*)")
_SIGN = re.compile(r"(.*\S)\s*(?:->|=>|[:=→])\s*(\S+)")
_SIGN_FIRST = re.compile(r"([^\s:=→>-]+)\s*(?:->|=>|[:=→])\s*(\S.*)")
_FIELD = re.compile(r'"((?:[^"]|"")*)"|(\S+)')
_COMMENT = "#"


def tables(text: str, name: str, encoding: str) -> Iterator[Table | DatasetError]:
    """Yield the text as a table by each way to part its fields, or why that fails."""
    body, first_line, comment, delimiter = _opening(text)
    unnamed = "" if delimiter or comment else _unnamed_column(body, name)
    if unnamed:
        yield MalformedFileError(unnamed)
        return
    # Excel's sep=; decides. Otherwise each delimiter of the first line is tried.
    ways = [delimiter] if delimiter else _delimiters(body)
    for way in ways:
        try:
            rows = [row for row in _csv(body, first_line, way, name) if not _is_comment(row[1])]
            if rows:
                yield _table(name, _comment_header(comment, way, len(rows[0][1])), rows, encoding)
        except DatasetError as error:
            yield error
    if not delimiter and not any(d in body.partition("\n")[0] for d in _DELIMITERS):
        yield from _blank_tables(body, first_line, comment, name, encoding)


def _unnamed_column(body: str, name: str) -> str:
    """Return what is wrong with a text parted by blanks, of which the names of columns are one too few.

    Which column has no name cannot be told. One that numbers the rows comes first, as pandas writes it.
    """
    lines = [line for line in body.splitlines() if line.strip()]
    if len(lines) < 2 or any(delimiter in lines[0] for delimiter in _DELIMITERS):
        return ""
    widths = [len(_FIELD.findall(line)) for line in lines]
    if widths[0] < 2 or set(widths[1:]) != {widths[0] + 1} or any(map(is_image, lines[0].split())):
        return ""
    if _numbers_rows(_fields(lines[0]), [line.split()[0] for line in lines[1:]]):
        return ""
    return f"{name} names {widths[0]} columns and has {widths[0] + 1}, parted by blanks. Name the one that has no name."


def _fields(record: str) -> list[str]:
    """Return the fields of a row that are parted by blanks."""
    return [quoted.replace('""', '"') or bare for quoted, bare in _FIELD.findall(record)]


def _numbers_rows(names: Sequence[str], cells: Sequence[str]) -> bool:
    """Whether a first column without a name numbers the rows, as pandas writes it."""
    return [*map(number_of, cells)] == [*range(len(cells))] and not any(map(UNNAMED.fullmatch, names))


def _blank_tables(body: str, first_line: int, comment: str, name: str, encoding: str) -> Iterator[Table]:
    """Yield the text as tables whose fields are parted by blanks, which names may hold too."""
    lines = [(line, record.strip()) for line, record in enumerate(body.splitlines(), first_line)]
    lines = [(line, record) for line, record in lines if record and not _is_comment(record.split())]
    rows = [(line, _fields(record)) for line, record in lines]
    width = max((len(cells) for _, cells in rows), default=0)
    if rows and len(rows[0][1]) == width - 1 and _numbers_rows(rows[0][1], [cells[0] for _, cells in rows[1:]]):
        rows[0][1].insert(0, "")
    are_signed = all(_SIGN.fullmatch(record) for _, record in lines)
    if width > 1 and not are_signed and all(len(cells) == width for _, cells in rows):
        yield Table(name, _comment_header(comment, " ", width), rows, encoding)
        if width == 2:
            return
    # A name may hold blanks, so that the fields are parted at the last sign or blank, or at the first.
    for pattern, place in ((_SIGN, 1), (_SIGN_FIRST, 2), (_LAST_BLANK, 1), (_FIRST_BLANK, 2)):
        parted = [(line, match) for line, record in lines if (match := pattern.fullmatch(record))]
        names = [match[place] for _, match in parted[1:] or parted]
        if len(parted) == len(lines) > 0 and all(map(is_image, names)):
            yield Table(name, None, [(line, list(match.groups())) for line, match in parted], encoding, exact=True)


def _opening(text: str) -> tuple[str, int, str, str]:
    """Return the text below its opening, its first line's number, the last comment, and Excel's delimiter.

    A byte order mark, blank lines, comments and ``sep=;`` open a text.
    """
    # newline=None reads the line ends of Windows, Unix and old Macs
    source = io.StringIO(text.removeprefix("\ufeff"), newline=None)
    comment, delimiter, line = "", "", 1
    while True:
        start = source.tell()
        record = source.readline()
        named = _EXCEL_DELIMITER.fullmatch(record) if not delimiter else None
        is_comment = record.startswith(_COMMENT) and not any(map(is_image, re.split(r"[,;\t| ]", record.strip())))
        if not record or (record.strip() and not named and not is_comment):
            break
        delimiter = named[1] if named else delimiter
        comment = record[1:].strip() if is_comment else comment
        line += 1
    source.seek(start)
    return source.read(), line, comment, delimiter


def _delimiters(body: str) -> list[str]:
    """Return the delimiters of the first line, the most frequent first, or a comma."""
    first = _QUOTED.sub("", body.partition("\n")[0])
    found = sorted((d for d in _DELIMITERS if d in first), key=first.count, reverse=True)
    return found or [","]


def _csv(body: str, first_line: int, delimiter: str, name: str) -> Iterator[Record]:
    """Yield the rows that are not blank."""
    reader = csv.reader(io.StringIO(body), delimiter=delimiter, skipinitialspace=True, strict=True)
    line = first_line
    try:
        for record in reader:
            cells = [cell.strip() for cell in record]
            if any(cells):
                yield line, cells
            line = first_line + reader.line_num
    except csv.Error as error:
        raise MalformedFileError(
            f"{name}, line {line}, is no CSV: {error}. Look for a quote that is not closed."
        ) from error


def _is_comment(cells: list[str]) -> bool:
    return cells[0].startswith(_COMMENT) and not any(map(is_image, cells))


def _comment_header(comment: str, delimiter: str, width: int) -> tuple[str, ...] | None:
    """Return the names of columns that a comment above the rows gives, as NumPy writes them."""
    names = comment.split() if delimiter == " " else next(csv.reader([comment], delimiter=delimiter), [])
    return tuple(name.strip() for name in names) if names and len(names) == width else None


def _table(name: str, header: tuple[str, ...] | None, rows: list[Record], encoding: str) -> Table:
    """Return the table; columns behind the last name that are empty in all rows are left out."""
    rows = rows if header else without_title(rows)
    # Excel writes commas for empty columns behind the last one.
    first = list(header or rows[0][1])
    while first and not first[-1] and not any(any(cells[len(first) - 1 : len(first)]) for _, cells in rows):
        first.pop()
    width = len(first)
    rows = [row if len(row[1]) == width else (row[0], check_width(name, *row, first)) for row in rows]
    return Table(name, tuple(first) if header else None, rows, encoding)
