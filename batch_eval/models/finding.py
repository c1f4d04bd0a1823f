"""Decide on a model's convention.

An option gives each part, or the file states it, or the self-test finds it, in this order.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from batch_eval.errors import ConfigError
from batch_eval.found_convention import ASSUMED, GIVEN, PARTS, STATED, TESTED, UNDECIDED, FoundConvention
from batch_eval.models.class_names import DIGIT_COLUMNS, DIGIT_ORDERS, DIGITS, digit_columns
from batch_eval.models.convention import INKS, Convention, values_of
from batch_eval.models.inference import Inference
from batch_eval.models.input_range import AUTO, RANGES, parse_range
from batch_eval.models.options import ModelOptions

if TYPE_CHECKING:
    from batch_eval.models.self_test import Candidate, TestResult

NAMED = "--classes"
"""Name of an order of classes that an option gives."""
RIVALS_NAMED = 2
"""Values that a note names beside the chosen one."""
OPTIONS = {
    "input_range": "--input-range {}",
    "ink": "--ink {}",
    "orientation": "--{}",
    "classes": "--classes in that order",
}
"""The option that fixes each part."""


@dataclass(frozen=True)
class Finding:
    """A model's convention, and the names of its classes in the order of its outputs."""

    convention: Convention
    class_names: tuple[str, ...]
    found: FoundConvention
    notes: tuple[str, ...] = ()


def find_convention(
    inference: Inference, kind: str, names: Sequence[str] | None, options: ModelOptions, *, known: bool
) -> Finding:
    """Find a model's convention.

    Args:
        inference: The model.
        kind: Kind of its outputs.
        names: Names of its classes; None where they are the ten digits in unknown order.
        options: What the user gave.
        known: The model has the usual convention where no option says otherwise.

    Raises:
        ConfigError: An option is invalid.

    """
    fixed, found = _fixed(inference, options)
    if names is not None:
        found["classes"] = GIVEN if options.class_names else STATED
    if known:
        found |= dict.fromkeys(PARTS, STATED) | found
    orders = DIGIT_COLUMNS if names is None else _order_of(names)
    if len(found) == len(PARTS) or not orders:
        finding = _untested(Convention(**{"input_range": RANGES["0..1"], **fixed}), found, names)
    else:
        with inference.limited("the self-test"):
            finding = _tested(inference, kind, fixed, found, names, orders)
    return replace(finding, notes=(*_contradiction(inference.pixel_range, options.input_range), *finding.notes))


def _tested(
    inference: Inference,
    kind: str,
    fixed: Mapping[str, Any],
    found: Mapping[str, str],
    names: Sequence[str] | None,
    orders: Mapping[str, Sequence[int]],
) -> Finding:
    """Return what the self-test finds."""
    from batch_eval.models.self_test import candidates, race  # which the default model does not need

    contenders = candidates(fixed, inference.layout.channels, orders)
    result = race(inference, kind, contenders)
    finding = _judged(result, found, names) if result.reads else _unread(result, contenders[0], found, names)
    if not result.reads and GIVEN in found.values():
        free = race(inference, kind, candidates({}, inference.layout.channels, {**orders, **DIGIT_COLUMNS}))
        finding = replace(finding, notes=(_without_options(result, free),)) if free.reads else finding
    return finding


def _without_options(result: TestResult, free: TestResult) -> str:
    """Return a sentence where options, and they alone, keep a model from reading digits."""
    return (
        f"With the options given, the model reads {result.right} of {result.digits} of this program's own digits. "
        f"Given {free.best}, it reads {free.right} of {free.digits}."
    )


