"""The data of the page's scripts: every image by column, and the gallery's cards."""

# It is a script, data.js, and not JSON. A page opened from disk has the origin `null`: browsers let it load a script
# from a file beside it, but not fetch that file.

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import astuple
from typing import Any

import numpy as np
from numpy.typing import NDArray

from batch_eval.evaluation import OUTCOMES, Evaluation, Outcome
from batch_eval.evaluation.breakdown import suspects
from batch_eval.evaluation.records import GUESSES
from batch_eval.json_stream import pieces
from batch_eval.reports.html.charts import COVERAGE_THRESHOLDS, coverage_points
from batch_eval.reports.html.pictures import Pictures, Shown
from batch_eval.reports.html.tags import Tags
from batch_eval.texts import Coded
from batch_eval.wording import printable


def gallery_rows(evaluation: Evaluation) -> NDArray[np.intp]:
    """Return the rows in the gallery: all that are not correct, and all that have a picture."""
    shown = evaluation.records.outcome != OUTCOMES.index(Outcome.CORRECT)
    shown[list(evaluation.records.pictures)] = True
    return np.flatnonzero(shown)


def page_data(evaluation: Evaluation, pictures: Pictures, tags: Tags, on_page: frozenset[int]) -> Iterator[bytes]:
    """Yield the data as one JavaScript statement, safe inside an HTML script element.

    ``on_page`` are the rows whose pictures the page itself holds. Embedded pictures are not stored twice.
    """
    r = evaluation.records
    rows = gallery_rows(evaluation)
    content = {
        "classes": [printable(name) for name in evaluation.class_names],
        "outcomes": OUTCOMES,
        # Ids stay as they are: file lists and labels.csv made from them must name real files. Those that are unsafe to
        # show have a printable form in `shown`.
        "ids": r.ids,
        "shown": {row: printable(r.ids[row]) for row in rows.tolist() if not r.ids[row].isprintable()},
        "truth": _coded(r.truth),
        "slices": [{"name": name, **_coded(values)} for name, values in r.slices.items()],
        "flags": [{"name": printable(tag.name), "rows": sorted(tag.rows)} for tag in tags.all],
        "coverage": [
            [p.tally.n, p.tally.hits, *_defined(p.tally.interval)]
            for p in coverage_points(evaluation, COVERAGE_THRESHOLDS)
        ],
        "cards": _cards(evaluation, pictures, on_page, rows),
        "sheets": getattr(pictures, "sheets", []),
    }
    # In a file name, `</script>` would end the element. JSON needs no bare `<`, and strings may spell it \u003c.
    yield b"globalThis.batchEvalData="
    for piece in pieces(content):
        yield piece.replace(b"<", rb"\u003c")
    yield b";\n"


def _coded(column: Coded[Any]) -> dict[str, Any]:
    """Return a column as its distinct values and each row's index into them. Labels repeat, so this is short."""
    return {"values": column.values, "index": column.codes}


def _defined(interval: tuple[float, float]) -> list[float | None]:
    return [None if math.isnan(share) else round(share, 4) for share in interval]


def _cards(
    evaluation: Evaluation, pictures: Pictures, on_page: frozenset[int], rows: NDArray[np.intp]
) -> dict[str, Any]:
    r = evaluation.records
    top = np.argsort(-r.probabilities[rows], axis=1, kind="stable")[:, :GUESSES]
    # Rounded as float64: Python writes the float32 0.9 with all the digits of its binary value.
    shares = np.take_along_axis(r.probabilities[rows], top, axis=1).astype(np.float64)
    drawn = rows.tolist()
    return {
        "row": drawn,
        "outcome": r.outcome[rows].tolist(),
        "predicted": r.predicted[rows].tolist(),
        "margin": np.round(r.margin[rows].astype(np.float64), 4).tolist(),
        "top": top.tolist(),
        "shares": np.round(shares, 4).tolist(),
        "suspect": np.flatnonzero(suspects(evaluation)[rows]).tolist(),
        "reason": {i: printable(r.reasons[row]) for i, row in enumerate(drawn) if row in r.reasons},
        "original": [None if row in on_page else _source(pictures.original(row)) for row in drawn],
        "seen": [None if row in on_page else _source(pictures.seen(row)) for row in drawn],
        "steps": [None if row in on_page else _source(pictures.steps(row)) for row in drawn],
    }


def _source(shown: Shown | None) -> str | list[int] | None:
    """Return a picture's URL, or its sheet, left, top, width and height."""
    if shown is None or shown.part is None:
        return shown.url if shown else None
    return [*astuple(shown.part)]
