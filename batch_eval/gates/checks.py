"""Does an evaluation meet its limits? One small check a gate, which also says when its n is too small."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from batch_eval.errors import ConfigError
from batch_eval.evaluation import Evaluation, Outcome, metrics
from batch_eval.evaluation.breakdown import by_slice, calibration
from batch_eval.evaluation.metrics import SIGNIFICANCE, ReliabilityBin, Tally
from batch_eval.evaluation.sums import MOST_VALUES
from batch_eval.gates.limits import ClassLimit, Limits, SliceLimit
from batch_eval.wording import percent, percent_range, printable

if TYPE_CHECKING:
    from batch_eval.evaluation.paired import PairedCounts

FEWEST_DISCORDANT = 6
"""Changed images from which McNemar's exact p can be below 0.05. If all six got worse, p = 2 / 2⁶ = 0.031."""


@dataclass(frozen=True, slots=True)
class GateResult:
    """The result of one gate. ``n`` images are behind its figure.

    ``value`` and ``limit`` are shares in 0..1, NaN if n is 0. For ``fail-if-worse`` they are p-values, for ``max-drop``
    differences in -1..1. ``message`` is the sentence that reports show.
    """

    name: str
    passed: bool
    value: float
    limit: float
    n: int
    message: str

    def __str__(self) -> str:
        """Return the line that a run prints."""
        return f"{'passed' if self.passed else 'FAILED'}  {self.name}: {self.message}"


def check(evaluation: Evaluation, limits: Limits, baseline: Evaluation | None = None) -> tuple[GateResult, ...]:
    """Return the result of each gate, in the order of the options.

    Raises ConfigError where

    - a limit names a class or slice that the evaluation lacks,
    - a gate needs a baseline and there is none,
    - the baseline shares no image with the evaluation.
    """
    limits.check_baseline(baseline is not None)
    limits.check_names(evaluation.class_names, evaluation.slice_values)
    results = [*_of_accuracy(evaluation, limits), *_of_files(evaluation, limits)]
    if limits.max_ece is not None:
        results.append(ece(calibration(evaluation), limits.max_ece))
    if baseline is not None and limits.need_baseline:
        from batch_eval.evaluation.paired import paired_counts  # which most runs need not import

        results += _of_pair(paired_counts(baseline, evaluation), limits)
    return tuple(results)


def _of_accuracy(evaluation: Evaluation, limits: Limits) -> Iterator[GateResult]:
    overall = Tally(evaluation.counts[Outcome.CORRECT], evaluation.scored)
    # A limit on one class overrides the limit on every class: it comes later, and the last limit wins.
    classes = sorted(limits.fail_under_class, key=lambda wanted: wanted.name is not None)
    slices = sorted(limits.fail_under_slice, key=lambda wanted: wanted.value is not None)
    if limits.fail_under is not None:
        yield at_least("fail-under", "Accuracy", overall, limits.fail_under)
    if limits.fail_under_low is not None:
        yield low_at_least("fail-under-low", overall, limits.fail_under_low)
    yield from _of_parts("fail-under-class", "class ", [(c.limit, _classes(evaluation, c)) for c in classes])
    yield from _of_parts("fail-under-slice", "", [(s.limit, _slices(evaluation, s)) for s in slices])


def _of_parts(gate: str, what: str, limited: Sequence[tuple[float, Mapping[str, _Part]]]) -> Iterator[GateResult]:
    """Check each class or slice once, against the last limit that covers it."""
    # Of two limits on one class, the last one replaces the first.
    chosen = {name: (part, limit) for limit, parts in limited for name, part in parts.items()}
    for name, (part, limit) in chosen.items():
        if part.tally.n:
            yield at_least(f"{gate} {name}", f"Accuracy of {what}{printable(name)}", part.tally, limit)
        else:
            yield unscored(f"{gate} {name}", f"{what}{printable(name)}", part.files, limit)


@dataclass(frozen=True, slots=True)
class _Part:
    """One class or one value of a slice. ``tally`` counts scored images, ``files`` all."""

    tally: Tally
    files: int


