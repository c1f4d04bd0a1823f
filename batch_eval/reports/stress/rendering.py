"""Fills the templates of a stress test, and its sentences, the same in every format."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from batch_eval.evaluation.stress import Curve, StressTest
from batch_eval.gates import gates_line
from batch_eval.gates.checks import FEWEST_DISCORDANT
from batch_eval.reports.context import ReportContext
from batch_eval.reports.templating import fill
from batch_eval.wording import counted, percent, percent_range

FILES = Path(__file__).with_name("files")
"""Folder of the templates and the style sheet."""
_METHOD = (
    "A distortion holds until the last level before the accuracy is significantly below that of the plain images "
    "(McNemar's exact test on the same images, p < 0.05)."
)


def basis(test: StressTest) -> str:
    """Return the sentence that says what was tested."""
    n, settings = len(test.ids), len(test.settings)
    drawn = f"{n:,} of {test.images:,} images, drawn with seed {test.seed}" if n < test.images else counted(n, "image")
    return f"{test.provenance.model} on {drawn}, at {counted(settings, 'setting')}."


def answer(test: StressTest) -> str:
    """Return the sentence that says what breaks the model first."""
    first = test.ranked[0]
    if first.breaks is None:
        return "No distortion makes it significantly worse at the levels tried."
    there = first.breaks
    several = len(first.points) > 1
    where = f" at {there.setting.text}" if several else ""
    held = f" It holds until {first.holds.setting.text}." if first.holds and several else ""
    return (
        f"It breaks first with {first.distortion.title}: {percent(there.tally.share)}{where}, "
        f"{percent(test.plain.share)} plain.{held}"
    )


def method(test: StressTest) -> str:
    """Return what "holds until" means, and what so many images can show."""
    n = len(test.ids)
    if n < FEWEST_DISCORDANT:
        few = counted(n, "image")
        return f"{_METHOD} {few} cannot show that a level is worse: it takes {FEWEST_DISCORDANT} that break."
    return f"{_METHOD} It takes {FEWEST_DISCORDANT} images that break: {percent(FEWEST_DISCORDANT / n)} of these."


def plain(test: StressTest) -> str:
    """Return the plain accuracy with its interval."""
    return f"Plain {percent(test.plain.share)} ({percent_range(test.plain.interval)}, n = {test.plain.n:,})"


def holds(curve: Curve) -> str:
    """Return until which level a distortion holds."""
    if curve.breaks is None:
        return f"{curve.points[-1].setting.text}, all levels" if len(curve.points) > 1 else "yes"
    return curve.holds.setting.text if curve.holds else "no" if len(curve.points) == 1 else "no level"


def render(template: str, test: StressTest, context: ReportContext, **more: Any) -> bytes:
    """Return a filled template."""
    return fill(
        FILES,
        template,
        {"holds": holds},
        test=test,
        gates=context.gates,
        gates_line=gates_line(context.gates),
        basis=basis(test),
        answer=answer(test),
        plain=plain(test),
        method=method(test),
        **more,
    )
