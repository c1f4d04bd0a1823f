"""JSON of a ranking: every model, every pair, and every image that a model misread."""

# History of `format`:
#   1  the first
from __future__ import annotations

import json
import math
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

from batch_eval.evaluation.metrics import Tally
from batch_eval.evaluation.paired import PairedCounts
from batch_eval.evaluation.ranking import Place, Ranking
from batch_eval.reports.context import NO_CONTEXT, ReportContext

TITLE = "JSON leaderboard"
FORMAT = 1
SCHEMA = Path(__file__).with_name("files") / "leaderboard.schema.json"


def document(ranking: Ranking, context: ReportContext = NO_CONTEXT) -> bytes:  # noqa: ARG001 - same in all formats
    """Return every figure."""
    classes, slices = ranking.by_class(), ranking.by_slice()
    content = {
        "format": FORMAT,
        "images": len(ranking.shared.ids),
        "relabelled": ranking.shared.relabelled,
        "notes": ranking.notes,
        "models": [
            _model(ranking, place)
            | {
                "classes": _parts((value, tallies[i]) for value, tallies in classes),
                "slices": {name: _parts((value, tallies[i]) for value, tallies in parts) for name, parts in slices},
            }
            for i, place in enumerate(ranking.places)
        ],
        "failed": [{"name": entry.name, "reason": entry.problem} for entry in ranking.failed],
        "pairs": [_pair(ranking, a, b) for a, b in combinations(range(len(ranking.places)), 2)],
        "hard_images": [_image(ranking, place) for place in ranking.hard],
    }
    entries = [f"{json.dumps(name)}: {_lines(value)}" for name, value in content.items()]
    return ("{\n" + ",\n".join(entries) + "\n}\n").encode("ascii")


def _lines(value: Any) -> str:
    """Return a value as JSON; a list of objects takes one line for each."""
    if not isinstance(value, list):
        return json.dumps(value, allow_nan=False)
    return "[\n" + ",\n".join(json.dumps(item, allow_nan=False) for item in value) + "\n]"


def files(ranking: Ranking, context: ReportContext = NO_CONTEXT) -> Iterator[tuple[str, bytes]]:
    """Yield ``leaderboard.json``."""
    yield "leaderboard.json", document(ranking, context)


def _model(ranking: Ranking, place: Place) -> dict[str, Any]:
    facts = place.facts
    return {
        "rank": place.rank,
        "name": place.name,
        "correct": place.tally.hits,
        "accuracy": place.tally.share,
        "accuracy_low": place.tally.interval[0],
        "accuracy_high": place.tally.interval[1],
        "macro_f1": None if math.isnan(place.macro_f1) else place.macro_f1,
        "model_sha256": place.evaluation.provenance.model_sha256,
        "preprocess": place.evaluation.provenance.preprocess,
        "bytes": facts and facts.size,
        "parameters": facts and facts.parameters,
        "milliseconds": facts and facts.milliseconds,
        "convention": facts and facts.convention,
        "twins": place.twins,
        "notes": ranking.notes_on(place),
    }


def _parts(parts: Any) -> dict[str, dict[str, int]]:
    return {value: _counts(tally) for value, tally in parts}


def _counts(tally: Tally) -> dict[str, int]:
    return {"correct": tally.hits, "n": tally.n}


def _pair(ranking: Ranking, a: int, b: int) -> dict[str, Any]:
    pair = PairedCounts.of(ranking.shared.hits[a], ranking.shared.hits[b])
    return {
        "first": ranking.places[a].name,
        "second": ranking.places[b].name,
        "fixed": pair.fixed,
        "broke": pair.broke,
        "p_value": pair.p_value,
        "p_holm": float(ranking.p_values[a, b]),
    }


def _image(ranking: Ranking, place: int) -> dict[str, Any]:
    return {
        "id": ranking.shared.ids[place],
        "truth": ranking.truths[place],
        "readers": int(ranking.readers[place]),
        "read_as": [ranking.read_as(model, place) for model in range(len(ranking.places))],
    }
