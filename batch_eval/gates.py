"""Gates: limits that an evaluation must keep, so that a CI job can decide."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from batch_eval.evaluation import Evaluation


@dataclass(frozen=True, slots=True)
class GateResult:
    """What one gate said: its figure, its limit, and on how many images ``n`` the figure rests.

    ``value`` and ``limit`` are shares in 0..1 (NaN of no images); ``message`` is the sentence that reports show.
    """

    name: str
    passed: bool
    value: float
    limit: float
    n: int
    message: str


@dataclass(frozen=True, slots=True)
class ReportContext:
    """What reports are told beside the evaluation: the gates' results, and the evaluation it is compared with."""

    gates: tuple[GateResult, ...] = ()
    baseline: Evaluation | None = None
