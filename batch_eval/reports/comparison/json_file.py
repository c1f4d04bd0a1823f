"""JSON of a comparison: every figure, and every image that changed."""

# History of `format`:
#   1  the first
from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from batch_eval.evaluation.paired import Change, Comparison, Subgroup
from batch_eval.reports.context import NO_CONTEXT, ReportContext

TITLE = "JSON comparison"
FORMAT = 1
SCHEMA = Path(__file__).with_name("files") / "comparison.schema.json"


def document(comparison: Comparison, context: ReportContext = NO_CONTEXT) -> bytes:  # noqa: ARG001 - same in all formats
    """Return every figure, and every image that changed."""
    content = {
        "format": FORMAT,
        "images": comparison.images,
        "relabelled": comparison.relabelled,
        "models": [_model(comparison, i) for i in range(len(comparison.names))],
        "pairs": [_pair(comparison, i) for i in range(1, len(comparison.names))],
    }
    return (json.dumps(content, indent=2, allow_nan=False) + "\n").encode("ascii")


def files(comparison: Comparison, context: ReportContext = NO_CONTEXT) -> Iterator[tuple[str, bytes]]:
    """Yield ``comparison.json``."""
    yield "comparison.json", document(comparison, context)


def _model(comparison: Comparison, i: int) -> dict[str, Any]:
    tally, evaluation = comparison.tallies[i], comparison.evaluations[i]
    return {
        "name": comparison.names[i],
        "model_sha256": evaluation.provenance.model_sha256,
        "preprocess": evaluation.provenance.preprocess,
        "scored": evaluation.scored,
        "accuracy": evaluation.accuracy,
        "shared_correct": tally.hits,
        "shared_accuracy": tally.share,
        "shared_accuracy_low": tally.interval[0],
        "shared_accuracy_high": tally.interval[1],
    }


def _pair(comparison: Comparison, i: int) -> dict[str, Any]:
    pair = comparison.pair(i)
    return {
        "first": comparison.names[0],
        "second": comparison.names[i],
        "fixed": pair.fixed,
        "broke": pair.broke,
        "difference": pair.difference,
        "difference_low": pair.interval[0],
        "difference_high": pair.interval[1],
        "p_value": pair.p_value,
        "parts": [_subgroup(subgroup) for subgroup in comparison.subgroups(i)],
        "fixed_images": [_change(change) for change in comparison.fixed(i)],
        "broke_images": [_change(change) for change in comparison.broke(i)],
    }


def _subgroup(subgroup: Subgroup) -> dict[str, Any]:
    pair = subgroup.pair
    return {
        "group": subgroup.group,
        "value": subgroup.value,
        "n": pair.n,
        "first_correct": pair.first.hits,
        "second_correct": pair.second.hits,
        "fixed": pair.fixed,
        "broke": pair.broke,
        "difference_low": pair.interval[0],
        "difference_high": pair.interval[1],
    }


def _change(change: Change) -> dict[str, str | None]:
    return {"id": change.id, "truth": change.truth, "first": change.first, "second": change.second}
