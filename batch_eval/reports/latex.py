"""LaTeX: summary, classes, confusion matrix and the first outputs as tables for papers, with booktabs."""

from __future__ import annotations

from collections.abc import Iterator

from batch_eval.evaluation import Evaluation
from batch_eval.evaluation.confusions import predicted_columns
from batch_eval.reports.booktabs import booktabs, document_of, interval, share
from batch_eval.reports.context import NO_CONTEXT, ReportContext

TITLE = "LaTeX tables"
OUTPUTS_SHOWN = 9
"""Images whose outputs are listed: those of the 3 × 3 grid that the format plots draws."""


def document(evaluation: Evaluation, context: ReportContext = NO_CONTEXT) -> bytes:  # noqa: ARG001 - same in all formats
    """Return all tables."""
    tables = [_summary(evaluation)]
    if evaluation.scored:
        tables += [_classes(evaluation), _confusion(evaluation)]
    if evaluation.records.has_prediction.any():
        tables.append(_outputs(evaluation))
    return document_of(tables)


def files(evaluation: Evaluation, context: ReportContext = NO_CONTEXT) -> Iterator[tuple[str, bytes]]:
    """Yield ``tables.tex``."""
    yield "tables.tex", document(evaluation, context)


def _summary(evaluation: Evaluation) -> str:
    p = evaluation.provenance
    rows = [
        ("Figure", "Value"),
        ("Images", p.folder),
        ("Model", p.model),
        ("Preprocessing", p.preprocess),
        ("Accuracy (%)", share(evaluation.accuracy)),
        ("95 % interval (Wilson)", interval(evaluation.accuracy_interval)),
        ("Macro F1 (%)", share(evaluation.macro_f1)),
        *((f"Files, {outcome.value.replace('_', ' ')}", str(n)) for outcome, n in evaluation.counts.items()),
    ]
    return booktabs("tab:summary", "The evaluation.", "lr", rows)


def _classes(evaluation: Evaluation) -> str:
    scores = zip(evaluation.class_names, evaluation.per_class, strict=True)
    rows = [
        ("Class", "Precision (%)", "Recall (%)", "F1 (%)", "Images"),
        *((name, share(s.precision), share(s.recall), share(s.f1), str(s.support)) for name, s in scores),
    ]
    return booktabs("tab:classes", "Precision, recall and F1 of each class.", "lrrrr", rows)


def _confusion(evaluation: Evaluation) -> str:
    """Return the confusion matrix; the blank column only where it counts something."""
    counts = evaluation.confusion
    used = counts.shape[1] if counts[:, -1].any() else counts.shape[1] - 1
    rows = [
        ("Label", *predicted_columns(evaluation)[:used]),
        *((name, *map(str, row[:used])) for name, row in zip(evaluation.class_names, counts.tolist(), strict=True)),
    ]
    caption = "Confusion matrix: images of each label (row) by what was read (column)."
    return booktabs("tab:confusion", caption, "l" + "r" * used, rows)


def _outputs(evaluation: Evaluation) -> str:
    r = evaluation.records
    shown = [row for row in range(len(r)) if r.has_prediction[row]][:OUTPUTS_SHOWN]
    rows = [
        ("File", "Label", *evaluation.class_names),
        *((r.ids[i], r.truth[i] or "--", *(f"{value:.2f}" for value in r.probabilities[i].tolist())) for i in shown),
    ]
    caption = f"Outputs of the model for the first {len(shown)} images."
    return booktabs("tab:outputs", caption, "ll" + "r" * len(evaluation.class_names), rows)
