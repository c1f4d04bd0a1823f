"""CSV of a ranking: one row for each model."""

from __future__ import annotations

from collections.abc import Iterator

from batch_eval.evaluation.ranking import Ranking
from batch_eval.reports.context import NO_CONTEXT, ReportContext
from batch_eval.reports.csv_tables import table
from batch_eval.reports.ranking.table import leaderboard

TITLE = "CSV leaderboard"


def document(ranking: Ranking, context: ReportContext = NO_CONTEXT) -> bytes:  # noqa: ARG001 - same in all formats
    """Return the table."""
    return table(leaderboard(ranking))


def files(ranking: Ranking, context: ReportContext = NO_CONTEXT) -> Iterator[tuple[str, bytes]]:
    """Yield ``leaderboard.csv``."""
    yield "leaderboard.csv", document(ranking, context)
