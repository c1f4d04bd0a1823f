"""Parquet: one row per file with all probabilities, for pandas, DuckDB, Polars and Spark."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from io import BytesIO
from typing import Any

from batch_eval.errors import ConfigError
from batch_eval.evaluation import Evaluation
from batch_eval.evaluation.every_row import ROWS_FILE
from batch_eval.installation import install_command
from batch_eval.publishing import Content
from batch_eval.reports.context import NO_CONTEXT, ReportContext
from batch_eval.wording import utf8

TITLE = "Parquet table"
PROBABILITY = "probability_"
"""Prefix of the classes' columns."""


def document(evaluation: Evaluation, context: ReportContext = NO_CONTEXT) -> bytes:  # noqa: ARG001 - holds no gates
    """Return the table. Its metadata `batch_eval` holds the provenance as JSON.

    Raises ConfigError where pyarrow is not installed.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise ConfigError(
            f"the format parquet needs pyarrow ({error}). Install it with: {install_command('parquet')}"
        ) from error
    arrays = {_text(name): pa.array(_cells(values)) for name, values in evaluation.columns().items()}
    # A column without any value gets the type null, which many readers refuse.
    arrays = {name: a.cast(pa.string()) if pa.types.is_null(a.type) else a for name, a in arrays.items()}
    # A column for each class, not a list in one column: SQL can filter and average it.
    for i, name in enumerate(evaluation.class_names):
        arrays[PROBABILITY + _text(name)] = pa.array(evaluation.records.probabilities[:, i])
    # Provenance in the file's own metadata stays with the table when the file is copied elsewhere.
    table = pa.table(arrays).replace_schema_metadata({"batch_eval": json.dumps(asdict(evaluation.provenance))})
    buffer = BytesIO()
    pq.write_table(table, buffer, compression="zstd")
    return buffer.getvalue()


def files(evaluation: Evaluation, context: ReportContext = NO_CONTEXT) -> Iterator[tuple[str, Content]]:
    """Yield ``predictions.parquet``. That of a large set comes in pieces."""
    rows = evaluation.every_row
    yield ROWS_FILE, document(evaluation, context) if rows is None else rows.pieces()


def _cells(values: list[Any]) -> list[Any]:
    return [_text(value) if isinstance(value, str) else value for value in values]


def _text(text: str) -> str:
    """Return the text with lone surrogates escaped. Parquet holds UTF-8, which has no form for them."""
    return utf8(text).decode("utf-8")
