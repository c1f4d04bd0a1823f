"""Why the accuracy is low: what explains it, the strongest explanation first.

Each line gives its evidence, and what to do.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np

from batch_eval.engines.rows import Trial, TrialKind
from batch_eval.evaluation.metrics import tally_by
from batch_eval.evaluation.records import Evaluation
from batch_eval.outcome import OUTCOMES, Outcome
from batch_eval.texts import Coded
from batch_eval.wording import percent, printable

WHY = "Why so low?"
"""Heading of the diagnosis in every format."""
LOW = 0.9
"""Accuracy from which only the trials speak."""
FEWEST = 10
"""Scored images below which nothing is said."""
RECIPE_GAIN, RECIPE_SHARE = 0.1, 0.3
"""Gain in accuracy and accuracy from which another recipe is named."""
LABEL_GAIN = 0.3
"""By how much more often other labels must agree with the predictions."""
MOSTLY = 0.5
"""Share of the predictions with which other labels must agree."""
WEAK = 0.8
"""Accuracy on the program's own digits below which the model is named."""
NEARLY = 0.97
"""Share of the best agreement from which a simpler way to label is preferred."""
PART_GAIN, PART_GAP, SMALLEST_PART = 0.05, 0.3, 5
"""When a part of the images is named.

Without it, the accuracy is higher by the first. The part's own accuracy is lower than that by the second. The part and
the others have at least as many images as the third.
"""
MANY = 0.2
"""Share of blank or unreadable files from which they are named."""


class Cause(NamedTuple):
    """One explanation, and the accuracy that it explains.

    ``sentence`` gives the evidence, and what to do.
    """

    sentence: str
    gain: float


def diagnosis(evaluation: Evaluation) -> list[str]:
    """Return the sentences that explain a low accuracy, the strongest first.

    Where it is not low, only a better convention is named.
    """
    if evaluation.files < FEWEST:
        return []
    return [cause.sentence for cause in sorted(_causes(evaluation), key=lambda cause: -cause.gain)]


def _causes(evaluation: Evaluation) -> Iterator[Cause]:
    convention = [_convention(trial) for trial in _trials(evaluation, TrialKind.CONVENTION)]
    yield from convention
    if evaluation.scored and evaluation.accuracy >= LOW:
        return
    whole = evaluation.sums is None  # labels and parts need every row
    labels = list(_labels(evaluation)) if whole else []
    yield from labels
    # a recipe that agrees a little more often with wrong labels explains nothing
    stronger = [*convention, *labels]
    yield from (cause for cause in _recipe(evaluation) if all(cause.gain > other.gain for other in stronger))
    if not convention:  # which explains the same better
        yield from _weak_model(evaluation)
    if whole:
        yield from _part(evaluation)
    yield from _files(evaluation)


def _trials(evaluation: Evaluation, kind: TrialKind) -> list[Trial]:
    return [trial for trial in evaluation.trials if trial.kind is kind]


def _sample_of(trial: Trial) -> str:
    return f"{trial.right:,} of {trial.images:,} images of a sample, not {trial.right_now:,}"


def _convention(trial: Trial) -> Cause:
    return Cause(f"With `{trial.option}` this model reads {_sample_of(trial)}.", trial.share - trial.share_now)


def _recipe(evaluation: Evaluation) -> Iterator[Cause]:
    best = max(_trials(evaluation, TrialKind.RECIPE), key=lambda trial: trial.right, default=None)
    if best and best.share - best.share_now >= RECIPE_GAIN and best.share >= RECIPE_SHARE:
        yield Cause(
            f"With `{best.option}` it reads {_sample_of(best)} ({percent(best.share)} and {percent(best.share_now)}).",
            best.share - best.share_now,
        )


def _weak_model(evaluation: Evaluation) -> Iterator[Cause]:
    for own in _trials(evaluation, TrialKind.OWN_DIGITS):
        # The gain is no gain on these images. It is the share misread, so that the cause has a place among the others.
        if own.share < WEAK:
            yield Cause(
                f"The model itself reads only {own.right:,} of {own.images:,} of this program's own digits, which are "
                f"drawn cleanly ({percent(own.share)}). So it is the model more than the images: "
                "`batch-eval inspect MODEL` shows it, more training may help.",
                1 - own.share,
            )


