"""What changed since the baseline, on the images that both evaluations scored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from batch_eval.evaluation.metrics import SIGNIFICANCE
from batch_eval.evaluation.records import Evaluation, Provenance
from batch_eval.wording import p_text, percent, points, points_range, printable

if TYPE_CHECKING:
    from batch_eval.evaluation.paired import PairedCounts


@dataclass(frozen=True, slots=True)
class BaselineComparison:
    """The evaluation against its baseline. ``pair`` is None where they share no scored image."""

    pair: PairedCounts | None
    baseline: Provenance

    @property
    def direction(self) -> str:
        """Return `better`, `worse`, `same`, or `unclear` where the difference is not significant."""
        # p is 1 for one fixed and one broke too. So no change at all is told apart before p is asked.
        if self.pair is None or self.pair.fixed + self.pair.broke == 0:
            return "same"
        if self.pair.p_value >= SIGNIFICANCE:
            return "unclear"
        return "better" if self.pair.difference > 0 else "worse"

    @property
    def sentence(self) -> str:
        """Return the comparison in words, the same in every format."""
        if self.pair is None:
            return f"Compared with {self._name}: it shares no scored image with this one."
        pair, n = self.pair, f"{self.pair.n:,} shared images"
        if self.direction == "same":
            return f"Compared with {self._name}: no change on {n}, {percent(pair.second.share, 2)} as before."
        result = {"unclear": "not significant"}.get(self.direction, f"significantly {self.direction}")
        return (
            f"Compared with {self._name}: {percent(pair.first.share, 2)} → {percent(pair.second.share, 2)} on {n}, "
            f"{points(pair.difference)} points ({points_range(pair.interval)}); "
            f"{pair.fixed:,} fixed, {pair.broke:,} broke (McNemar's exact {p_text(pair.p_value)}: {result})."
        )

    @property
    def _name(self) -> str:
        p = self.baseline
        return f"{printable(p.model)} with {printable(p.preprocess)} preprocessing of {printable(p.created[:10])}"


def compare_with_baseline(evaluation: Evaluation, baseline: Evaluation | None) -> BaselineComparison | None:
    """Return what changed since the baseline, or None without one."""
    if baseline is None:
        return None
    from batch_eval.evaluation.paired import NothingSharedError, paired_counts  # most runs have no baseline

    try:
        pair = paired_counts(baseline, evaluation)
    except NothingSharedError:  # no shared image: reports say so, and gates on the baseline stop the run
        return BaselineComparison(None, baseline.provenance)
    return BaselineComparison(pair, baseline.provenance)
