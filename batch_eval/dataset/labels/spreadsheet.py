"""Excel files as tables, by openpyxl, which the extra ``excel`` installs."""

from __future__ import annotations

import io
import re
import warnings
import zipfile
from collections.abc import Iterator
from typing import Any

from batch_eval.dataset.labels.tables import Record, Table, check_width, without_title
from batch_eval.errors import DatasetError
from batch_eval.installation import missing

_CELL = re.compile(rb"<(?:\w+:)?c[\s/>]")
_ROW = re.compile(rb"<(?:\w+:)?row[\s/>]")
_CELLS = 4_000_000
"""Cells of a spreadsheet, empty ones too. A million rows of names and labels need half."""
_CELLS_OF_A_ROW = 16_384
"""Columns of Excel. A row is held in memory, and one of 20 million cells fits into 600 kB."""
_PIECE = 1 << 20
"""Bytes that are counted at a time."""
_LARGEST = 512 << 20
"""Bytes that a spreadsheet may unpack to. A million rows need less."""


def tables(raw: bytes, name: str) -> Iterator[Table]:
    """Yield each sheet that has rows. Raises DatasetError for a file that is no spreadsheet or too large."""
    try:
        import openpyxl
    except ImportError as error:
        raise DatasetError(
            f"{name} is an Excel file. {missing('openpyxl', 'excel')}, or save the file as CSV (UTF-8)."
        ) from error
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            # The directory of the file tells, before anything is unpacked.
            size = sum(member.file_size for member in archive.infolist())
            if size > _LARGEST:
                raise DatasetError(
                    f"{name} unpacks to {size:,} bytes, more than a label file has. Save it as CSV (UTF-8)."
                )
            _check_cells(archive, name)
        with warnings.catch_warnings(action="ignore"):  # about styles and extensions, which are not read
            book = openpyxl.load_workbook(io.BytesIO(raw), read_only=True, data_only=True)
            sheets = [(sheet.title, list(_rows(sheet))) for sheet in book.worksheets]
    except DatasetError:
        raise
    except Exception as error:
        raise DatasetError(f"{name} cannot be read as an Excel file: {error}. Save it as CSV (UTF-8).") from error
    for title, found in sheets:
        rows = without_title(found)
        if rows:
            where = f"{name}, sheet {title}" if len(sheets) > 1 else name
            # The first row gives the width, without empty cells at its end. Shorter rows are filled up.
            width = rows[0][1]
            while len(width) > 1 and not width[-1]:
                width.pop()
            checked = [(row, check_width(where, row, [*cells, *[""] * len(width)], width)) for row, cells in rows]
            yield Table(where, None, checked, entry="row")


def _check_cells(archive: zipfile.ZipFile, name: str) -> None:
    """Raise DatasetError for more cells than a label file has, before any of them is held."""
    cells = 0
    for member in archive.infolist():
        of_row = 0
        with archive.open(member) as sheet:
            while piece := sheet.read(_PIECE):
                first, *others = _ROW.split(piece)
                counts = [of_row + len(_CELL.findall(first)), *(len(_CELL.findall(row)) for row in others)]
                cells += sum(counts) - of_row
                of_row = counts[-1]
                if cells > _CELLS or max(counts) > _CELLS_OF_A_ROW:
                    raise DatasetError(
                        f"{name} has more than {_CELLS:,} cells, or a row of more than {_CELLS_OF_A_ROW:,}. Keep the "
                        "columns of names and labels, and save it as CSV (UTF-8)."
                    )


def _rows(sheet: Any) -> Iterator[Record]:
    """Yield the rows of a sheet that are not blank."""
    sheet.reset_dimensions()  # which other programs write wrongly
    for row, values in enumerate(sheet.iter_rows(values_only=True), 1):
        cells = ["" if value is None else str(value).strip() for value in values]
        if any(cells):
            yield row, cells
