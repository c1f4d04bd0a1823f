"""The leaderboard as columns, for every format that is a table."""

from __future__ import annotations

from typing import Any

from batch_eval.evaluation.ranking import Ranking
from batch_eval.wording import printable


def leaderboard(ranking: Ranking) -> dict[str, list[Any]]:
    """Return one row for each model, by column.

    Models that could not be evaluated come last, with the reason.
    """
    places, failed = ranking.places, ranking.failed
    # A model that failed has a name and a reason, and no figures.
    gap = [None] * len(failed)
    return {
        "rank": [place.rank for place in places] + gap,
        "model": [place.name for place in places] + [entry.name for entry in failed],
        "correct": [place.tally.hits for place in places] + gap,
        "images": [place.tally.n for place in places] + gap,
        "accuracy": [round(place.tally.share, 6) for place in places] + gap,
        "accuracy_low": [round(place.tally.interval[0], 6) for place in places] + gap,
        "accuracy_high": [round(place.tally.interval[1], 6) for place in places] + gap,
        "macro_f1": [round(place.macro_f1, 6) for place in places] + gap,
        "bytes": [place.facts and place.facts.size for place in places] + gap,
        "parameters": [place.facts and place.facts.parameters for place in places] + gap,
        "milliseconds": [place.facts and _rounded(place.facts.milliseconds) for place in places] + gap,
        "convention": [place.facts and place.facts.convention for place in places] + gap,
        "notes": [" ".join(ranking.notes_on(place)) for place in places] + [printable(e.problem) for e in failed],
    }


def _rounded(milliseconds: float | None) -> float | None:
    return None if milliseconds is None else round(milliseconds, 4)
