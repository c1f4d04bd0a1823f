"""JSON of predictions: one document with every image's classes and, if wanted, the model's input."""

# History of `format`:
#   1  the first
#   2  adds `adjust`, the numbers set for single steps
#   3  adds `digit_score`, how much each image looks like one digit
from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from batch_eval.engines.reader import Prediction, Predictions
from batch_eval.reports.context import NO_CONTEXT, ReportContext
from batch_eval.wording import printable

TITLE = "JSON predictions"
FORMAT = 3
SCHEMA = Path(__file__).with_name("files") / "predictions.schema.json"


def document(predictions: Predictions, context: ReportContext = NO_CONTEXT) -> bytes:
    """Return the document. With ``context.pixels`` it holds the model's input of each image."""
    classifier, recipe = predictions.reader.classifier, predictions.reader.recipe
    content = {
        "format": FORMAT,
        "model": classifier.name,
        "model_sha256": classifier.sha256,
        "preprocess": recipe.name,
        "skip": list(recipe.skip),
        "adjust": dict(recipe.adjust),
        "images": [_entry(prediction, context.pixels) for prediction in predictions.images],
    }
    return (json.dumps(content, indent=2, allow_nan=False) + "\n").encode("ascii")


def files(predictions: Predictions, context: ReportContext = NO_CONTEXT) -> Iterator[tuple[str, bytes]]:
    """Yield ``predictions.json``."""
    yield "predictions.json", document(predictions, context)


def _entry(prediction: Prediction, pixels: bool) -> dict[str, Any]:
    # Confidences as fractions of 1 with six decimals, as in predictions.csv.
    entry: dict[str, Any] = {
        "image": printable(prediction.name),
        "outcome": prediction.outcome,
        "reason": prediction.reason,
        "guesses": [{"class": name, "confidence": round(share, 6)} for name, share in prediction.guesses],
        "digit_score": None if prediction.score is None else round(prediction.score, 6),
        "flags": list(prediction.flags),
    }
    if pixels:
        entry["seen"] = None if prediction.seen is None else prediction.seen.tolist()
    return entry
