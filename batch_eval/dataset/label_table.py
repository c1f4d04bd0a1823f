"""Label files as tables: CSV in any dialect and encoding that people's programs write, and JSON lines."""

import codecs
import csv
import io
import json
import os
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from batch_eval.dataset.names import is_image, suffix
from batch_eval.errors import DatasetError
from batch_eval.wording import printable

JSON_LINES = frozenset({".jsonl", ".ndjson", ".json"})

_DELIMITERS = ",;\t|"
_BYTE_ORDER_MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
_QUOTED = re.compile(r'"[^"]*"')
_EXCEL_DELIMITER = re.compile(r'"?sep=([,;\t|])"?\s*', re.IGNORECASE)  # a first line that Excel understands
_NO_TABLES = {
    b"PK\x03\x04": "a spreadsheet or an archive",
    b"\xd0\xcf\x11\xe0": "a spreadsheet (.xls)",
    b"<!DOCTYPE HTML": "a web page",
    b"<HTML": "a web page",
}


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of a label file as text.

    ``rows`` pairs the line number where a row begins (counted from 1) with one stripped cell for each of ``columns``.
    ``encoding`` is how the file was decoded.
    """

    name: str
    columns: tuple[str, ...]
    rows: list[tuple[int, list[str]]]
    encoding: str


def read_table(file: Path, name: str) -> Table:
    """Read a label file; errors call it ``name``.

    Raises ``DatasetError`` if the file cannot be read or a line of it is malformed.
    """
    try:
        raw = file.read_bytes()
    except OSError as error:
        where = f"looked from {printable(os.getcwd())}"
        raise DatasetError(f"The label file {name} cannot be read: {error.strerror} ({where}).") from error
    _check_no_other_kind(raw, name)
    text, encoding = _decoded(raw)
    if "\0" in text:
        raise DatasetError(
            f"The label file {name} holds NUL characters, so that it is no text. Save it as CSV (UTF-8)."
        )
    columns, rows = _json_lines(text, name) if suffix(file.name) in JSON_LINES else _csv(text, name)
    if not rows:
        raise DatasetError(f"The label file {name} holds no rows.")
    columns = tuple(map(printable, columns))
    repeated = next((column for column, n in Counter(columns).items() if n > 1 and column), None)
    if repeated:
        raise DatasetError(f"{name} has the column {repeated!r} more than once. Rename or delete one.")
    return Table(name, columns, rows, encoding)


def _check_no_other_kind(raw: bytes, name: str) -> None:
    """Raise if the file begins as one that holds no text, or a page in place of the download."""
    start = raw[:200].removeprefix(codecs.BOM_UTF8).lstrip().upper()
    kind = next((kind for mark, kind in _NO_TABLES.items() if start.startswith(mark.upper())), None)
    if kind:
        raise DatasetError(f"The label file {name} is {kind}. Save it as CSV (UTF-8).")


def _decoded(raw: bytes) -> tuple[str, str]:
    """Return the text and its encoding: by its mark, else UTF-8, else what Windows calls ANSI in Western Europe."""
    for mark, encoding in _BYTE_ORDER_MARKS.items():
        if raw.startswith(mark):
            return raw.decode(encoding, "replace"), encoding
    # no text holds NUL; in UTF-16 every other byte of a column name is one
    if len(raw) > 1 and raw[:2].count(0) == 1:
        encoding = "utf-16-le" if raw[1] == 0 else "utf-16-be"
        return raw.decode(encoding, "replace"), encoding
    for encoding in ("utf-8", "cp1252"):
        try:
            return raw.decode(encoding), encoding
        except UnicodeDecodeError:
            continue
    return raw.decode("latin-1"), "latin-1"


def _csv(text: str, name: str) -> tuple[tuple[str, ...], list[tuple[int, list[str]]]]:
    """Return the columns and rows of delimited text with a header."""
    records = _records(text, name)
    line, header = next(records, (1, []))
    while header and not header[-1]:
        header.pop()
    _check_header(header, line, name)
    rows = []
    for line, cells in records:
        if len(cells) < len(header) or any(cells[len(header) :]):
            raise _wrong_width(name, line, cells, header)
        rows.append((line, cells[: len(header)]))
    return tuple(header), rows


def _records(text: str, name: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the line number and the stripped cells of each record that is not blank."""
    # newline=None reads the line ends of Windows, Unix and old Macs
    source = io.StringIO(text, newline=None)
    first = source.readline()
    named = _EXCEL_DELIMITER.fullmatch(first)
    skipped = 1 if named else 0
    if not named:
        source.seek(0)
    delimiter = named[1] if named else _delimiter(text)
    reader = csv.reader(source, delimiter=delimiter, skipinitialspace=True, strict=True)
    line = skipped + 1
    try:
        for record in reader:
            cells = [cell.strip() for cell in record]
            if any(cells):
                yield line, cells
            line = skipped + reader.line_num + 1
    except csv.Error as error:
        raise DatasetError(f"{name}, line {line}, is no CSV: {error}. Look for a quote that is not closed.") from error


def _delimiter(text: str) -> str:
    """Return the delimiter that is most frequent in the first line that is not blank, outside quotes."""
    header = _QUOTED.sub("", next((line for line in text.splitlines() if line.strip()), ""))
    return max(_DELIMITERS, key=header.count)


def _check_header(header: list[str], line: int, name: str) -> None:
    """Raise unless the first record can be column names."""
    if not header:
        raise DatasetError(f"The label file {name} is empty; expected a line of column names, such as filename,label.")
    if any(is_image(cell) for cell in header) or all(cell.isdigit() for cell in header):
        raise DatasetError(
            f"{name} begins with data ({', '.join(header)}) in line {line}; "
            "expected a line of column names there, such as filename,label. Add it above."
        )


def _wrong_width(name: str, line: int, cells: list[str], header: list[str]) -> DatasetError:
    """Return the error for a record with too few or too many fields."""
    many = len(cells) > len(header)
    advice = "Put a field that holds the delimiter in double quotes." if many else "Leave a field empty, but not out."
    return DatasetError(
        f"{name}, line {line}, has too {'many' if many else 'few'} fields: {printable(', '.join(cells))[:120]}. "
        f"Expected {len(header)} ({', '.join(header)}). {advice}"
    )


def _json_lines(text: str, name: str) -> tuple[tuple[str, ...], list[tuple[int, list[str]]]]:
    """Return the columns and rows of one JSON object a line; a key that is absent is an empty cell."""
    objects = []
    # not splitlines: a JSON string may hold U+2028 and the like
    for line, record in enumerate(text.split("\n"), start=1):
        if record.strip():
            objects.append((line, _json_object(record, f"{name}, line {line},")))
    columns = list(dict.fromkeys(key for _, row in objects for key in row))
    rows = [(line, [_json_text(row.get(column)) for column in columns]) for line, row in objects]
    return tuple(column.strip() for column in columns), rows


def _json_object(record: str, where: str) -> dict[str, object]:
    """Return the object that one line holds."""
    try:
        value = json.loads(record)
    except (ValueError, RecursionError) as error:
        raise DatasetError(
            f'{where} is no JSON: {error}. Expected one object a line: {{"file_name": …, "label": …}}'
        ) from error
    if not isinstance(value, dict):
        raise DatasetError(f'{where} is no JSON object. Expected one object a line: {{"file_name": …, "label": …}}')
    return value


def _json_text(value: object) -> str:
    """Return a JSON value as a cell: nothing for null, strings as they are, the rest as JSON."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    # an escaped lone surrogate is legal JSON but no text that could be written out again
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").strip()
