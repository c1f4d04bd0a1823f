"""Why images were misread, as an evaluation keeps it for its reports. `studies.explain` finds it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

KINDS = {
    "thicker strokes": "with thicker strokes",
    "thinner strokes": "with thinner strokes",
    "turning": "when turned",
    "moving": "when moved",
    "size": "at another size",
    "slant": "with another slant",
    "erasing": "when a spot is erased",
    "adding": "when a gap is closed or a spot of ink added",
}
"""Each kind of change that can make an image read right, in words that follow "go away"."""
WITHOUT = "no small change makes it read right"
"""Stands for the repair of an image that has none."""


@dataclass(frozen=True, slots=True)
class Explained:
    """Why the image of one row was misread."""

    row: int
    repair: str
    """The smallest change that makes the model read the truth, such as ``turn by 5° clockwise``; empty without one."""
    kinds: tuple[str, ...]
    """All kinds of change, keys of ``KINDS``, that do so."""
    picture: bytes
    """PNG: what the model saw, its evidence in red, the changed image, and the nearest training digits if known."""

    @property
    def reason(self) -> str:
        """Return the reason in words."""
        return f"to be read right: {self.repair}" if self.repair else WITHOUT


def reasons(kinds: Sequence[Sequence[str]], errors: int | None = None) -> list[str]:
    """Return how many errors go away with each kind, most frequent first.

    ``kinds`` are those of each explained image, and ``errors`` counts all errors, if more than the explained ones.
    """
    # an error that two kinds would mend counts for both, so that the counts may exceed the errors
    counts = Counter(kind for of_image in kinds for kind in of_image)
    some = errors is not None and errors > len(kinds)  # --explain takes at most a number of them
    if len(kinds) == 1:
        only = "The most confident error" if some else "The error"
        return [f"{only} goes away {KINDS[kind]}." for kind in kinds[0]] or ["No small change makes it read right."]
    total = f"the {len(kinds):,} most confident errors" if some else f"{len(kinds):,} errors"
    found = [f"{count:,} of {total} go away {KINDS[kind]}." for kind, count in counts.most_common()]
    if without := sum(not of_image for of_image in kinds):
        found.append(f"No small change makes {without:,} of {len(kinds):,} read right.")
    return found
