"""Markdown of a comparison: the tables, for a pull request."""

from __future__ import annotations

from collections.abc import Iterator

from batch_eval.evaluation.paired import Comparison
from batch_eval.reports.comparison.rendering import render
from batch_eval.reports.context import NO_CONTEXT, ReportContext

TITLE = "Markdown comparison"
SHOWN = 50
"""Images listed under Fixed and under Broke."""


def document(comparison: Comparison, context: ReportContext = NO_CONTEXT) -> bytes:  # noqa: ARG001 - same in all formats
    """Return the tables."""
    return render("comparison.md.jinja", comparison, SHOWN)


def files(comparison: Comparison, context: ReportContext = NO_CONTEXT) -> Iterator[tuple[str, bytes]]:
    """Yield ``comparison.md``."""
    yield "comparison.md", document(comparison, context)
