"""Files that do not count in the accuracy, and why."""

from __future__ import annotations

from collections import Counter

from batch_eval.evaluation.records import Evaluation
from batch_eval.outcome import Outcome


def unreadable(evaluation: Evaluation) -> list[tuple[str, str]]:
    """Return the id and the reason of each unreadable file, in the order of the files; of a large set, of a sample."""
    r = evaluation.records
    return [(r.ids[row], r.reasons.get(row, "")) for row in r.rows(Outcome.UNREADABLE).tolist()]


def why_unscored(evaluation: Evaluation) -> str:
    """Return why not a single image counts in the accuracy."""
    counts = [(outcome, n) for outcome, n in evaluation.counts.items() if n]
    parts = [f"{n:,} {outcome.value.replace('_', ' ')}" for outcome, n in counts]
    reasons = Counter(reason for _, reason in unreadable(evaluation) if reason)
    why = [
        f"{reason} ({n:,} files)" if n > 1 and evaluation.sums is None else reason
        for reason, n in reasons.most_common(3)
    ]
    message = f"of {evaluation.files:,} files, {', '.join(parts) or 'none is there'}."
    if why:
        message += f" Unreadable because: {'; '.join(why)}."
    if evaluation.counts[Outcome.UNLABELLED]:
        message += " To read images without labels, use `batch-eval predict`."
    return message
