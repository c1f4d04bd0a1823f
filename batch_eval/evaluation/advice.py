"""Error analysis in sentences: which quality flag, confusion or group accounts for many errors."""

from __future__ import annotations

from batch_eval.evaluation.breakdown import FlagTally, by_flag
from batch_eval.evaluation.confusions import Confusion, predicted_columns, worst_confusions
from batch_eval.evaluation.diagnosis import diagnosis
from batch_eval.evaluation.metrics import wilson_interval
from batch_eval.evaluation.records import BLANK, Evaluation
from batch_eval.wording import percent, printable

MIN_ERRORS = 3
"""Errors needed before anything is said."""
CONFUSION_SHARE = 0.2
"""Share of all errors at which a confusion gets a sentence."""
GROUPS_NAMED = 3
"""Largest groups of similar errors that get a sentence each."""
CLAUSES = {
    "low_contrast": "have low contrast",
    "faint": "show faint ink",
    "blurred": "are blurred",
    "touches_border": "touch the border of the image",
    "ruled_paper": "are on ruled paper",
    "several_digits": "show more than one digit",
    "not_a_digit": "do not look like one digit",
}


def advice(evaluation: Evaluation) -> list[str]:
    """Return a sentence for each finding.

    Quality flags come first, then groups of similar errors, then the worst confusion. There is none with fewer than
    ``MIN_ERRORS`` errors.
    """
    total = evaluation.error_count
    if diagnosis(evaluation):  # which explains the errors better
        return []
    if total < MIN_ERRORS:
        return []
    lines = [_flag_line(flag, total) for flag in by_flag(evaluation) if explains(flag)]
    lines += _alike(evaluation)
    # There is one: every error lies off the diagonal of the confusion matrix.
    worst = worst_confusions(evaluation)[0]
    if worst.count >= max(MIN_ERRORS, CONFUSION_SHARE * total):
        lines.append(_confusion_line(worst, total))
    return lines


def _confusion_line(worst: Confusion, total: int) -> str:
    truth, predicted = printable(worst.truth), printable(worst.predicted)
    if worst.predicted == BLANK:
        return (
            f"{worst.count:,} of {total:,} errors are images of {truth} in which no ink was found, so the model never "
            "saw them. `batch-eval preprocess IMAGE` shows at which step the ink was lost."
        )
    return f"{worst.count:,} of {total:,} errors are {truth} read as {predicted}. Compare them side by side."


def _alike(evaluation: Evaluation) -> list[str]:
    """Return a sentence for each of the largest groups of similar errors."""
    r = evaluation.records
    # A blank image is predicted as -1, which picks the name of the last column: blank.
    named = [(len(group), r.truth[group[0]] or "", int(r.predicted[group[0]])) for group in r.groups[:GROUPS_NAMED]]
    return [
        f"{n:,} errors look alike: {printable(truth)} read as {printable(predicted_columns(evaluation)[predicted])}."
        for n, truth, predicted in named
    ]


def _misses(flag: FlagTally) -> int:
    return flag.having.n - flag.having.hits


def explains(flag: FlagTally) -> bool:
    """Whether images with the flag are misread significantly more often than all images."""
    # A few images with a flag can be misread by chance. So the lower bound of their error rate's 95 % interval (Wilson)
    # must exceed the overall error rate.
    overall = 1 - (flag.having.hits + flag.lacking.hits) / (flag.having.n + flag.lacking.n)
    low, _ = wilson_interval(_misses(flag), flag.having.n)
    return _misses(flag) >= MIN_ERRORS and low > overall


def _flag_line(flag: FlagTally, total: int) -> str:
    clause = CLAUSES.get(flag.name, f"have the flag {printable(flag.name)}")
    return (
        f"{_misses(flag):,} of {total:,} errors {clause}. Such images have an accuracy of "
        f"{percent(flag.having.share)} (n = {flag.having.n:,}), all others {percent(flag.lacking.share)}."
    )
