"""JSON and JSON lines as tables or lists of labels, whichever way round."""

from __future__ import annotations

import ast
import contextlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from batch_eval.dataset.labels.annotations import coco, is_coco, is_label_studio, label_studio
from batch_eval.dataset.labels.spelling import unwrapped, value_of
from batch_eval.dataset.labels.tables import KEY_AND_VALUE, LabelList, Table, check_columns
from batch_eval.dataset.names import is_image
from batch_eval.errors import DatasetError, MalformedFileError, UnfitFileError

_DEEPEST = 6
"""Levels of nested objects that become columns; what lies deeper stays JSON."""
_LONGEST_LITERAL = 1 << 22
"""Characters of a Python literal that is read."""
_SIGNS = re.compile(r"[-+~]{3}")  # a long row of them is a deep expression, and no label
# legal in JSON, but no text that could be written out again; those from DC80 on stand for bytes (PEP 383)
_LONE_SURROGATE = re.compile("[\ud800-\udc7f\udd00-\udfff]")
_WIDEST = 20
"""Entries of an object that may be a single row."""
_COLUMNS = 3
"""Columns that an object of lists of texts may have."""
_LARGEST_INNER = 1
"""Entries of a list that becomes a column: one value, as in ``"choices": ["7"]``."""


def tables(text: str, name: str, encoding: str) -> Iterator[Table | LabelList | DatasetError]:
    """Yield what JSON or JSON lines hold in each way that they can be read, or why nothing."""
    try:
        value = _parsed(text, name)
    except DatasetError as error:
        yield error
        return
    by_label = isinstance(value, dict) and bool(value) and all(map(_is_list_of_texts, value.values()))
    try:
        found = _records(value, name, encoding) if isinstance(value, _Lines) else _document(value, name, encoding)
        # So many lists of texts are rather the names of each label than columns.
        yield replace(found, exact=True) if by_label and isinstance(found, Table) and len(value) > _COLUMNS else found
    except DatasetError as error:
        yield error
    if by_label:
        pairs = [[image, key] for key, names in value.items() for image in names]
        yield Table(name, KEY_AND_VALUE, list(enumerate(pairs, 1)), encoding, "entry", exact=True)
    if isinstance(value, dict) and _may_be_a_row(value):  # JSON lines, of which there is one
        yield replace(_records([(1, value)], name, encoding), exact=True)


def _may_be_a_row(value: dict[str, Any]) -> bool:
    """Whether an object may be a single row: a few values, not all of them lists or objects."""
    scalar = any(not isinstance(each, dict | list) for each in value.values())
    short = all(len(each) <= _LARGEST_INNER for each in value.values() if isinstance(each, list))
    return scalar and short and len(value) <= _WIDEST and not any(map(is_image, value))


class _Lines(list[tuple[int, dict[str, Any]]]):
    """The objects of JSON lines, with the numbers of their lines."""


def _parsed(text: str, name: str) -> Any:
    """Return a document's value, or its lines. Raises MalformedFileError with the line for what is no JSON."""
    try:
        return json.loads(text)
    except RecursionError as error:
        raise MalformedFileError(f"{name}, line 1, is no JSON: {error}. Nest its values less deeply.") from error
    except ValueError as error:
        if len(text) < _LONGEST_LITERAL and not _SIGNS.search(text):
            with contextlib.suppress(ValueError, SyntaxError, MemoryError, RecursionError):
                return json.loads(json.dumps(ast.literal_eval(text), default=str))  # tuples become lists
        lines = [line for line in text.split("\n") if line.strip()]
        if len(lines) < 2 or not _is_json(lines[0]):
            raise MalformedFileError(f"{name}, line {getattr(error, 'lineno', 1)}, is no JSON: {error}.") from error
        return _Lines(_lines(text, name))