def _of_files(evaluation: Evaluation, limits: Limits) -> Iterator[GateResult]:
    """Check the shares of files that are not scored. Out of range counts as unlabelled, unless it has its own limit."""
    # A label that is no class leaves an image unscored, as no label does. One gate must notice both.
    unlabelled = [Outcome.UNLABELLED]
    if limits.max_out_of_range is None:
        unlabelled.append(Outcome.OUT_OF_RANGE)
    wanted = (
        ("max-unreadable", [Outcome.UNREADABLE], limits.max_unreadable),
        ("max-unlabelled", unlabelled, limits.max_unlabelled),
        ("max-out-of-range", [Outcome.OUT_OF_RANGE], limits.max_out_of_range),
    )
    for name, outcomes, limit in wanted:
        counts = {outcome: evaluation.counts[outcome] for outcome in outcomes}
        if limit is not None:
            # An outcome without files is not named, save the first: "3 files are unlabelled", if none is out of range.
            what = " or ".join(outcome for outcome in outcomes if counts[outcome] or outcome is outcomes[0]).replace(
                "_", " "
            )
            yield at_most(name, what, Tally(sum(counts.values()), evaluation.files), limit)


def _of_pair(pair: PairedCounts, limits: Limits) -> Iterator[GateResult]:
    if limits.max_drop is not None:
        yield drop(pair, limits.max_drop)
    if limits.fail_if_worse:
        yield not_worse(pair)


def _classes(evaluation: Evaluation, wanted: ClassLimit) -> Mapping[str, _Part]:
    """Return the class, or all classes of the model and the labels. Some may lack scored images."""
    hits = evaluation.confusion.diagonal().tolist()
    support = [scores.support for scores in evaluation.per_class]
    tallies = {name: Tally(*counts) for name, *counts in zip(evaluation.class_names, hits, support, strict=True)}
    labels = evaluation.files_by_label()
    # A class without any image is checked too, so that a lost folder cannot pass.
    names = [wanted.name] if wanted.name is not None else dict.fromkeys((*evaluation.class_names, *labels))
    return {name: _Part(tallies.get(name, _NOTHING), labels[name]) for name in names}


def _slices(evaluation: Evaluation, wanted: SliceLimit) -> Mapping[str, _Part]:
    """Return the slice's value, or all its values. Some may lack scored images.

    An image with neither label nor value is in no row of the table. It does not count.
    """
    if evaluation.sums is not None and evaluation.sums.slices[wanted.name] is None:
        raise ConfigError(
            f"--fail-under-slice names {wanted.name!r}, which has more than {MOST_VALUES:,} values. "
            "In a set of this size, such slices are not counted. Leave the gate out."
        )
    tallies = next(dict(one.tallies) for one in by_slice(evaluation) if one.name == wanted.name)
    files = evaluation.files_by_value(wanted.name)
    values = files if wanted.value is None else [wanted.value]
    found = {f"{wanted.name}={value}": _Part(tallies.get(value, _NOTHING), files[value]) for value in values}
    return found or {wanted.name: _Part(_NOTHING, 0)}


_NOTHING = Tally(0, 0)


def at_least(name: str, what: str, tally: Tally, limit: float) -> GateResult:
    """Pass if a share is at least its limit. NaN fails."""
    value, bound = _apart(tally.share, limit)
    message = f"{what} {value} of {tally.n:,} images; at least {bound} is required.{_caution(tally, limit)}"
    return GateResult(name, tally.share >= limit, tally.share, limit, tally.n, message)


def unscored(name: str, what: str, files: int, limit: float) -> GateResult:
    """Fail because no image of a class or slice was scored."""
    there = f"none of its {files:,} images could be scored" if files else "there are no images of it"
    message = f"Accuracy of {what} is unknown: {there}; at least {percent(limit)} is required."
    return GateResult(name, False, math.nan, limit, 0, message)


def low_at_least(name: str, tally: Tally, limit: float) -> GateResult:
    """Pass if the lower end of the accuracy's 95 % interval reaches its limit."""
    low = tally.interval[0]
    value, bound = _apart(low, limit)
    message = f"Lower bound of the 95 % interval {value} of {tally.n:,} images; at least {bound} is required."
    return GateResult(name, low >= limit, low, limit, tally.n, message + _too_few(tally.n, limit))


def at_most(name: str, what: str, tally: Tally, limit: float) -> GateResult:
    """Pass if a share of all files is at most its limit."""
    value, bound = _apart(tally.share, limit)
    message = f"{tally.hits:,} of {tally.n:,} files are {what} ({value}); at most {bound} is allowed."
    caution = _one_is_too_many(tally.n, limit)
    return GateResult(name, tally.share <= limit, tally.share, limit, tally.n, message + caution)


