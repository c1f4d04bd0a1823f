"""Parts of a set: folders such as `train`, `val` and `test`, or a column `split`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from batch_eval.dataset.labels.words import SPLIT_WORDS, folded, part_in
from batch_eval.errors import ConfigError
from batch_eval.wording import listing, printable

SPLIT = "split"
"""The slice that says which part of a set an image is in."""


def parts_of(images: Sequence[str]) -> list[str] | None:
    """Return the part that each image's folders name, or nothing. Return None if there are not two parts."""
    part_of: dict[str, str] = {}
    parts = []
    for path in images:
        folder = path.rpartition("/")[0]
        if folder not in part_of:
            part_of[folder] = next(filter(None, map(part_in, folder.split("/"))), "")
        parts.append(part_of[folder])
    return parts if len({part for part in parts if part}) > 1 else None


def pooled_note(parts: Sequence[str]) -> str:
    """Return the remark that the parts of a set are evaluated together."""
    counts = Counter(part or "(none)" for part in parts)
    shown = ", ".join(f"{printable(part)} ({count:,})" for part, count in counts.items())
    return f"The set has the parts {shown}, which are pooled; --split takes one."


def slice_of_parts(names: Sequence[str], slices: Sequence[tuple[str, ...]], wanted: str | None = None) -> int | None:
    """Return the slice of parts: `split`, or a column of nothing but words for parts.

    With a ``wanted`` part, the one slice that holds it counts too.
    """
    if SPLIT in names:
        return names.index(SPLIT)
    # A column counts by its values, as its name may be anything: set, usage, ml_use.
    values = [{each[i] for each in slices} - {""} for i in range(len(names))] if slices else []
    spoken = [
        i for i, found in enumerate(values) if len(set(map(part_in, found)) - {""}) > 1 and all(map(part_in, found))
    ]
    holding = [i for i, found in enumerate(values) if wanted in found]
    return next(iter(spoken or (holding if len(holding) == 1 else [])), None)


def rows_of(wanted: str, parts: Sequence[str] | None) -> list[int]:
    """Return the rows of one part. Raises ConfigError if there is none of this name."""
    known = sorted(set(parts or ()) - {""})
    part = SPLIT_WORDS.get(folded(wanted), wanted)
    # The exact name wins: a set may have `test` and `Test` as two parts.
    same = [name for name in known if name == wanted] or [
        name for name in known if name.casefold() == wanted.casefold() or part_in(name) == part
    ]
    if not same:
        found = f"it has {listing(known, 10)}" if known else "it has no parts"
        raise ConfigError(f"--split {wanted} names no part of the set: {found}.")
    return [row for row, part in enumerate(parts or ()) if part in same]
