"""Parquet: one row per file with all probabilities, for pandas, DuckDB, Polars and Spark."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from batch_eval.arrow import pyarrow
from batch_eval.evaluation import Evaluation
from batch_eval.evaluation.every_row import GROUP_ROWS, ROWS_FILE, written
from batch_eval.evaluation.saved import stored_provenance
from batch_eval.publishing import Content, whole
from batch_eval.reports.context import NO_CONTEXT, ReportContext
from batch_eval.wording import utf8

TITLE = "Parquet table"
PROBABILITY = "probability_"
"""Prefix of the classes' columns."""


def document(evaluation: Evaluation, context: ReportContext = NO_CONTEXT) -> bytes:  # noqa: ARG001 - holds no gates
    """Return the table. Its metadata `batch_eval` holds the provenance as JSON.

    Raises ConfigError where pyarrow is not installed.
    """
    return whole(_pieces(evaluation))


def files(evaluation: Evaluation, context: ReportContext = NO_CONTEXT) -> Iterator[tuple[str, Content]]:  # noqa: ARG001
    """Yield ``predictions.parquet``, in pieces."""
    yield ROWS_FILE, _pieces(evaluation)


def _pieces(evaluation: Evaluation) -> Iterator[bytes]:
    if evaluation.every_row is not None:
        return evaluation.every_row.pieces()
    pa = pyarrow("the format parquet")
    # Provenance in the file's own metadata stays with the table when the file is copied elsewhere.
    return written(_tables(evaluation, pa), stored_provenance(evaluation.provenance))


def _tables(evaluation: Evaluation, pa: Any) -> Iterator[Any]:
    """Yield tables of some rows, at least one."""
    count = len(evaluation.records)
    # without any score, a slice may have the name of that column
    numbers = {"confidence", "margin"} if evaluation.records.scores is None else {"confidence", "margin", "digit_score"}
    for start in range(0, max(1, count), GROUP_ROWS):
        rows = np.arange(start, min(start + GROUP_ROWS, count))
        columns = evaluation.columns(rows).items()
        arrays = {_text(name): _array(pa, values, number=name in numbers) for name, values in columns}
        # A column for each class, not a list in one column: SQL can filter and average it.
        for i, name in enumerate(evaluation.class_names):
            arrays[PROBABILITY + _text(name)] = pa.array(evaluation.records.probabilities[rows, i])
        yield pa.table(arrays)


def _array(pa: Any, values: list[Any], *, number: bool) -> Any:
    # the type is given: that of a column without any value would be null, which many readers refuse
    if number:
        return pa.array(values, pa.float64())
    if values and isinstance(values[0], bool):
        return pa.array(values, pa.bool_())
    return pa.array([_text(value) if isinstance(value, str) else value for value in values], pa.string())


def _text(text: str) -> str:
    """Return the text with lone surrogates escaped. Parquet holds UTF-8, which has no form for them."""
    return utf8(text).decode("utf-8")
