"""batch-eval run: evaluate a model on a folder of images."""

from __future__ import annotations

from batch_eval.cli import options


def run(
    folder: options.Folder,
    model: options.Model = None,
    network: options.Network = None,
    labels: options.Labels = None,
    path_column: options.PathColumn = None,
    label_column: options.LabelColumn = None,
    label_pattern: options.LabelPattern = None,
    preprocess: options.Preprocess = "photo",
    skip: options.Skip = None,
    adjust: options.Adjust = None,
    classes: options.Classes = None,
    input_range: options.InputRange = "auto",
    trust_model: options.TrustModel = False,
    verify: options.Verify = False,
    out: options.Out = None,
    format: options.Format = None,  # noqa: A002 - the option's name
    self_contained: options.SelfContained = False,
    group_errors: options.GroupErrors = False,
    plots: options.Plots = False,
    jobs: options.Jobs = None,
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
    """Evaluate a saved model on a folder of labelled digit images.

    Prints the accuracy and the misclassified images, and writes CSV, JSON and HTML reports.

    **Examples**

    `batch-eval run sample_images`

    `batch-eval run photos --model mnist.keras --out results`

    `batch-eval run photos --labels truth.csv --preprocess mnist`

    `batch-eval run photos --fail-under 0.95 --format json --format html`
    """
    from batch_eval.api import evaluate_dataset, label_notes, open_with_recipe, verify_model
    from batch_eval.cli.console import progress_bar, say
    from batch_eval.cli.finish import default_out, finish, load_baseline, output
    from batch_eval.dataset import load_dataset
    from batch_eval.gates import parse_limits
    from batch_eval.imaging import parse_adjustments

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
    destination = output(out or default_out(folder), format, plots=plots, self_contained=self_contained, quiet=quiet)
    earlier = load_baseline(baseline, destination)
    classifier, recipe = open_with_recipe(
        model,
        preprocess,
        skip or (),
        parse_adjustments(adjust or ()),
        network=network,
        class_names=options.class_names(classes),
        input_range=input_range,
        trust=trust_model,
    )
    if verify:
        from batch_eval.models import check_verifiable

        check_verifiable(model, network=network, trust=trust_model)
    dataset = load_dataset(
        folder, labels=labels, path_column=path_column, label_column=label_column, label_pattern=label_pattern
    )
    slices = zip(*(sample.slices for sample in dataset.samples), strict=True)
    limits.check_names(classifier.class_names, dict(zip(dataset.slice_names, slices, strict=True)))
    if not quiet:
        say(f"Labels: {dataset.label_source}")
        for note in (*dataset.notes, *label_notes(dataset, classifier), *classifier.notes):
            say(f"Note: {note}")
    with progress_bar(len(dataset.samples), hidden=quiet) as progress:
        evaluation = evaluate_dataset(dataset, classifier, recipe, jobs=jobs, progress=progress)
    if verify:
        verification = verify_model(model, dataset, classifier, recipe, network=network, trust=trust_model)
        if not quiet:
            say(str(verification))
    if group_errors:
        from batch_eval.reports import looks

        evaluation = looks.group_errors(evaluation)
    finish(evaluation, destination, limits, earlier)
