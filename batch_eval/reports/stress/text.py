"""Text of a stress test, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from batch_eval.evaluation.stress import StressTest
from batch_eval.reports.context import NO_CONTEXT, ReportContext
from batch_eval.reports.stress.rendering import render

TITLE = "Text stress test"
SHOWN = 5
"""Images listed that fall first."""


def document(test: StressTest, context: ReportContext = NO_CONTEXT) -> bytes:
    """Return the table of distortions."""
    return render("stress.txt.jinja", test, context, shown=SHOWN)


def files(test: StressTest, context: ReportContext = NO_CONTEXT) -> Iterator[tuple[str, bytes]]:
    """Yield ``stress.txt``."""
    yield "stress.txt", document(test, context)
