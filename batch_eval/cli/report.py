"""batch-eval report: make reports of a saved evaluation again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from batch_eval.cli import options


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
    format: options.Format = None,  # noqa: A002 - the option's name
    self_contained: options.SelfContained = False,
    group_errors: options.GroupErrors = False,
    plots: options.Plots = False,
    quiet: options.Quiet = False,
    fail_under: options.FailUnder = None,
    fail_under_low: options.FailUnderLow = None,
    fail_under_class: options.FailUnderClass = None,
    fail_under_slice: options.FailUnderSlice = None,
    max_unreadable: options.MaxUnreadable = None,
    max_unlabelled: options.MaxUnlabelled = None,
    max_ece: options.MaxEce = None,
    baseline: options.Baseline = None,
    max_drop: options.MaxDrop = None,
    fail_if_worse: options.FailIfWorse = False,
) -> None:
    """Write reports of a saved evaluation, and check gates on it, without its model or images.

    **Examples**

    `batch-eval report reports/photos --format markdown --out -`

    `batch-eval report reports/photos/evaluation.json --fail-under 0.95`
    """
    from batch_eval.cli.finish import finish, load_baseline, load_saved, output
    from batch_eval.gates import parse_limits

    limits = parse_limits(
        fail_under=fail_under,
        fail_under_low=fail_under_low,
        fail_under_class=fail_under_class,
        fail_under_slice=fail_under_slice,
        max_unreadable=max_unreadable,
        max_unlabelled=max_unlabelled,
        max_ece=max_ece,
        max_drop=max_drop,
        fail_if_worse=fail_if_worse,
    )
    limits.check_baseline(baseline is not None)
    target = out or (saved if saved.is_dir() else saved.parent)
    destination = output(target, format, plots=plots, self_contained=self_contained, quiet=quiet)
    earlier = load_baseline(baseline, destination)
    evaluation = load_saved(saved)
    if group_errors:
        from batch_eval.reports import looks

        evaluation = looks.group_errors(evaluation)
    finish(evaluation, destination, limits, earlier)