def _labels(evaluation: Evaluation) -> Iterator[Cause]:
    from batch_eval.evaluation.other_labels import other_labels  # which most runs need not import

    found = other_labels(evaluation)
    if not found or found[0].images < FEWEST:
        return
    # the simplest of those that agree about as often
    best = next(one for one in found if one.agree >= NEARLY * max(other.agree for other in found))
    now = evaluation.counts[Outcome.CORRECT]
    gain = (best.agree - now) / best.images
    if best.share >= MOSTLY and gain >= LABEL_GAIN:
        yield Cause(
            f"{best.agree:,} of {best.images:,} predictions agree with {best.sentence}. With the labels as they are, "
            f"{now:,} agree.",
            gain,
        )


def _part(evaluation: Evaluation) -> Iterator[Cause]:
    """Yield the slice's value, or the folder, without which the accuracy rises most."""
    # Leave out each part in turn. What remains follows from counts: all hits without the part's hits. A part must pull
    # the whole down, and be far worse than the rest. So neither a small bad one nor a mediocre one is named.
    rows = evaluation.scored_rows
    hits = np.asarray(evaluation.records.outcome[rows] == OUTCOMES.index(Outcome.CORRECT))
    causes = []
    for name, values in _parts(evaluation).items():
        tallies = tally_by(values.at(rows), hits)
        for value, tally in tallies.items():
            others = evaluation.scored - tally.n
            if tally.n < SMALLEST_PART or others < SMALLEST_PART:
                continue
            rest = (int(hits.sum()) - tally.hits) / others
            if rest - evaluation.accuracy >= PART_GAIN and rest - tally.share >= PART_GAP:
                causes.append(
                    Cause(
                        f"{printable(name)} {printable(value)} alone is bad: {tally.hits:,} of {tally.n:,} images are "
                        f"read right ({percent(tally.share)}), of all others {percent(rest)} of {others:,}.",
                        rest - evaluation.accuracy,
                    )
                )
    yield from sorted(causes, key=lambda cause: -cause.gain)[:1]


def _parts(evaluation: Evaluation) -> Mapping[str, Coded[str]]:
    """Return the slices, and the outermost folders unless these are the labels."""
    r = evaluation.records
    folders = Coded.of(path.partition("/")[0] if "/" in path else "." for path in r.ids)
    # Folders named by labels hold one class each, and a hard class is no bad part.
    if len(folders.values) < 2 or set(folders.values) & set(r.truth.values):
        return r.slices
    return {**r.slices, "folder": folders}


def _files(evaluation: Evaluation) -> Iterator[Cause]:
    """Yield the outcomes other than wrong that dominate, with their most frequent reason."""
    counts, files = evaluation.counts, evaluation.files
    blank, unreadable = counts[Outcome.BLANK], counts[Outcome.UNREADABLE]
    if evaluation.scored and blank >= MANY * evaluation.scored:
        reason = _reason(evaluation, Outcome.BLANK)
        yield Cause(
            f"{blank:,} of {evaluation.scored:,} scored images are blank to the model{reason}. "
            "`batch-eval preprocess IMAGE` shows at which step the ink was lost.",
            blank / evaluation.scored,
        )
    if unreadable >= MANY * files:
        yield Cause(
            f"{unreadable:,} of {files:,} files cannot be read{_reason(evaluation, Outcome.UNREADABLE)}. "
            "They are not part of the accuracy.",
            unreadable / files,
        )


def _reason(evaluation: Evaluation, outcome: Outcome) -> str:
    """Return the most frequent reason of an outcome, in brackets."""
    r = evaluation.records
    reasons = Counter(r.reasons[row] for row in r.rows(outcome).tolist() if row in r.reasons)
    if not reasons:
        return ""
    (reason, count), *_ = reasons.most_common(1)
    return f" ({printable(reason)}, {count:,} times{'' if evaluation.sums is None else ' in a sample'})"
