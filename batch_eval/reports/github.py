"""GitHub Actions: annotations as workflow commands, and Markdown for the step summary.

GitHub shows at most 10 error, 10 warning and 10 notice annotations of a step. It drops the rest silently. So no more
are written, and the notice gives the total. A step summary may hold 1 MiB. A larger one is rejected whole.
Source: GitHub's documentation, "Workflow commands for GitHub Actions" and "Job summaries".
"""

from __future__ import annotations

from collections.abc import Iterator

from batch_eval.evaluation import Evaluation, Outcome
from batch_eval.evaluation.confusions import errors_by_confidence
from batch_eval.gates import gates_line
from batch_eval.reports import markdown
from batch_eval.reports.context import NO_CONTEXT, ReportContext
from batch_eval.wording import percent, percent_range, printable, utf8

TITLE = "GitHub annotations"
PER_STEP = 10
"""Annotations of each kind that GitHub shows for one step."""
SUMMARY_BYTES = 1 << 20
"""GitHub's limit for a step summary, in bytes."""


def document(evaluation: Evaluation, context: ReportContext = NO_CONTEXT) -> bytes:
    """Return the annotations as workflow commands. They take effect when a step prints them."""
    failed = [gate for gate in context.gates if not gate.passed]
    lines = [_command("error", gate.message, title=printable(f"Gate {gate.name} failed")) for gate in failed[:PER_STEP]]
    lines += _misread(evaluation)
    lines.append(_command("notice", _result(evaluation, context, len(failed)), title="batch_eval"))
    return utf8("".join(f"{line}\n" for line in lines))


def files(evaluation: Evaluation, context: ReportContext = NO_CONTEXT) -> Iterator[tuple[str, bytes]]:
    """Yield the annotations and the step summary."""
    yield "github_annotations.txt", document(evaluation, context)
    yield "github_step_summary.md", step_summary(evaluation, context)


def step_summary(evaluation: Evaluation, context: ReportContext = NO_CONTEXT) -> bytes:
    """Return the Markdown report. Beyond 1 MiB it is cut after a whole line, and a note says so."""
    text = markdown.document(evaluation, context)
    note = b"\n\nThe rest is cut: a step summary holds 1 MiB.\n"
    if len(text) < SUMMARY_BYTES:
        return text
    kept, _, _ = text[: SUMMARY_BYTES - len(note) - 1].rpartition(b"\n")
    return kept + note


def _misread(evaluation: Evaluation) -> list[str]:
    """Return a warning for each of the ``PER_STEP`` most confident errors."""
    records = map(evaluation.record, errors_by_confidence(evaluation)[:PER_STEP].tolist())
    return [
        _command(
            "warning",
            record.sentence,
            title="Misread image",
            file=printable(evaluation.provenance.file_path(record.id)),
        )
        for record in records
    ]


def _result(evaluation: Evaluation, context: ReportContext, failed: int) -> str:
    """Return the result in one line, with the number of annotations left out."""
    right = f"{evaluation.counts[Outcome.CORRECT]:,} of {evaluation.scored:,} correct"
    parts = [f"Accuracy {percent(evaluation.accuracy, 2)} ({percent_range(evaluation.accuracy_interval)}), {right}"]
    if context.gates:
        parts.append(gates_line(context.gates))
    total = evaluation.error_count
    for shown, name in [(failed, "failed gates"), (total, "misread images")]:
        if shown > PER_STEP:
            parts.append(f"showing {PER_STEP} of {shown:,} {name}, GitHub's limit for one step")
    return ". ".join(parts) + "."


def _command(kind: str, message: str, **properties: str) -> str:
    """Return a workflow command: ``::kind name=value,…::message``."""
    # A file name may hold a line break, and what follows could be another command to the runner. Values are escaped as
    # in GitHub's toolkit, packages/core/src/command.ts: % CR LF everywhere, and : and , in properties.
    given = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    return f"::{kind} {given}::{_data(printable(message))}"


def _data(text: str) -> str:
    # The percent sign first, or it would escape the other escapes.
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
