"""Markdown: the result for a pull request or step summary, as GitHub and GitLab render it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from batch_eval.evaluation import Evaluation, Outcome
from batch_eval.evaluation.advice import advice
from batch_eval.evaluation.baseline import compare_with_baseline
from batch_eval.evaluation.breakdown import by_flag, by_slice, suspects, usable_slices
from batch_eval.evaluation.confusions import errors_by_confidence, worst_confusions
from batch_eval.evaluation.diagnosis import WHY, diagnosis
from batch_eval.evaluation.recipes import recipes_line
from batch_eval.evaluation.unscored import unreadable
from batch_eval.gates import gates_line
from batch_eval.reports.context import NO_CONTEXT, ReportContext
from batch_eval.reports.templating import fill

TITLE = "Markdown report"
ERRORS_SHOWN = 50
"""Errors listed, most confident first. A comment on GitHub holds 65,536 characters."""
CONFUSIONS_SHOWN = 10
"""Confusions listed, worst first."""
VALUES_SHOWN = 20
"""Values listed of each slice, largest first."""
UNREADABLE_SHOWN = 10
"""Unreadable files named with their reasons."""
_TEMPLATES = Path(__file__).with_name("templates")


def document(evaluation: Evaluation, context: ReportContext = NO_CONTEXT) -> bytes:
    """Return the report. Long tables are cut and folded, so that it fits in a comment."""
    chosen = usable_slices(evaluation, context.slices)
    rows, suspect = errors_by_confidence(evaluation), suspects(evaluation)
    return fill(
        _TEMPLATES,
        "report.md.jinja",
        e=evaluation,
        context=context,
        gates_line=gates_line(context.gates),
        since_baseline=compare_with_baseline(evaluation, context.baseline),
        why=WHY,
        causes=diagnosis(evaluation),
        recipes=recipes_line(evaluation),
        advice=advice(evaluation),
        # A slice with one value repeats the overall accuracy.
        slices=[b for b in by_slice(evaluation, chosen.shown) if len(b.tallies) > 1],
        slices_note=chosen.note,
        flags=by_flag(evaluation),
        unreadable=unreadable(evaluation),
        unreadable_shown=UNREADABLE_SHOWN,
        unreadable_total=evaluation.counts[Outcome.UNREADABLE],
        confusions=worst_confusions(evaluation),
        errors=[(evaluation.record(row), suspect[row]) for row in rows[:ERRORS_SHOWN].tolist()],
        total=evaluation.error_count,
        confusions_shown=CONFUSIONS_SHOWN,
        values_shown=VALUES_SHOWN,
    )


def files(evaluation: Evaluation, context: ReportContext = NO_CONTEXT) -> Iterator[tuple[str, bytes]]:
    """Yield ``report.md``."""
    yield "report.md", document(evaluation, context)