def ece(bins: tuple[ReliabilityBin, ...], limit: float) -> GateResult:
    """Pass if the expected calibration error is at most its limit."""
    n = sum(b.tally.n for b in bins)
    error, noise = metrics.expected_calibration_error(bins), metrics.calibration_noise(bins)
    value, bound = _apart(error, limit)
    message = f"Expected calibration error {value} of {n:,} images; at most {bound} is allowed."
    # Even a perfectly calibrated model has an error above 0 on few images; a limit below that noise only fails by luck.
    if noise > limit:
        message += f" n is too small for this limit: chance alone gives a perfectly calibrated model {percent(noise)}."
    return GateResult("max-ece", error <= limit, error, limit, n, message)


def drop(pair: PairedCounts, limit: float) -> GateResult:
    """Pass if the accuracy on the shared images fell by at most its limit."""
    # The difference of both accuracies, as images that both read or neither read cancel out.
    fell = metrics.ratio(pair.broke - pair.fixed, pair.n)
    value, bound = _apart(fell, limit)
    moved = f"rose by {value[1:]}" if fell < 0 else f"fell by {value}"
    message = (
        f"Accuracy {moved} on {pair.n:,} shared images ({pair.fixed:,} fixed, {pair.broke:,} broke); "
        f"a drop of at most {bound} is allowed."
    )
    # The interval is of second minus first. A drop is its negative, so the ends change places.
    low, high = (-end for end in reversed(pair.interval))
    caution = _one_is_too_many(pair.n, limit) or (_within((low, high)) if low < limit < high else "")
    return GateResult("max-drop", fell <= limit, fell, limit, pair.n, message + caution)


def not_worse(pair: PairedCounts) -> GateResult:
    """Pass if McNemar's exact test does not find the evaluation worse than its baseline."""
    # The test has two sides, so that a significant improvement must not fail.
    worse = pair.broke > pair.fixed and pair.p_value < SIGNIFICANCE
    message = (
        f"{pair.fixed:,} fixed, {pair.broke:,} broke of {pair.n:,} shared images: McNemar's exact p = "
        f"{pair.p_value:.2g}; worse with p < {SIGNIFICANCE} fails."
    )
    if pair.fixed + pair.broke < FEWEST_DISCORDANT:
        message += f" Too few to tell: it takes {FEWEST_DISCORDANT} images that were fixed or broke to fail this gate."
    return GateResult("fail-if-worse", not worse, pair.p_value, SIGNIFICANCE, pair.n, message)


def _caution(tally: Tally, limit: float) -> str:
    """Return a warning if other images like these could decide otherwise."""
    low, high = tally.interval
    return _too_few(tally.n, limit) or (_within((low, high)) if low < limit < high else "")


def _within(interval: tuple[float, float]) -> str:
    return f" The limit lies in the 95 % interval {percent_range(interval)}: other images could decide otherwise."


def _too_few(n: int, limit: float) -> str:
    """Return a warning if even n of n correct images could not show the limit.

    Their Wilson interval begins at n / (n + z²). It reaches the limit from n = z²·limit / (1 - limit) on.
    """
    if limit >= 1 or metrics.wilson_interval(n, n)[0] >= limit:
        return ""
    # Solve n / (n + z²) = limit for n.
    needed = math.ceil(metrics.Z_95**2 * limit / (1 - limit))
    return f" n is too small for this limit: it takes {needed:,} images, all correct, to show it with 95 % confidence."


def _one_is_too_many(n: int, limit: float) -> str:
    """Return a warning if a single image exceeds the limit, which then means 0."""
    if not n or not 0 < limit < 1 / n:
        return ""
    return f" n is too small for this limit: a single image is {percent(1 / n)}."


def _apart(value: float, limit: float) -> tuple[str, str]:
    """Return both as percentages, with enough digits to tell them apart."""
    # 94.96 % must not read "95.0 %; at least 95.0 % is required".
    digits = next((d for d in range(1, 15) if value == limit or percent(value, d) != percent(limit, d)), 15)
    return percent(value, digits), percent(limit, digits)


def gates_line(gates: Sequence[GateResult]) -> str:
    """Return in a few words whether the gates passed; empty without gates."""
    failed = sum(not gate.passed for gate in gates)
    total = len(gates)
    if not total:
        return ""
    if failed:
        return f"{failed} of {total} gates failed"
    return "The gate passed" if total == 1 else f"All {total} gates passed"
