"""LaTeX of a ranking: the leaderboard as a table with booktabs."""

from __future__ import annotations

from collections.abc import Iterator

from batch_eval.evaluation.ranking import Place, Ranking
from batch_eval.reports.booktabs import booktabs, document_of, interval, share
from batch_eval.reports.context import NO_CONTEXT, ReportContext

TITLE = "LaTeX leaderboard"


def document(ranking: Ranking, context: ReportContext = NO_CONTEXT) -> bytes:  # noqa: ARG001 - same in all formats
    """Return the table."""
    rows = [
        ("Rank", "Model", "Accuracy (%)", "95 % interval", "Macro F1 (%)", "Parameters"),
        *map(_row, ranking.places),
    ]
    caption = (
        f"Models on the same {ranking.places[0].tally.n} images. Models that the images cannot tell apart share a rank "
        "(McNemar's exact test, Holm's correction)."
    )
    return document_of([booktabs("tab:leaderboard", caption, "rlrrrr", rows)])


def _row(place: Place) -> tuple[str, ...]:
    parameters = place.facts.parameters if place.facts else None
    return (
        str(place.rank),
        place.name,
        share(place.tally.share),
        interval(place.tally.interval),
        share(place.macro_f1),
        "--" if parameters is None else f"{parameters:,}",
    )


def files(ranking: Ranking, context: ReportContext = NO_CONTEXT) -> Iterator[tuple[str, bytes]]:
    """Yield ``leaderboard.tex``."""
    yield "leaderboard.tex", document(ranking, context)
