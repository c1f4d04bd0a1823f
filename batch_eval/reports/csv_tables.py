"""CSV: every file, the errors, the classes and the confusion matrix as tables for spreadsheets and pandas.

UTF-8, quoted as in RFC 4180. Unprintable characters are escaped, as people look at CSV in
terminals. A text that a spreadsheet would run as a formula gets a leading apostrophe. Numbers stay numbers.
Excel takes UTF-8 for its own code page unless a byte order mark (BOM) begins the file. Pandas skips the mark.
Source: OWASP, CSV Injection, https://owasp.org/www-community/attacks/CSV_Injection
"""

from __future__ import annotations

import codecs
import csv
import io
import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from batch_eval.evaluation import Evaluation, metrics
from batch_eval.evaluation.confusions import errors, predicted_columns
from batch_eval.publishing import Content, whole
from batch_eval.reports.context import NO_CONTEXT, ReportContext
from batch_eval.wording import printable, utf8

TITLE = "CSV table"
Columns = dict[str, list[Any]]
"""Values by the name of their column."""
ROWS = 10_000
"""Rows formatted at a time. It limits the memory of a large table."""
_FORMULA_STARTS = frozenset("=+-@\t\r\n＝＋－＠")
"""First characters that make a cell a formula. Spreadsheets take the full-width forms too."""
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?(e[+-]?\d+)?", re.IGNORECASE | re.ASCII)


def document(evaluation: Evaluation, context: ReportContext = NO_CONTEXT) -> bytes:
    """Return ``predictions.csv``."""
    return whole(_marked(_every_image(evaluation, evaluation_columns), context))


def files(evaluation: Evaluation, context: ReportContext = NO_CONTEXT) -> Iterator[tuple[str, Content]]:
    """Yield the five tables. The context tells whether they start with a byte order mark.

    Of a large set, the two tables with every row are left out, and the errors are a sample.
    """
    large = evaluation.sums is not None
    tables = {
        **({} if large else {"predictions": _every_image(evaluation, evaluation_columns)}),
        "misclassified": _pieces(evaluation_columns(evaluation, errors(evaluation))),
        "per_class": _pieces(per_class_columns(evaluation)),
        "confusion_matrix": _pieces(confusion_columns(evaluation)),
        **({} if large else {"outputs": _every_image(evaluation, output_columns)}),
    }
    for name, content in tables.items():
        yield f"{name}.csv", _marked(content, context)


def _every_image(evaluation: Evaluation, columns: Callable[[Evaluation, NDArray[np.intp]], Columns]) -> Iterator[bytes]:
    """Yield a table with a row for each image, in pieces of ``ROWS`` rows."""
    every = np.arange(len(evaluation.records))
    yield from _pieces(columns(evaluation, every[:ROWS]))
    for start in range(ROWS, len(every), ROWS):
        yield from _lines(_rows(columns(evaluation, every[start : start + ROWS])))


def _marked(pieces: Iterator[bytes], context: ReportContext) -> Iterator[bytes]:
    """Yield the byte order mark, where it is wanted, before a table."""
    return chain([codecs.BOM_UTF8], pieces) if context.csv_bom else pieces


def output_columns(evaluation: Evaluation, rows: NDArray[np.intp]) -> Columns:
    """Return the labels of some images and the outputs of the model for each class, to two decimals."""
    r = evaluation.records
    # Rounded as float64: Python writes the float32 0.07 as 0.07000000029802322.
    outputs = np.round(r.probabilities[rows].astype(np.float64), 2).T.tolist()
    read = r.has_prediction[rows].tolist()
    names = [f"output_{name}" for name in evaluation.class_names]
    shown = ([value if one else None for value, one in zip(values, read, strict=True)] for values in outputs)
    return {"id": r.ids[rows], "truth": r.truth[rows], **dict(zip(names, shown, strict=True))}


def evaluation_columns(evaluation: Evaluation, rows: NDArray[np.intp]) -> Columns:
    """Return some rows of the per-sample table, with confidence and margin rounded to six decimals."""
    columns = evaluation.columns(rows)
    for name in ("confidence", "margin"):
        columns[name] = np.round(np.array(columns[name], dtype=np.float64), 6).tolist()
    return columns


def per_class_columns(evaluation: Evaluation) -> Columns:
    """Return the counts and scores of each class, rounded to six decimals.

    They are support, correct, precision, recall with its interval, and F1.
    """
    scores = evaluation.per_class
    correct = [int(n) for n in evaluation.confusion.diagonal()]
    recall = [metrics.wilson_interval(hit, s.support) for hit, s in zip(correct, scores, strict=True)]
    return {
        "class": list(evaluation.class_names),
        "support": [s.support for s in scores],
        "correct": correct,
        "precision": _defined(s.precision for s in scores),
        "recall": _defined(s.recall for s in scores),
        "recall_low": _defined(low for low, _ in recall),
        "recall_high": _defined(high for _, high in recall),
        "f1": _defined(s.f1 for s in scores),
    }


def _defined(shares: Iterable[float]) -> list[float | None]:
    return [None if math.isnan(share) else round(share, 6) for share in shares]


def confusion_columns(evaluation: Evaluation) -> Columns:
    """Return the counts of the confusion matrix: a row for each label, a column for what was read."""
    columns = predicted_columns(evaluation)
    counts = evaluation.confusion.T.tolist()
    return {"truth \\ predicted": list(evaluation.class_names), **dict(zip(columns, counts, strict=True))}


def table(columns: Columns) -> bytes:
    """Return columns of equal length as CSV with a header."""
    return whole(_pieces(columns))


def _pieces(columns: Columns) -> Iterator[bytes]:
    """Yield a table with its header in pieces of ``ROWS`` rows."""
    return _lines(chain([_safe(list(columns))], _rows(columns)))


def _rows(columns: Columns) -> Iterator[Sequence[Any]]:
    return zip(*map(_safe, columns.values()), strict=True)


def _lines(rows: Iterable[Sequence[Any]]) -> Iterator[bytes]:
    rows = iter(rows)
    while some := list(islice(rows, ROWS)):
        text = io.StringIO(newline="")
        # The default line end is CRLF, as in RFC 4180. With another, Python before 3.13 leaves a lone CR unquoted.
        csv.writer(text).writerows(some)
        yield utf8(text.getvalue())


def _safe(cells: Sequence[Any]) -> Sequence[Any]:
    """Return the column printable, with an apostrophe before each text that a spreadsheet would run as a formula."""
    # File names are data from strangers: "=HYPERLINK(…).png" would become a live link on opening. Few cells are risky,
    # so each distinct one is rewritten once.
    risky = {
        cell: _quoted(printable(cell))
        for cell in cells
        if isinstance(cell, str) and (cell[:1] in _FORMULA_STARTS or not cell.isprintable())
    }
    return [risky.get(cell, cell) for cell in cells] if risky else cells


def _quoted(cell: str) -> str:
    # A text such as "-1" is harmless, and as a class name it must still match the label.
    return cell if cell[:1] not in _FORMULA_STARTS or _NUMBER.fullmatch(cell) else f"'{cell}"
