"""Excel: summary, predictions, errors, classes, confusion matrix and outputs as the sheets of one workbook."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping
from datetime import datetime
from io import BytesIO
from typing import Any

import numpy as np

from batch_eval.errors import ConfigError
from batch_eval.evaluation import Evaluation
from batch_eval.evaluation.confusions import errors
from batch_eval.installation import install_command
from batch_eval.reports.context import NO_CONTEXT, ReportContext
from batch_eval.reports.csv_tables import confusion_columns, evaluation_columns, output_columns, per_class_columns
from batch_eval.wording import printable

TITLE = "Excel workbook"
MAX_ROWS = 1_048_575
"""Rows below the header that a sheet holds, a limit of Excel."""
MAX_CHARACTERS = 32_767
"""Characters of a cell, a limit of Excel."""
_ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)


def document(evaluation: Evaluation, context: ReportContext = NO_CONTEXT) -> bytes:  # noqa: ARG001 - same in all formats
    """Return the workbook. Raises ConfigError where openpyxl is not installed."""
    try:
        from openpyxl import Workbook
        from openpyxl.writer.excel import ExcelWriter
    except ImportError as error:
        raise ConfigError(
            f"the format xlsx needs openpyxl ({error}). Install it with: {install_command('excel')}"
        ) from error
    book = Workbook(write_only=True)
    for title, columns in _sheets(evaluation).items():
        _fill(book.create_sheet(title), columns)
    book.properties.created = book.properties.modified = _moment(evaluation.provenance.created)
    buffer = BytesIO()
    # Workbook.save would write the time of now
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        ExcelWriter(book, archive).save()
    return _undated(buffer)


def files(evaluation: Evaluation, context: ReportContext = NO_CONTEXT) -> Iterator[tuple[str, bytes]]:
    """Yield ``report.xlsx``."""
    yield "report.xlsx", document(evaluation, context)


def _moment(text: str) -> datetime:
    """Return the time of an evaluation.

    Where a saved one states no time, it is the earliest of an archive.
    """
    try:
        return datetime.fromisoformat(text).replace(tzinfo=None)
    except ValueError:
        return datetime(*_ZIP_EPOCH)


def _sheets(evaluation: Evaluation) -> dict[str, dict[str, list[Any]]]:
    """Return the columns of each sheet by its title."""
    every = np.arange(len(evaluation.records))
    return {
        "Summary": _summary(evaluation),
        "Predictions": evaluation_columns(evaluation, every),
        "Misclassified": evaluation_columns(evaluation, errors(evaluation)),
        "Classes": per_class_columns(evaluation),
        "Confusion matrix": confusion_columns(evaluation),
        "Outputs": output_columns(evaluation, every),
    }


def _summary(evaluation: Evaluation) -> dict[str, list[Any]]:
    p = evaluation.provenance
    low, high = evaluation.accuracy_interval
    figures: dict[str, Any] = {
        "images": p.folder,
        "labels": p.label_source,
        "model": p.model,
        "preprocessing": p.preprocess,
        "created": p.created,
        "accuracy": evaluation.accuracy,
        "accuracy, 95 % interval, low": low,
        "accuracy, 95 % interval, high": high,
        "macro F1": evaluation.macro_f1,
        **{f"files, {outcome.value.replace('_', ' ')}": n for outcome, n in evaluation.counts.items()},
    }
    if (left_out := len(evaluation.records) - MAX_ROWS) > 0:
        figures["rows left out, as a sheet holds no more"] = left_out
    return {"figure": list(figures), "value": list(figures.values())}


def _fill(sheet: Any, columns: Mapping[str, list[Any]]) -> None:
    """Write a header and the rows below it. The header stays in view."""
    from openpyxl.cell import WriteOnlyCell

    def cell(value: Any) -> Any:
        if not isinstance(value, str):
            # NaN is no number to Excel
            return None if value != value else value  # noqa: PLR0124
        # as text whatever it begins with: "=1+1" would be a formula
        found = WriteOnlyCell(sheet, printable(value)[:MAX_CHARACTERS])
        found.data_type = "s"
        return found

    sheet.freeze_panes = "A2"
    sheet.append([cell(name) for name in columns])
    for number, row in enumerate(zip(*columns.values(), strict=True)):
        # The summary counts the rows that are left out.
        if number == MAX_ROWS:
            break
        sheet.append([cell(value) for value in row])


def _undated(buffer: BytesIO) -> bytes:
    """Return the archive without the times of its files.

    So the same evaluation gives the same bytes.
    """
    packed = BytesIO()
    with zipfile.ZipFile(buffer) as old, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(zipfile.ZipInfo(name, _ZIP_EPOCH), old.read(name), zipfile.ZIP_DEFLATED)
    return packed.getvalue()
