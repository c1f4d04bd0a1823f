"""The sums of an evaluation."""

from __future__ import annotations

from batch_eval.dataset.sample import label_sum
from batch_eval.evaluation import metrics
from batch_eval.evaluation.breakdown import by_slice, coverage, scored_predictions
from batch_eval.evaluation.records import Evaluation
from batch_eval.evaluation.sums import THRESHOLDS, Counts, Sums, bounded
from batch_eval.outcome import OUTCOMES, Outcome


def sums_of(evaluation: Evaluation) -> Sums:
    """Return the sums of an evaluation whose rows are all there."""
    r, rows = evaluation.records, evaluation.scored_rows
    hits = r.outcome[rows] == OUTCOMES.index(Outcome.CORRECT)
    return Sums(
        outcomes=tuple(evaluation.counts[outcome] for outcome in OUTCOMES),
        confusion=tuple(evaluation.confusion.ravel().tolist()),
        slices=_slices(evaluation),
        flags={name: (int(hits[flag[rows]].sum()), int(flag[rows].sum())) for name, flag in r.flags.items()},
        truths={truth: (n,) for truth, n in evaluation.files_by_label().items()},
        bins=tuple(zip(*metrics.reliability_sums(*scored_predictions(evaluation)), strict=True)),
        coverage=tuple((tally.hits, tally.n) for tally in coverage(evaluation, THRESHOLDS)),
        labels=label_sum(zip(r.ids, r.truth, strict=True)),
    )


def _slices(evaluation: Evaluation) -> dict[str, Counts | None]:
    """Return the counts of each slice's values. An image with neither label nor value is no file of a value."""
    r = evaluation.records
    found: dict[str, Counts | None] = {}
    for slice_ in by_slice(evaluation):
        tallies = dict(slice_.tallies)
        files = evaluation.files_by_value(slice_.name)
        names = r.slices[slice_.name].values
        scored = {value: (tallies[value].hits, tallies[value].n) if value in tallies else (0, 0) for value in names}
        found[slice_.name] = bounded({value: (*scored[value], files[value]) for value in names})
    return found
