"""JSON: ``metrics.json``, flat numbers for DVC, MLflow and W&B, and ``evaluation.json``, everything.

JSON has no NaN. An undefined figure, such as the accuracy of no images, is absent from ``metrics.json``.
"""

# History of metrics.json's `format`:
#   1  the first
#   2  `coverage`, `sets_of_one` and `mean_set_size`, of conformal sets; later `explained` and `repaired…`
from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path

from batch_eval.evaluation import Evaluation
from batch_eval.evaluation.breakdown import calibration_error
from batch_eval.evaluation.conformal import set_figures
from batch_eval.evaluation.explanations import KINDS
from batch_eval.evaluation.saved import saved_pieces
from batch_eval.publishing import EVALUATION_FILE, Content
from batch_eval.reports import parquet
from batch_eval.reports.context import NO_CONTEXT, ReportContext

TITLE = "JSON file"
METRICS_FORMAT = 2
METRICS_SCHEMA = Path(__file__).with_name("schemas") / "metrics.schema.json"


def document(evaluation: Evaluation, context: ReportContext = NO_CONTEXT) -> bytes:  # noqa: ARG001 - same in all formats
    """Return ``metrics.json``."""
    # allow_nan=False: a NaN that slips through fails here, rather than in the program that reads the file.
    return (json.dumps(flat_metrics(evaluation), indent=2, allow_nan=False) + "\n").encode("ascii")


def files(evaluation: Evaluation, context: ReportContext = NO_CONTEXT) -> Iterator[tuple[str, Content]]:  # noqa: ARG001
    """Yield ``metrics.json`` and ``evaluation.json``. The rows of a large set follow as ``predictions.parquet``."""
    yield "metrics.json", document(evaluation)
    yield EVALUATION_FILE, saved_pieces(evaluation)
    if evaluation.sums is not None:
        yield from parquet.files(evaluation)


def flat_metrics(evaluation: Evaluation) -> dict[str, float]:
    """Return every overall figure by name, without the undefined ones."""
    # Flat numbers, as these tools plot a number by its name and ignore or reject nested values.
    low, high = evaluation.accuracy_interval
    figures: dict[str, float] = {
        "format": METRICS_FORMAT,
        "files": evaluation.files,
        **{outcome.value: count for outcome, count in evaluation.counts.items()},
        "scored": evaluation.scored,
        "errors": evaluation.error_count,
        "accuracy": evaluation.accuracy,
        "accuracy_low": low,
        "accuracy_high": high,
        "macro_f1": evaluation.macro_f1,
        "ece": calibration_error(evaluation),
    }
    if evaluation.calibration:
        found = set_figures(evaluation, evaluation.calibration)
        figures |= {"coverage": found.coverage, "sets_of_one": found.singles, "mean_set_size": found.mean_size}
    if evaluation.explanations:
        figures |= _explained(evaluation)
    return {name: value for name, value in figures.items() if not math.isnan(value)}


def _explained(evaluation: Evaluation) -> dict[str, float]:
    """Return how many errors were explained, and how many go away with each kind of change."""
    kinds = [one.kinds for one in evaluation.explanations]
    by_kind = {f"repaired_by_{kind.replace(' ', '_')}": sum(kind in one for one in kinds) for kind in KINDS}
    return {"explained": len(kinds), "repaired": sum(map(bool, kinds)), **by_kind}
