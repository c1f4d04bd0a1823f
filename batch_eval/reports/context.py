"""What reports get besides their subject."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from batch_eval.evaluation import Evaluation
    from batch_eval.gates import GateResult


@dataclass(frozen=True, slots=True)
class ReportContext:
    """The gates' results, the baseline, and how much a report shows.

    ``self_contained`` makes the HTML report a single file; None does so where it is small. ``pixels`` adds the model's
    input to predictions. ``slices`` names those to show; none means all with few values.
    ``csv_bom`` begins CSV files with a byte order mark, by which Excel knows UTF-8.
    """

    gates: tuple[GateResult, ...] = ()
    baseline: Evaluation | None = None
    self_contained: bool | None = False
    pixels: bool = False
    slices: tuple[str, ...] = ()
    csv_bom: bool = False


NO_CONTEXT = ReportContext()
"""No gates, no baseline, no extras."""
