"""Parquet files as Hugging Face writes them: a column ``image`` of bytes, a column ``label``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from batch_eval.dataset.labels.reading import Reading
from batch_eval.dataset.labels.words import LABEL_WORDS, words
from batch_eval.dataset.options import LabelOptions
from batch_eval.dataset.sources.core import SetFile
from batch_eval.dataset.splits import SPLIT
from batch_eval.errors import DatasetError, UnreadableImageError
from batch_eval.wording import listing, printable

GROUPS = 4
"""Groups of rows that are kept in memory. Workers read neighbouring images, each from its own group."""
MOST_VALUES = 1000
"""Different values that a column may have as a slice."""


class ParquetImages:
    """Images in the rows of Parquet files. The id of each is its file's name with its row: ``test.parquet[7]``."""

    others: Sequence[str] = ()
    notes: tuple[str, ...] = ()

    def __init__(self, name: str, root: str, files: Sequence[SetFile], options: LabelOptions) -> None:
        """Open files by their names in the set. Raises DatasetError if one holds no images."""
        self.name = name
        self.roots = (root,)
        self._tables = {file.name: _Table(file) for file in files}
        self.images: Sequence[str] = [f"{name}[{i}]" for name, table in self._tables.items() for i in range(table.rows)]
        self.labels = _labels(self._tables, options)

    def read(self, file: str) -> bytes:
        """Return an image's bytes. Raises UnreadableImageError if a row holds none."""
        name, _, row = file[:-1].rpartition("[")
        value = self._tables[name].image(int(row))
        if not isinstance(value, bytes):
            raise UnreadableImageError("not an image: the row holds no bytes")
        return value

    def read_other(self, path: str) -> bytes:
        """Raise KeyError: there are no other files."""
        raise KeyError(path)

    def size(self, file: str) -> int:  # noqa: ARG002 - it is not known before the row is read
        """Return 0: the length is not known."""
        return 0


class _Table:
    """One open file: which column holds its images, and where its groups of rows begin."""

    def __init__(self, file: SetFile) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        self.name = name = printable(file.name)
        try:
            self._file = pq.ParquetFile(file.path or pa.BufferReader(file.read()), memory_map=file.path is not None)
        except (OSError, pa.ArrowException) as error:
            raise DatasetError(f"{name} is no readable Parquet file: {error}. Download it again.") from error
        self.schema = self._file.schema_arrow
        self.rows: int = self._file.metadata.num_rows
        lengths = [self._file.metadata.row_group(i).num_rows for i in range(self._file.metadata.num_row_groups)]
        self._starts = [sum(lengths[:i]) for i in range(len(lengths))]
        self.column = _image_column(self.schema, name)
        self._group = lru_cache(GROUPS)(self._read_group)

    def image(self, row: int) -> Any:
        """Return the bytes of a row's image, or what the row holds instead."""
        # A group is the least that Parquet can read: its images stay in memory for their neighbours.
        group = max(i for i, start in enumerate(self._starts) if start <= row)
        value = self._group(group)[row - self._starts[group]].as_py()
        return value.get("bytes") if isinstance(value, dict) else value

    def _read_group(self, group: int) -> Any:
        return self._file.read_row_group(group, columns=[self.column], use_threads=False).column(self.column)

    def values(self, name: str) -> list[str]:
        """Return a column as text. Return nothing for null."""
        names = _class_names(self.schema).get(name)
        column = self._file.read(columns=[name], use_threads=False).column(name).to_pylist()
        if names:
            return [names[value] if isinstance(value, int) and 0 <= value < len(names) else "" for value in column]
        return ["" if value is None else str(value) for value in column]


def _image_column(schema: Any, name: str) -> str:
    """Return the column of images: the first whose values are bytes, or have a part `bytes`."""
    import pyarrow as pa

    for field in schema:
        if pa.types.is_struct(field.type) and field.type.get_field_index("bytes") >= 0:
            return str(field.name)
        if pa.types.is_binary(field.type) or pa.types.is_large_binary(field.type):
            return str(field.name)
    raise DatasetError(
        f"{name} holds no images: its columns are {listing([str(field.name) for field in schema], 10)}. "
        "Expected one of bytes, as Hugging Face's feature Image is."
    )


def _class_names(schema: Any) -> dict[str, list[str]]:
    """Return the names of classes by column, from the description that Hugging Face's datasets writes."""
    try:
        described = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))
        features = described["info"]["features"]
    except (ValueError, KeyError, TypeError):
        return {}
    named = {name: feature.get("names") for name, feature in features.items() if isinstance(feature, dict)}
    return {name: list(map(str, names)) for name, names in named.items() if isinstance(names, list)}


def _labels(tables: dict[str, _Table], options: LabelOptions) -> Reading | None:
    """Return the labels of all files, and their other columns as slices."""
    first = next(iter(tables.values()))
    label = _label_column(first, options)
    if label is None:
        return None
    truths: list[str | None] = []
    slices: dict[str, list[str]] = {name: [] for name in _slice_columns(first, label)}
    parts: list[str] = []
    for name, table in tables.items():
        _check_same(first, table)
        truths += table.values(label)
        parts += [name] * table.rows
        for column in slices:
            slices[column] += table.values(column)
    slices = {name: values for name, values in slices.items() if len(set(values)) <= MOST_VALUES}
    if len(tables) > 1 and SPLIT not in slices:
        from batch_eval.dataset.sources.arrays import part_of

        kinds = {name: part_of(name) for name in tables}
        if len(set(kinds.values()) - {""}) > 1:
            slices[SPLIT] = [kinds[name] for name in parts]
    names = listing(list(map(printable, tables)))
    return Reading(
        f"{names} (column {printable(label)})",
        truths,
        slice_names=tuple(map(printable, slices)),
        slices=list(zip(*(map(printable, values) for values in slices.values()), strict=True)) if slices else (),
    )


def _label_column(table: _Table, options: LabelOptions) -> str | None:
    """Return the column of labels: of named classes, or with a name for it."""
    names = [str(name) for name in table.schema.names]
    if options.label_column:
        if options.label_column not in names:
            raise DatasetError(
                f"{table.name} has no column {options.label_column!r}. Its columns are: {', '.join(names)}."
            )
        return options.label_column
    # A column of named classes comes before any that is only called so.
    named = [name for name in names if name in _class_names(table.schema)] or [
        name for name in names if name != table.column and LABEL_WORDS & set(words(name))
    ]
    if len(named) > 1:
        raise DatasetError(
            f"{table.name} has several columns that could be the labels: {', '.join(named)}. "
            "Name the right one with --label-column."
        )
    return named[0] if named else None


def _slice_columns(table: _Table, label: str) -> list[str]:
    """Return further columns of text and whole numbers."""
    import pyarrow as pa

    kinds = (pa.types.is_string, pa.types.is_large_string, pa.types.is_integer, pa.types.is_boolean)
    return [
        str(field.name)
        for field in table.schema
        if field.name not in (label, table.column) and any(kind(field.type) for kind in kinds)
    ]


def _check_same(first: _Table, other: _Table) -> None:
    if first.schema.names != other.schema.names:
        raise DatasetError(f"{first.name} and {other.name} have different columns. Give one of them.")
