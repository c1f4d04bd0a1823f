"""Parts of a set: folders such as `train`, `val` and `test`, or a column `split`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from batch_eval.dataset.labels.words import SPLIT_WORDS, folded
from batch_eval.errors import ConfigError
from batch_eval.wording import listing, printable

SPLIT = "split"
"""The slice that says which part of a set an image is in."""


def parts_of(images: Sequence[str]) -> list[str] | None:
    """Return the part that each image's folders name, empty where none does; None where there are not two parts."""
    part_of: dict[str, str] = {}
    parts = []
    for path in images:
        folder = path.rpartition("/")[0]
        if folder not in part_of:
            names = map(folded, folder.split("/"))
            part_of[folder] = next((SPLIT_WORDS[name] for name in names if name in SPLIT_WORDS), "")
        parts.append(part_of[folder])
    return parts if len({part for part in parts if part}) > 1 else None


def pooled_note(parts: Sequence[str]) -> str:
    """Return the remark that the parts of a set are evaluated together."""
    counts = Counter(part or "(none)" for part in parts)
    shown = ", ".join(f"{printable(part)} ({count:,})" for part, count in counts.items())
    return f"The set has the parts {shown}, which are pooled; --split takes one."


def rows_of(wanted: str, parts: Sequence[str] | None) -> list[int]:
    """Return the rows of one part; raises ConfigError where there is none of this name."""
    known = sorted(set(parts or ()) - {""})
    name = wanted if wanted in known else SPLIT_WORDS.get(folded(wanted), wanted)
    if name not in known:
        found = f"it has {listing(known, 10)}" if known else "it has no parts"
        raise ConfigError(f"--split {wanted} names no part of the set: {found}.")
    return [row for row, part in enumerate(parts or ()) if part == name]