def _order_of(names: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """Return the only order of named classes; none if they are not digits."""
    columns = digit_columns(names)
    return {} if columns is None else {NAMED: tuple(columns.tolist())}


def _fixed(inference: Inference, options: ModelOptions) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the fields of `Convention` that options and file fix, and how each part was found."""
    fixed: dict[str, Any] = {}
    found: dict[str, str] = {}
    if inference.pixel_range is not None:
        fixed["input_range"], found["input_range"] = RANGES[inference.pixel_range], STATED
    if options.input_range != AUTO:
        fixed["input_range"], found["input_range"] = parse_range(options.input_range), GIVEN
    if options.ink != AUTO:
        if options.ink not in INKS:
            raise ConfigError(f"The ink {options.ink!r} is invalid. Must be one of {', '.join((AUTO, *INKS))}.")
        fixed["ink"], found["ink"] = options.ink, GIVEN
    if options.transposed is not None:
        fixed["transposed"], found["orientation"] = options.transposed, GIVEN
    return fixed, found


def _contradiction(stated: str | None, requested: str) -> tuple[str, ...]:
    """Return a sentence where an option contradicts the file; none otherwise."""
    if stated is None or requested in (AUTO, stated):
        return ()
    return (f"The model's first layers expect pixel values {stated}, but --input-range {requested} was given.",)


def _judged(result: TestResult, fixed: Mapping[str, str], names: Sequence[str] | None) -> Finding:
    """Return the convention under which the model reads digits best."""
    best = values_of(result.best.convention, result.best.order)
    rivals = [values_of(one.convention, one.order) for one in result.rivals]
    others = {part: list(dict.fromkeys(r[part] for r in rivals if r[part] != best[part])) for part in PARTS}
    found = {part: fixed.get(part, UNDECIDED if others[part] else TESTED) for part in PARTS}
    notes = (*_unusual_note(result, best, found), *_undecided_notes(best, others, found))
    return _finding(result, result.best, found, names, notes)


def _unusual_note(result: TestResult, best: Mapping[str, str], found: Mapping[str, str]) -> Iterator[str]:
    """Yield a sentence on the parts that the self-test found to be unusual."""
    usual = values_of(Convention(), next(iter(DIGIT_ORDERS)))
    unusual = [part for part in PARTS if found[part] in (TESTED, UNDECIDED) and best[part] != usual[part]]
    if unusual:
        words = ", ".join(PARTS[part].format(best[part]) for part in unusual)
        yield (
            f"The self-test found that the model takes {words}: so it reads {result.right} of {result.digits} of this "
            "program's own digits."
        )


def _undecided_notes(
    best: Mapping[str, str], others: Mapping[str, Sequence[str]], found: Mapping[str, str]
) -> Iterator[str]:
    """Yield a sentence for each part that the self-test could not tell."""
    for part in PARTS:
        if found[part] == UNDECIDED:
            words, option = PARTS[part].format(best[part]), OPTIONS[part].format(best[part])
            rivals = " or ".join(others[part][:RIVALS_NAMED])
            yield f"The self-test could not tell {words} from {rivals}: the former is used, as with {option}."


def _unread(result: TestResult, usual: Candidate, fixed: Mapping[str, str], names: Sequence[str] | None) -> Finding:
    """Return the usual convention, for a model that reads no digits under any."""
    found = {part: fixed.get(part, UNDECIDED) for part in PARTS}
    note = (
        f"The model reads few of this program's own digits whatever its convention: {result.right} of {result.digits} "
        f"at best. It is given {usual}. Is it a model of digits? Name other classes with --classes."
    )
    return _finding(result, usual, found, names, (note,))


def _finding(
    result: TestResult,
    chosen: Candidate,
    found: Mapping[str, str],
    names: Sequence[str] | None,
    notes: tuple[str, ...],
) -> Finding:
    """Return a finding of the self-test."""
    values = values_of(chosen.convention, chosen.order)
    in_words = FoundConvention(values, found, result.right, result.digits)
    return Finding(chosen.convention, tuple(names or DIGIT_ORDERS[chosen.order]), in_words, notes)


def _untested(convention: Convention, found: Mapping[str, str], names: Sequence[str] | None) -> Finding:
    """Return the convention of a model that needs no self-test, or takes none."""
    ways = {part: found.get(part, ASSUMED) for part in PARTS}
    notes: tuple[str, ...] = ()
    if ASSUMED in ways.values():
        untested = "The classes are not the ten digits, so the model's convention was not tested"
        notes = (f"{untested}. It is given {convention}.",)
    every = tuple(names or DIGITS)
    order = next((order for order, digits in DIGIT_ORDERS.items() if digits == every), NAMED)
    return Finding(convention, every, FoundConvention(values_of(convention, order), ways), notes)
