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
    explain: options.Explain = False,
    explain_at_most: options.ExplainAtMost = 50,
    against: options.Against = None,
    model: options.Model = None,
    opening: options.ModelFlags,
    reports: options.ReportFlags,
    gates: options.GateFlags,
) -> None:
    """Write reports of a saved evaluation and check its gates, without images.

    Only `--explain` needs the model, by which the evaluation was made. Nothing else looks at the options for models.

    **Examples**

    `batch-eval report reports/photos --format markdown --out -`

    `batch-eval report reports/photos/evaluation.json --fail-under 0.95`

    `batch-eval report reports/photos --explain --model mnist.keras`
    """
    from batch_eval.cli.finish import checked_output, finish, load_baseline, load_saved

    limits = gates.limits()
    output = checked_output(out or (saved if saved.is_dir() else saved.parent), reports)
    baseline = load_baseline(gates.baseline, output)
    evaluation = load_saved(saved)
    if explain:
        from batch_eval.cli.explain import explained_with_progress
        from batch_eval.models import open_model
        from batch_eval.studies.explain import check_explainable, check_same_model, digits_for

        classifier = open_model(opening.options(model))
        check_explainable(classifier)
        check_same_model(classifier, evaluation)
        digits = digits_for(classifier, against)
        evaluation = explained_with_progress(evaluation, classifier, explain_at_most, digits, hidden=output.quiet)
    finish(evaluation, output, limits, baseline)
