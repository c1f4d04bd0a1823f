"""The formats, and the module of each. A new format is one module and one line here."""

# `batch-eval --help` lists the formats. So this module imports nothing heavy: no numpy, no format's own module.
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
    """What a report is about. The value is its name in messages."""

    RUN = "report"
    COMPARISON = "comparison"
    RANKING = "ranking"
    STRESS = "stress test"
    PREDICTION = "prediction"
    INSPECTION = "inspection"


class Reporter(Protocol):
    """A format: a module with two pure functions.

    The subject is an Evaluation, a Comparison, a Ranking, a StressTest, Predictions or a ModelView. The functions
    return content and never touch the disk. So a failing format leaves no half-written file.
    """

    TITLE: str
    """Name of the format in "Wrote … to …"."""

    def document(self, subject: Any, context: ReportContext = NO_CONTEXT, /) -> Content:
        """Return the report as one document, for stdout or a single file."""

    def files(self, subject: Any, context: ReportContext = NO_CONTEXT, /) -> Iterator[tuple[str, Content]]:
        """Yield each file: its path relative to the report folder, and its content. Only the top level is announced."""


FORMATS: Mapping[str, Mapping[Kind, str]] = {
    "text": {
        Kind.RUN: "text",
        Kind.COMPARISON: "comparison.text",
        Kind.RANKING: "ranking.text",
        Kind.STRESS: "stress.text",
        Kind.PREDICTION: "predictions.text",
        Kind.INSPECTION: "inspection.text",
    },
    "csv": {
        Kind.RUN: "csv_tables",
        Kind.RANKING: "ranking.csv_table",
        Kind.STRESS: "stress.csv_table",
        Kind.PREDICTION: "predictions.csv_table",
    },
    "json": {
        Kind.RUN: "json_files",
        Kind.COMPARISON: "comparison.json_file",
        Kind.RANKING: "ranking.json_file",
        Kind.STRESS: "stress.json_file",
        Kind.PREDICTION: "predictions.json_file",
        Kind.INSPECTION: "inspection.json_file",
    },
    "html": {
        Kind.RUN: "html",
        Kind.COMPARISON: "comparison.html",
        Kind.RANKING: "ranking.html",
        Kind.STRESS: "stress.html",
        Kind.INSPECTION: "inspection.html",
    },
    "markdown": {
        Kind.RUN: "markdown",
        Kind.COMPARISON: "comparison.markdown",
        Kind.RANKING: "ranking.markdown",
        Kind.STRESS: "stress.markdown",
    },
    "latex": {Kind.RUN: "latex", Kind.COMPARISON: "comparison.latex", Kind.RANKING: "ranking.latex"},
    "xlsx": {Kind.RUN: "xlsx"},
    "junit": {Kind.RUN: "junit"},
    "github": {Kind.RUN: "github"},
    "sarif": {Kind.RUN: "sarif"},
    "parquet": {Kind.RUN: "parquet"},
    "plots": {Kind.RUN: "plots", Kind.INSPECTION: "inspection.plots"},
}
"""Format name to its module in `batch_eval.reports`, by kind of report."""

DEFAULT_FORMATS = ("json", "csv", "html")
"""Formats of a run by default. JSON first: it needs the most memory, which later formats reuse."""


def format_names(kind: Kind) -> tuple[str, ...]:
    """Return the names of a kind's formats."""
    return tuple(name for name, modules in FORMATS.items() if kind in modules)


def reporter(name: str, kind: Kind = Kind.RUN) -> Reporter:
    """Import and return the module of a format. Raises ConfigError for an unknown name."""
    module = FORMATS.get(name, {}).get(kind)
    if module is None:
        raise ConfigError(f"unknown {kind} format {name!r}. Must be one of {', '.join(format_names(kind))}.")
    # Only the module asked for is imported: matplotlib and pyarrow may be missing, and Rich takes time.
    return cast(Reporter, import_module(f"batch_eval.reports.{module}"))