def _is_json(line: str) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def _lines(text: str, name: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the object of each line."""
    # not splitlines: a JSON string may hold U+2028 and the like
    for line, record in enumerate(text.split("\n"), start=1):
        if record.strip():
            yield line, _object(record, f"{name}, line {line},")


def _object(record: str, where: str) -> dict[str, Any]:
    try:
        value = json.loads(record)
    except (ValueError, RecursionError) as error:
        raise MalformedFileError(
            f'{where} is no JSON: {error}. Expected one object a line: {{"file_name": …, "label": …}}'
        ) from error
    if not isinstance(value, dict):
        raise MalformedFileError(
            f'{where} is no JSON object. Expected one object a line: {{"file_name": …, "label": …}}'
        )
    return value


def _document(value: Any, name: str, encoding: str) -> Table | LabelList:
    """Return the rows or labels of a whole document."""
    if is_coco(value):
        return coco(value, name)
    if is_label_studio(value):
        return label_studio(value, name)
    if isinstance(value, list):
        return _list(value, name, encoding)
    if isinstance(value, dict) and value:
        return _mapping(value, name, encoding)
    raise _unfit(name)


def _list(values: list[Any], name: str, encoding: str) -> Table | LabelList:
    if values and all(isinstance(value, dict) for value in values):
        return _records(list(enumerate(values, 1)), name, encoding)
    if values and all(isinstance(value, list) and len(value) == len(values[0]) > 1 for value in values):
        rows = [(entry, [text_of(cell) for cell in value]) for entry, value in enumerate(values, 1)]
        return Table(name, None, rows, encoding, "entry")
    if values and not any(isinstance(value, dict) for value in values):
        return LabelList(name, [text_of(value) for value in values], encoding)
    raise _unfit(name)


def _mapping(value: dict[str, Any], name: str, encoding: str) -> Table | LabelList:
    """Return what an object holds: names with labels, columns, labels with names, or one list."""
    inner = list(value.values())
    if isinstance(value.get("labels"), dict) and isinstance(value.get("classes"), list):  # FiftyOne
        return Table(name, KEY_AND_VALUE, list(enumerate(_numbered(value), 1)), encoding, "entry")
    only = next(iter(value))
    if len(inner) == 1 and _is_list_of_texts(inner[0]) and value_of(unwrapped(only)) is not None:
        if not _names_images(inner[0]):
            raise _unfit(name)  # {"7": ["1"]}: names of a label, or a list of labels
        return Table(
            name, KEY_AND_VALUE, [(i, [image, only]) for i, image in enumerate(inner[0], 1)], encoding, "entry"
        )
    if len(inner) == 1 and isinstance(inner[0], list | dict) and not is_image(only):
        return _document(inner[0], name, encoding)
    pairs = _pairs(value)
    if pairs:
        # {"0": …, "1": …} may be a record of columns without names, as pandas writes it
        return Table(name, KEY_AND_VALUE, list(enumerate(pairs, 1)), encoding, "entry", exact=[*value] == ["0", "1"])
    if isinstance(value.get("columns"), list) and isinstance(value.get("data"), list):  # pandas, orient="split"
        rows = [(entry, list(map(text_of, row))) for entry, row in enumerate(value["data"], 1)]
        return Table(name, tuple(map(text_of, value["columns"])), rows, encoding, "entry")
    # pandas writes a table by column, as lists or as objects by row.
    columns = {key: _column(each) for key, each in value.items()}
    lengths = {len(each) for each in columns.values() if each is not None}
    if None not in columns.values() and len(lengths) == 1 and _share_keys(inner):
        cells = zip(*(each for each in columns.values() if each is not None), strict=True)
        rows = [(entry, list(map(text_of, row))) for entry, row in enumerate(cells, 1)]
        return Table(name, tuple(columns), rows, encoding, "entry")
    if all(isinstance(each, dict) for each in inner):
        records = [(entry, {"": key} | each) for entry, (key, each) in enumerate(value.items(), 1)]
        return _records(records, name, encoding)
    # One list among versions, dates and names is what the document is about.
    lists = [each for each in inner if isinstance(each, list) and each]
    if len(lists) == 1:
        return _document(lists[0], name, encoding)
    raise _unfit(name)


def _numbered(value: dict[str, Any]) -> Iterator[list[str]]:
    """Yield names with labels, where labels are numbers in a list of classes."""
    classes = value["classes"]
    for image, label in value["labels"].items():
        known = isinstance(label, int) and 0 <= label < len(classes)
        yield [image, text_of(classes[label] if known else label)]


def _pairs(value: dict[str, Any]) -> list[list[str]]:
    """Return names with labels, or labels with names, of an object that holds nothing else."""
    if len(value) > 1 and all(map(_names_images, value.values())):
        return [[image, key] for key, names in value.items() for image in names]
    if any(map(is_image, value)):  # a label may be a list of one, or ten marks
        value = {key: _label_of(each) for key, each in value.items()}
    if any(isinstance(each, dict | list) for each in value.values()):
        return []
    named = [isinstance(each, str) and is_image(each) for each in value.values()]
    if any(named) and not all(named) and not any(map(is_image, value)):  # one record rather than names of labels
        return []
    return [[key, text_of(label)] for key, label in value.items()]


def _is_list_of_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def _names_images(value: Any) -> bool:
    """Whether a list names images, as those of one class are listed."""
    return isinstance(value, list) and all(isinstance(each, str) and is_image(each) for each in value)


def _label_of(value: Any) -> Any:
    """Return the one value of a list, and marks of classes as text."""
    if not isinstance(value, list) or any(isinstance(each, dict | list) for each in value):
        return value
    return value[0] if len(value) == 1 else text_of(value)


def _column(value: Any) -> list[Any] | None:
    """Return the values of a column as pandas writes it: a list, or an object by row."""
    if isinstance(value, list):
        return None if any(isinstance(cell, dict) for cell in value) else value
    return list(value.values()) if isinstance(value, dict) and all(key.isdigit() for key in value) else None


def _share_keys(columns: Sequence[Any]) -> bool:
    """Whether objects that are columns have the same rows; lists have them by position."""
    keys = [tuple(column) for column in columns if isinstance(column, dict)]
    return not keys or (len(keys) == len(columns) and len(set(keys)) == 1)


def _records(objects: Sequence[tuple[int, Mapping[str, Any]]], name: str, encoding: str) -> Table:
    """Return objects as rows. An absent key is an empty cell. What is nested becomes ``outer.inner``."""
    flat = [(line, dict(_flat(value, "", 0))) for line, value in objects]
    header = list(dict.fromkeys(key for _, row in flat for key in row))
    check_columns(name, len(header))  # before each row gets a cell for each
    rows = [(line, [row.get(key, "") for key in header]) for line, row in flat]
    return Table(name, tuple(key.strip() for key in header), rows, encoding)


def _flat(value: Any, path: str, depth: int) -> Iterator[tuple[str, str]]:
    if isinstance(value, list) and len(value) == _LARGEST_INNER and depth < _DEEPEST:
        yield from _flat(value[0], path, depth + 1)
    elif isinstance(value, dict) and (value or not path) and depth < _DEEPEST:
        for key, inner in value.items():
            yield from _flat(inner, f"{path}.{key}" if path else key, depth + 1)
    else:
        yield path, text_of(value)


def text_of(value: Any) -> str:
    """Return a JSON value as a cell. Null is empty, and what is no string stays JSON."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return _LONE_SURROGATE.sub("\ufffd", text).strip()


def _unfit(name: str) -> UnfitFileError:
    return UnfitFileError(f"{name} holds neither labels nor rows with names of images.")
