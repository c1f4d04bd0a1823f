"""The data card: what the images are, and what would make better ones.

Source: Gebru et al., Datasheets for Datasets, Communications of the ACM 64(12), 2021.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from batch_eval.dataset.splits import SPLIT
from batch_eval.engines.rows import Copies
from batch_eval.evaluation.advice import explains
from batch_eval.evaluation.breakdown import by_flag
from batch_eval.evaluation.records import Evaluation
from batch_eval.wording import listing, percent, printable

CARD = "Data card"
"""Heading of the card in every format."""
WRITERS = ("writer", "person", "author", "subject", "participant", "hand", "student", "user")
"""Names of slices that tell who wrote, in lower case."""
UNEVEN = 2
"""How many times the rarest class the most frequent one must have before the balance is called uneven."""
LARGE_SHARE = 0.25
"""Share of the images by one writer from which that writer is named."""
ADVICE = {
    "low_contrast": "Use a darker pen, or light the page more brightly.",
    "faint": "Press harder or take a thicker pen, and photograph in more light.",
    "blurred": "Hold the camera still, tap the digit to focus, and keep a hand's width of distance.",
    "touches_border": "Leave a margin as wide as a stroke is long around the digit.",
    "ruled_paper": "Write on plain paper, or between the lines without touching them.",
    "several_digits": "Photograph one digit at a time, or cut the page first.",
    "not_a_digit": "Frame the digit alone: no hands, letters or drawings.",
}
"""How to photograph, for each quality flag."""


class Fact(NamedTuple):
    """A line of the card."""

    name: str
    words: str


def data_card(evaluation: Evaluation) -> list[Fact]:
    """Return the lines of the card: classes, writers, sizes, flags, copies, and advice for flags that hurt."""
    return list(_facts(evaluation))


def _facts(evaluation: Evaluation) -> Iterator[Fact]:
    truths = evaluation.files_by_label()
    if truths:
        yield Fact("Classes", _balance(truths, evaluation.class_names))
    yield from _writers(evaluation)
    if sizes := _sizes(evaluation):
        yield Fact("Sizes", sizes)
    flags = by_flag(evaluation)
    if flags:
        shares = (f"{flag.name} {flag.having.n:,} ({percent(flag.having.n / evaluation.scored)})" for flag in flags)
        yield Fact("Flags", f"{', '.join(map(printable, shares))}.")
    if evaluation.records.copies:
        yield Fact("Copies", _copies(evaluation))
    for flag in flags:
        if flag.name in ADVICE and explains(flag):
            yield Fact("Advice", f"{flag.name}: {ADVICE[flag.name]}")


def _balance(truths: Counter[str], names: Sequence[str]) -> str:
    """Return how many images the classes have."""
    (most, high), (least, low) = truths.most_common(1)[0], min(truths.items(), key=lambda item: item[1])
    words = f"{truths.total():,} labelled images of {len(truths):,} classes"
    if len(truths) > 1:
        words += f", {low:,} ({printable(least)}) to {high:,} ({printable(most)}) of each"
        words += ": uneven" if high >= UNEVEN * low else ""
    if missing := [name for name in names if name not in truths]:
        words += f"; none of {listing(list(map(printable, missing)))}"
    return f"{words}."


def _writers(evaluation: Evaluation) -> Iterator[Fact]:
    for name in (name for name in evaluation.slice_values if name.lower() in WRITERS):
        found = Counter({value: n for value, n in evaluation.files_by_value(name).items() if value})
        if found:
            writer, count = found.most_common(1)[0]
            share = count / evaluation.files
            words = f"{len(found):,} in the column {printable(name)}"
            if share >= LARGE_SHARE and len(found) > 1:
                words += f"; {percent(share)} of the images are by {printable(writer)}"
            if len(found) > 1:
                words += ". Images of one hand are alike: the interval is rather too narrow"
            yield Fact("Writers", f"{words}.")


def _sizes(evaluation: Evaluation) -> str:
    """Return the smallest, median and largest size; empty where sizes are unknown."""
    sizes = evaluation.records.sizes
    known = sizes[sizes.all(axis=1)] if sizes is not None else np.zeros((0, 2), np.uint32)
    if not len(known):
        return ""
    order = known.astype(np.int64).prod(axis=1).argsort(kind="stable")
    smallest, median, largest = (
        f"{width:,} × {height:,}" for width, height in known[order[[0, len(order) // 2, -1]]].tolist()
    )
    return f"all {smallest} pixels." if smallest == largest else f"{smallest} to {largest} pixels, median {median}."


def _copies(evaluation: Evaluation) -> str:
    """Return how many images are copies of another one, and which lie in two parts of the set."""
    found = evaluation.records.copies
    words = []
    for exact, kind in ((True, "equal files"), (False, "encoded or scaled again")):
        if groups := [group for group in found if group.exact is exact]:
            count = sum(len(group.rows) for group in groups)
            names = [" and ".join(map(printable, _names(evaluation, group)[:3])) for group in groups]
            words.append(f"{count:,} images show {len(groups):,} pictures ({kind}): {listing(names)}")
    if across := [group for group in found if _splits(evaluation, group) > 1]:
        names = [" and ".join(map(printable, _names(evaluation, group)[:3])) for group in across]
        words.append(f"{len(across):,} of the pictures lie in two parts of the set: {listing(names)}")
    return f"{'. '.join(words)}."


def _names(evaluation: Evaluation, group: Copies) -> list[str]:
    return [evaluation.records.ids[row] for row in group.rows]


def _splits(evaluation: Evaluation, group: Copies) -> int:
    values = evaluation.records.slices.get(SPLIT)
    return len({values[row] for row in group.rows}) if values else 1
