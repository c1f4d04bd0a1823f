"""SARIF 2.1.0: every file that needs a look as a result, for code scanning and editors.

Source: OASIS, Static Analysis Results Interchange Format (SARIF) Version 2.1.0; GitHub's limit of 25,000 results a run.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from hashlib import sha256
from typing import Any
from urllib.parse import quote

import numpy as np

from batch_eval.evaluation import OUTCOMES, Evaluation, Outcome, Record
from batch_eval.evaluation.breakdown import suspects
from batch_eval.evaluation.confusions import errors_by_confidence
from batch_eval.reports.context import NO_CONTEXT, ReportContext
from batch_eval.wording import printable

TITLE = "SARIF report"
MAX_RESULTS = 25_000
HOME = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
ROOT = "%SRCROOT%"
"""What GitHub and editors take for the root of the repository, where the folder of images usually lies."""
_LEVELS = {
    Outcome.WRONG: "warning",
    Outcome.BLANK: "warning",
    Outcome.UNREADABLE: "error",
    Outcome.OUT_OF_RANGE: "error",
    Outcome.UNLABELLED: "note",
}
_RULES = tuple(_LEVELS)


def document(evaluation: Evaluation, context: ReportContext = NO_CONTEXT) -> bytes:
    """Return one run; results are cut at GitHub's limit, errors with the highest confidence first."""
    rows = _rows(evaluation)
    log = {
        "$schema": HOME,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": _driver(evaluation)},
                "columnKind": "unicodeCodePoints",
                "originalUriBaseIds": {ROOT: {"description": {"text": "The folder that holds the folder of images."}}},
                "invocations": [_invocation(context)],
                "results": _results(evaluation, rows[:MAX_RESULTS]),
                "properties": {"showing": min(len(rows), MAX_RESULTS), "of": len(rows)},
            }
        ],
    }
    return (json.dumps(log, indent=1, allow_nan=False) + "\n").encode("ascii")


def files(evaluation: Evaluation, context: ReportContext = NO_CONTEXT) -> Iterator[tuple[str, bytes]]:
    """Yield ``report.sarif``."""
    yield "report.sarif", document(evaluation, context)


def _rows(evaluation: Evaluation) -> list[int]:
    others = np.isin(evaluation.records.outcome, [OUTCOMES.index(o) for o in _RULES if not o.scored])
    return [*errors_by_confidence(evaluation).tolist(), *np.flatnonzero(others).tolist()]


def _driver(evaluation: Evaluation) -> dict[str, Any]:
    rules = [
        {"id": rule.value, "shortDescription": {"text": rule.meaning}, "defaultConfiguration": {"level": level}}
        for rule, level in _LEVELS.items()
    ]
    return {"name": "batch_eval", "version": evaluation.provenance.version, "rules": rules}


def _invocation(context: ReportContext) -> dict[str, Any]:
    """Return how the run ended; gates are notifications of the tool about the whole."""
    notifications = [
        {"level": "note" if gate.passed else "error", "message": {"text": printable(str(gate))}}
        for gate in context.gates
    ]
    return {"executionSuccessful": True, "toolExecutionNotifications": notifications}


def _results(evaluation: Evaluation, rows: list[int]) -> list[dict[str, Any]]:
    doubtful = suspects(evaluation)
    return [_result(evaluation, row, bool(doubtful[row])) for row in rows]


def _result(evaluation: Evaluation, row: int, suspect: bool) -> dict[str, Any]:
    record = evaluation.record(row)
    outcome = record.outcome
    uri = quote(f"{evaluation.provenance.folder}/{record.id}".encode("utf-8", "surrogateescape"), safe="/")
    message = _message(record) + (" The label may be wrong." if suspect else "")
    return {
        "ruleId": outcome.value,
        "ruleIndex": _RULES.index(outcome),
        "level": _LEVELS[outcome],
        "message": {"text": message},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": uri, "uriBaseId": ROOT},
                    # GitHub refuses results without a line, though an image has none
                    "region": {"startLine": 1},
                }
            }
        ],
        # the same image with the same trouble is the same alert in the next run
        "partialFingerprints": {"image/v1": sha256(f"{outcome.value}:{uri}".encode()).hexdigest()},
    }


def _message(record: Record) -> str:
    if record.outcome is Outcome.WRONG:
        return printable(f"{record.sentence[0].upper()}{record.sentence[1:]}.")
    return f"{record.outcome.meaning} {printable(record.reason)}".strip()
