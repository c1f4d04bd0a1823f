"""batch-eval run: evaluate a model on a folder of images."""

from __future__ import annotations

from pathlib import Path

import typer

from batch_eval.cli import options


def run(
    folder: options.Folder,
    model: options.Model = None,
    labels: options.Labels = None,
    path_column: options.PathColumn = None,
    label_column: options.LabelColumn = None,
    label_pattern: options.LabelPattern = None,
    preprocess: options.Preprocess = "photo",
    skip: options.Skip = None,
    classes: options.Classes = None,
    input_range: options.InputRange = "auto",
    trust_model: options.TrustModel = False,
    verify: options.Verify = False,
    out: options.Out = None,
    jobs: options.Jobs = None,
    quiet: options.Quiet = False,
) -> None:
    """Evaluate a saved model on a folder of labelled digit images.

    Prints the accuracy and the misclassified images, and writes CSV, JSON and HTML reports.

    **Examples**

    `batch-eval run sample_images`

    `batch-eval run photos --model mnist.keras --out results`

    `batch-eval run photos --labels truth.csv --preprocess mnist`
    """
    from batch_eval.api import evaluate_dataset, verify_model
    from batch_eval.cli.console import progress_bar, say
    from batch_eval.dataset import load_dataset
    from batch_eval.imaging import preprocessor
    from batch_eval.models import open_model
    from batch_eval.output import check_writable
    from batch_eval.reports import DEFAULT_FORMATS, write_report, write_reports

    target = out or Path("reports") / (folder.resolve().name or "root")
    check_writable(target)
    classifier = open_model(
        model, class_names=options.class_names(classes), input_range=input_range, trust=trust_model, threads=1
    )
    recipe = preprocessor(preprocess, size=classifier.size, channels=classifier.channels, skip=skip or ())
    dataset = load_dataset(
        folder, labels=labels, path_column=path_column, label_column=label_column, label_pattern=label_pattern
    )
    if not quiet:
        say(f"Labels: {dataset.label_source}")
        for note in (*dataset.notes, *classifier.notes):
            say(f"Note: {note}")
    with progress_bar(len(dataset.samples), hidden=quiet) as progress:
        evaluation = evaluate_dataset(dataset, classifier, recipe, jobs=jobs, progress=progress)
    if verify:
        say(str(verify_model(model, dataset, classifier, recipe)))
    write_reports(evaluation, target, DEFAULT_FORMATS)
    if not quiet:
        write_report(evaluation, "text", "-")
        typer.echo(f"Reports in {target}")
