"""CSV of a stress test: one row for each level of each distortion."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from typing import Any

from batch_eval.evaluation.stress import StressTest
from batch_eval.reports.context import NO_CONTEXT, ReportContext
from batch_eval.reports.csv_tables import table

TITLE = "CSV stress test"


def document(test: StressTest, context: ReportContext = NO_CONTEXT) -> bytes:
    """Return the table. The context tells whether it starts with a byte order mark."""
    return (codecs.BOM_UTF8 if context.csv_bom else b"") + table(columns(test))


def columns(test: StressTest) -> dict[str, list[Any]]:
    """Return one row for each level, by column."""
    points = [point for curve in test.curves for point in curve.points]
    return {
        "distortion": [point.setting.distortion.name for point in points],
        "level": [point.setting.level for point in points],
        "meaning": [f"{point.setting.distortion.meaning} {point.setting.text}" for point in points],
        "correct": [point.tally.hits for point in points],
        "images": [point.tally.n for point in points],
        "accuracy": [round(point.tally.share, 6) for point in points],
        "accuracy_low": [round(point.tally.interval[0], 6) for point in points],
        "accuracy_high": [round(point.tally.interval[1], 6) for point in points],
        "plain_accuracy": [round(test.plain.share, 6)] * len(points),
        "fixed": [point.pair.fixed for point in points],
        "broke": [point.pair.broke for point in points],
        "p_value": [float(f"{point.pair.p_value:.6g}") for point in points],
        "broken": [str(point.broken).lower() for point in points],
    }


def files(test: StressTest, context: ReportContext = NO_CONTEXT) -> Iterator[tuple[str, bytes]]:
    """Yield ``stress.csv``."""
    yield "stress.csv", document(test, context)
