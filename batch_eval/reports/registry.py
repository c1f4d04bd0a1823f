"""The formats, and the module that writes each. A new format is one module and one line here.

Light on purpose: `batch-eval --help` lists the formats, and must not import numpy for that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol, cast

from batch_eval.errors import ConfigError
from batch_eval.reports.context import NO_CONTEXT, ReportContext

if TYPE_CHECKING:
    from batch_eval.publishing import Content


class Kind(StrEnum):
    """What a report is about; its value is the word in messages."""

    RUN = "report"
    COMPARISON = "comparison"
    PREDICTION = "prediction"


class Reporter(Protocol):
    """A format: a module with two pure functions. Neither touches the disk, so neither can leave half a file.

    The subject is an Evaluation, a Comparison or Predictions.
    """

    TITLE: str
    """The format's name in "Wrote … to …"."""

    def document(self, subject: Any, context: ReportContext = NO_CONTEXT, /) -> Content:
        """Return the report as one document, for stdout or a single file."""

    def files(self, subject: Any, context: ReportContext = NO_CONTEXT, /) -> Iterator[tuple[str, Content]]:
        """Yield (path relative to the report folder, content) of each file; those on the top level are announced."""


FORMATS: Mapping[str, Mapping[Kind, str]] = {
    "text": {Kind.RUN: "text", Kind.COMPARISON: "comparison.text", Kind.PREDICTION: "predictions.text"},
    "csv": {Kind.RUN: "csv_tables", Kind.PREDICTION: "predictions.csv_table"},
    "json": {Kind.RUN: "json_files", Kind.COMPARISON: "comparison.json_file", Kind.PREDICTION: "predictions.json_file"},
    "html": {Kind.RUN: "html", Kind.COMPARISON: "comparison.html"},
    "markdown": {Kind.RUN: "markdown", Kind.COMPARISON: "comparison.markdown"},
    "junit": {Kind.RUN: "junit"},
    "github": {Kind.RUN: "github"},
    "sarif": {Kind.RUN: "sarif"},
    "parquet": {Kind.RUN: "parquet"},
    "plots": {Kind.RUN: "plots"},
}
"""Format name to its module in `batch_eval.reports`, for each kind of report that has it."""

DEFAULT_FORMATS = ("json", "csv", "html")
"""What a run writes unless told; JSON first, as it takes the most memory and frees it for the others."""


def format_names(kind: Kind) -> tuple[str, ...]:
    """Return the names of the formats that a kind of report has."""
    return tuple(name for name, modules in FORMATS.items() if kind in modules)


def reporter(name: str, kind: Kind = Kind.RUN) -> Reporter:
    """Import the module of a format; raises ConfigError for an unknown name."""
    module = FORMATS.get(name, {}).get(kind)
    if module is None:
        raise ConfigError(f"unknown {kind} format {name!r}. Must be one of {', '.join(format_names(kind))}.")
    return cast(Reporter, import_module(f"batch_eval.reports.{module}"))
