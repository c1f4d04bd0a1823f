"""batch-eval report: make reports of a saved evaluation again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from batch_eval.cli import options
from batch_eval.cli.grouping import grouped


@grouped
def report(
    saved: options.Saved,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            help="The folder for the reports, or - for stdout, which takes exactly one format. "
            "Default: the folder of SAVED.",
            show_default=False,
        ),
    ] = None,
    *,
    reports: options.ReportFlags,
    gates: options.GateFlags,
) -> None:
    """Write reports of a saved evaluation and check its gates, without model or images.

    **Examples**

    `batch-eval report reports/photos --format markdown --out -`

    `batch-eval report reports/photos/evaluation.json --fail-under 0.95`
    """
    from batch_eval.cli.finish import checked_output, finish, load_baseline, load_saved

    limits = gates.limits()
    output = checked_output(out or (saved if saved.is_dir() else saved.parent), reports)
    baseline = load_baseline(gates.baseline, output)
    finish(load_saved(saved), output, limits, baseline)
