"""Markdown of a ranking: the leaderboard, for a pull request."""

from __future__ import annotations

from collections.abc import Iterator

from batch_eval.evaluation.ranking import Ranking
from batch_eval.reports.context import NO_CONTEXT, ReportContext
from batch_eval.reports.ranking.rendering import render

TITLE = "Markdown leaderboard"
SHOWN = 20
"""Images listed that no model read."""


def document(ranking: Ranking, context: ReportContext = NO_CONTEXT) -> bytes:  # noqa: ARG001 - same in all formats
    """Return the leaderboard."""
    return render("leaderboard.md.jinja", ranking, shown=SHOWN)


def files(ranking: Ranking, context: ReportContext = NO_CONTEXT) -> Iterator[tuple[str, bytes]]:
    """Yield ``leaderboard.md``."""
    yield "leaderboard.md", document(ranking, context)
