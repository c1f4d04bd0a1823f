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
"""Where the templates and the style sheet are kept."""
_FILTERS: Mapping[str, Callable[..., str]] = {
    "points": points,
    "points_range": points_range,
    "read_as": read_as,
    "verdict": verdict,
}


def render(template: str, comparison: Comparison, shown: int, **more: Any) -> bytes:
    """Return a template filled; at most ``shown`` images are listed of those fixed, and of those broken."""
    return fill(FILES, template, _FILTERS, comparison=comparison, shown=shown, basis=basis(comparison), **more)
