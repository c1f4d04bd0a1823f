"""JSON of a stress test: every curve, and what was read in every image."""

# History of `format`:
#   1  the first
from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from batch_eval.evaluation.metrics import Tally
from batch_eval.evaluation.stress import Curve, Point, StressTest
from batch_eval.reports.context import NO_CONTEXT, ReportContext

TITLE = "JSON stress test"
FORMAT = 1
SCHEMA = Path(__file__).with_name("files") / "stress.schema.json"


def document(test: StressTest, context: ReportContext = NO_CONTEXT) -> bytes:
    """Return every figure."""
    origin = test.provenance
    content = {
        "format": FORMAT,
        "suite": test.suite,
        "seed": test.seed,
        "folder": origin.folder,
        "label_source": origin.label_source,
        "model": origin.model,
        "model_sha256": origin.model_sha256,
        "preprocess": origin.preprocess,
        "version": origin.version,
        "notes": origin.notes,
        "labelled": test.images,
        "plain": _figures(test.plain),
        "mean_accuracy": test.mean,
        "gates": [asdict(gate) for gate in context.gates],
        "distortions": [_distortion(curve) for curve in test.ranked],
        "images": [_image(test, place) for place in range(len(test.ids))],
    }
    entries = [f"{json.dumps(name)}: {_lines(value)}" for name, value in content.items()]
    return ("{\n" + ",\n".join(entries) + "\n}\n").encode("ascii")


def _lines(value: Any) -> str:
    """Return a value as JSON; a list of objects takes one line for each."""
    if not isinstance(value, list) or not value:
        return json.dumps(value, allow_nan=False)
    return "[\n" + ",\n".join(json.dumps(item, allow_nan=False) for item in value) + "\n]"


def files(test: StressTest, context: ReportContext = NO_CONTEXT) -> Iterator[tuple[str, bytes]]:
    """Yield ``stress.json``."""
    yield "stress.json", document(test, context)


def _figures(tally: Tally) -> dict[str, Any]:
    low, high = tally.interval
    return {
        "correct": tally.hits,
        "n": tally.n,
        "accuracy": tally.share,
        "accuracy_low": low,
        "accuracy_high": high,
    }


def _distortion(curve: Curve) -> dict[str, Any]:
    one = curve.distortion
    return {
        "name": one.name,
        "title": one.title,
        "meaning": one.meaning,
        "holds_until": curve.holds and curve.holds.setting.level,
        "breaks_at": curve.breaks and curve.breaks.setting.level,
        "levels": [_level(point) for point in curve.points],
    }


def _level(point: Point) -> dict[str, Any]:
    return {
        "level": point.setting.level,
        "text": point.setting.text,
        **_figures(point.tally),
        "fixed": point.pair.fixed,
        "broke": point.pair.broke,
        "p_value": point.pair.p_value,
        "broken": point.broken,
    }


def _image(test: StressTest, place: int) -> dict[str, Any]:
    """Return an image with what was read in it, plain and where it was misread."""
    # only what was misread: of a hundred settings, most read what the label says
    misread = (
        (str(setting), test.read_as(place, column))
        for column, setting in enumerate(test.settings, start=1)
        if not test.hits[place, column]
    )
    return {
        "id": test.ids[place],
        "truth": test.truths[place],
        "plain": test.read_as(place, 0),
        "misread": dict(misread),
    }
