"""batch-eval run: evaluate a model on a folder of images."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import typer

from batch_eval.cli import options
from batch_eval.cli.grouping import grouped


@grouped
def run(
    context: typer.Context,
    places: options.Places,
    model: options.Model = None,
    *,
    opening: options.ModelFlags,
    labels: options.LabelFlags,
    preparing: options.PreprocessingFlags,
    explain: options.Explain = False,
    explain_at_most: options.ExplainAtMost = 50,
    against: options.Against = None,
    compare_recipes: options.CompareRecipes = True,
    verify: options.Verify = False,
    jobs: options.Jobs = None,
    out: options.Out = None,
    parts: options.PartFlags,
    export_errors: options.ExportErrors = None,
    reports: options.ReportFlags,
    sets: options.SetFlags,
    gates: options.GateFlags,
) -> None:
    """Evaluate a saved model on a set of labelled digit images.

    Prints the accuracy and the misclassified images, and writes CSV, JSON and HTML reports.

    **Examples**

    `batch-eval run sample_images`

    `batch-eval run photos --model mnist.keras --out results`

    `batch-eval run photos --labels truth.csv --preprocess mnist`

    `batch-eval run photos --explain --open`

    `batch-eval run photos --fail-under 0.95 --format json --format html`

    `batch-eval run mnist.npz --split test --preprocess none`

    `batch-eval run manifest.parquet --shard 3/16 --resume --out parts`
    """
    from batch_eval.api import evaluate_task, open_reader, reader_task, task_notes, verify_task
    from batch_eval.cli.console import progress_bar, say
    from batch_eval.cli.finish import (
        checked_output,
        default_out,
        finish,
        load_baseline,
        load_calibration,
        warn_of_unreadable,
    )
    from batch_eval.dataset import load_dataset
    from batch_eval.evaluation.breakdown import check_slices

    if parts.wanted:
        from batch_eval.cli.shard import run_shard

        opened = partial(open_reader, opening.options(model), preparing.options())
        run_shard(
            context,
            places,
            opened,
            labels.options(),
            parts=parts,
            compare_recipes=compare_recipes,
            out=out,
            jobs=jobs,
            quiet=reports.quiet,
        )
        return
    # Everything that can be refused is checked before the first image is read.
    limits = gates.limits()
    output = checked_output(out or default_out(*places), reports)
    baseline = load_baseline(gates.baseline, output)
    sets.check()
    model_options = opening.options(model)
    reader = open_reader(model_options, preparing.options())
    if export_errors:
        from batch_eval.studies.error_files import check_export

        check_export(export_errors)
    if verify:
        from batch_eval.models import check_verifiable

        check_verifiable(model_options)
    if explain:
        from batch_eval.studies.explain import check_explainable, digits_for

        check_explainable(reader.classifier)
        digits = digits_for(reader.classifier, against)
    calibration = load_calibration(sets, reader.classifier.sha256, reader.recipe.settings_sha256)
    task = reader_task(load_dataset(places, labels.options(), reader.classifier.class_names), reader)
    limits.check_names(task.classifier.class_names, task.dataset.slice_values)
    check_slices(output.slices, task.dataset.slice_names)
    if not output.quiet:
        say(f"Labels: {task.dataset.label_source}")
        for note in task_notes(task):
            say(f"Note: {note}")
    with progress_bar(len(task.dataset.samples), hidden=output.quiet) as progress:
        evaluation = evaluate_task(task, jobs=jobs, progress=progress, compare_recipes=compare_recipes)
    evaluation = replace(evaluation, calibration=calibration)
    warn_of_unreadable(evaluation)
    # before the reports are written: where TensorFlow differs, there shall be none
    if verify:
        verification = verify_task(task, model_options)
        if not output.quiet:
            say(str(verification))
    if explain:
        from batch_eval.cli.explain import explained_with_progress

        evaluation = explained_with_progress(
            evaluation, reader.classifier, explain_at_most, digits, hidden=output.quiet
        )
    if export_errors:
        from batch_eval.studies.error_files import export_errors as export

        count = export(evaluation, task.dataset, export_errors)
        if not output.quiet:
            say(f"Copied {count:,} misread files to {export_errors}")
    finish(evaluation, output, limits, baseline, said=task_notes(task))
