"""batch-eval merge: make the reports of one run from parts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from batch_eval.cli import options
from batch_eval.cli.grouping import grouped
from batch_eval.parts.plan import WHOLE_UP_TO

if TYPE_CHECKING:
    from batch_eval.dataset import LabelOptions
    from batch_eval.engines.local import Task
    from batch_eval.imaging import PreprocessingOptions
    from batch_eval.models import ModelOptions


@grouped
def merge(
    parts: Annotated[
        list[Path],
        typer.Argument(
            metavar="PARTS…",
            help="The folders or buckets that `batch-eval run --shard` wrote parts to, or the JSON files of parts.",
            show_default=False,
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            help="The folder for the reports, or - for stdout, which takes exactly one format. Default: reports/PARTS.",
            show_default=False,
        ),
    ] = None,
    *,
    images: Annotated[
        list[Path] | None,
        typer.Option(
            help="The set that was evaluated, or its manifest. Where the accuracy is low, a sample of it is read in "
            "other ways to say why, as `run` does; --model and its options are those of `run`. Default: it is not.",
            show_default=False,
        ),
    ] = None,
    whole_up_to: Annotated[
        int,
        typer.Option(
            min=0,
            help="Images up to which every row is taken into memory and into the reports. Those of a larger set hold "
            "all figures, a sample of the errors, and every row in predictions.parquet only.",
        ),
    ] = WHOLE_UP_TO,
    model: options.Model = None,
    opening: options.ModelFlags,
    labels: options.LabelFlags,
    preparing: options.PreprocessingFlags,
    reports: options.ReportFlags,
    sets: options.SetFlags,
    gates: options.GateFlags,
) -> None:
    """Merge parts into the reports of one run, and check its gates.

    All parts of a set must be there, each once, and of one model, recipe and version. The reports are those that a
    single run writes, to the byte. Only what explains a low accuracy needs the images: --images names them.

    **Examples**

    `batch-eval merge parts --out results`

    `batch-eval merge parts-1 parts-2 --fail-under 0.95`

    `batch-eval merge s3://bucket/parts --out results`
    """
    from batch_eval.cli.console import say
    from batch_eval.cli.finish import (
        checked_output,
        default_out,
        finish,
        load_baseline,
        load_calibration,
        warn_of_unreadable,
    )
    from batch_eval.evaluation.breakdown import check_slices
    from batch_eval.parts.merging import check_complete, find_parts, wants_images
    from batch_eval.parts.merging import merge as merge_parts

    # Everything that can be refused is checked before the rows are read.
    limits = gates.limits()
    output = checked_output(out or default_out(*parts), reports)
    baseline = load_baseline(gates.baseline, output)
    sets.check()
    found = find_parts(parts)
    job = check_complete(found)
    calibration = load_calibration(sets, job.provenance.model_sha256, job.provenance.preprocess_sha256)
    check_slices(output.slices, job.names.slices)
    task = _task(images, opening.options(model), labels.options(), preparing.options()) if images else None
    evaluation = replace(merge_parts(found, task, whole_up_to=whole_up_to), calibration=calibration)
    if task is None and wants_images(evaluation) and not output.quiet:
        say("Note: the accuracy is low. To try what would explain it, name the set with --images, and its --model.")
    limits.check_names(evaluation.class_names, evaluation.slice_values)
    warn_of_unreadable(evaluation)
    finish(evaluation, output, limits, baseline)


def _task(images: list[Path], model: ModelOptions, labels: LabelOptions, preparing: PreprocessingOptions) -> Task:
    """Return the task of a single run of the set."""
    from batch_eval.api import open_reader, reader_task
    from batch_eval.dataset import load_dataset

    reader = open_reader(model, preparing)
    return reader_task(load_dataset(images, labels, reader.classifier.class_names), reader)
