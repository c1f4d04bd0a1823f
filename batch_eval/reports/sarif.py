"""SARIF 2.1.0: one result per file that is not correct, for code scanning and editors.

Source: OASIS, Static Analysis Results Interchange Format (SARIF) Version 2.1.0; GitHub's documentation, "SARIF support
for code scanning".
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
from batch_eval.wording import path_bytes, printable

TITLE = "SARIF report"
MAX_RESULTS = 25_000
"""GitHub's limit for one run."""
SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
ROOT = "%SRCROOT%"
"""Name that GitHub and editors resolve to the repository's root. The image folder usually lies there."""
# Errors are files that the data should not hold; warnings are for the model to get right.
_LEVELS = {
    Outcome.WRONG: "warning",
    Outcome.BLANK: "warning",
    Outcome.UNREADABLE: "error",
    Outcome.OUT_OF_RANGE: "error",
    Outcome.UNLABELLED: "note",
}
_RULES = tuple(_LEVELS)


def document(evaluation: Evaluation, context: ReportContext = NO_CONTEXT) -> bytes:
    """Return one run with up to ``MAX_RESULTS`` results, most confident errors first."""
    rows = _rows(evaluation)
    log = {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": _driver(evaluation)},
                "columnKind": "unicodeCodePoints",
                "originalUriBaseIds": {
                    ROOT: {"description": {"text": "The root of the repository that holds the images."}}
                },
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
    # The model's errors come first: where there are too many results, the last ones are left out.
    others = np.isin(evaluation.records.outcome, [OUTCOMES.index(o) for o in _RULES if not o.scored])
    return [*errors_by_confidence(evaluation).tolist(), *np.flatnonzero(others).tolist()]


def _driver(evaluation: Evaluation) -> dict[str, Any]:
    rules = [
        {"id": rule.value, "shortDescription": {"text": rule.meaning}, "defaultConfiguration": {"level": level}}
        for rule, level in _LEVELS.items()
    ]
    return {"name": "batch_eval", "version": evaluation.provenance.version, "rules": rules}


def _invocation(context: ReportContext) -> dict[str, Any]:
    """Return how the run ended. Each gate is a notification."""
    # A result belongs to a file, and a gate to none. executionSuccessful says that the tool ran, not that gates passed.
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
    # A URI encodes bytes. A name that is not valid UTF-8 gets its own bytes back from Python's surrogates (PEP 383).
    uri = quote(path_bytes(evaluation.provenance.file_path(record.id)), safe="/")
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
                    # GitHub rejects results without a line, though an image has none.
                    "region": {"startLine": 1},
                }
            }
        ],
        # GitHub matches alerts of two runs by this hash. It holds the path and the outcome alone: a new confidence is
        # the same alert, and one that was dismissed stays dismissed.
        "partialFingerprints": {"image/v1": sha256(f"{outcome.value}:{uri}".encode()).hexdigest()},
    }


def _message(record: Record) -> str:
    if record.outcome is Outcome.WRONG:
        return printable(f"{record.sentence[0].upper()}{record.sentence[1:]}.")
    return f"{record.outcome.meaning} {printable(record.reason)}".strip()
