"""Fills the templates of a comparison."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from batch_eval.evaluation.paired import Comparison
from batch_eval.reports.comparison.sentences import basis, read_as, verdict
from batch_eval.reports.templating import fill
from batch_eval.wording import points, points_range

FILES = Path(__file__).with_name("files")
"""Folder of the templates and the style sheet."""
_FILTERS: Mapping[str, Callable[..., str]] = {
    "points": points,
    "points_range": points_range,
    "read_as": read_as,
    "verdict": verdict,
}


def render(template: str, comparison: Comparison, shown: int, **more: Any) -> bytes:
    """Return a filled template. It lists at most ``shown`` images under Fixed and under Broke."""
    return fill(FILES, template, _FILTERS, comparison=comparison, shown=shown, basis=basis(comparison), **more)
