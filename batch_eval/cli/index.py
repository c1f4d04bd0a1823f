"""batch-eval index: list the images of a set with their labels, once for many runs and machines."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from batch_eval.cli import options
from batch_eval.cli.grouping import grouped


@grouped
def index(
    places: options.Places,
    *,
    labels: options.LabelFlags,
    classes: options.Classes = None,
    rows: Annotated[
        int | None,
        typer.Option(
            "--rows",
            min=1,
            max=1_000_000,
            help="Images of a part. Default: a 64th of the set, at least 16 and at most 8192.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="The manifest to write, a Parquet file or object.")] = Path(
        "manifest.parquet"
    ),
) -> None:
    """List the images of a set with their labels in a manifest, which `run` takes in place of the set.

    The set is walked and its labels are found once, not once on every machine. A group of rows is a part.

    **Examples**

    `batch-eval index photos --out manifest.parquet`

    `batch-eval index photos --labels truth.csv --rows 1000`

    `batch-eval index s3://bucket/photos --out s3://bucket/manifest.parquet`
    """
    from batch_eval.cli.console import say
    from batch_eval.cli.options import class_names
    from batch_eval.dataset import load_dataset
    from batch_eval.dataset.labels.spelling import DIGITS
    from batch_eval.dataset.manifest import Origin, Place, check_target, created, shown, write_manifest
    from batch_eval.engines.sampling import sampled_rows
    from batch_eval.parts.plan import Plan, rows_per_part
    from batch_eval.wording import counted

    check_target(out)
    label_options, names = labels.options(), class_names(classes) or DIGITS
    dataset = load_dataset(places, label_options, names)
    say(f"Labels: {dataset.label_source}")
    for note in (*dataset.notes, *filter(None, [dataset.unlabelled])):
        say(f"Note: {note}")
    count = len(dataset.samples)
    plan = Plan(count, rows or rows_per_part(count))
    sampled = sampled_rows(dataset.samples, names)
    origin = Origin(Place.of(places), tuple(names), label_options, sampled)
    with created(out) as file:
        write_manifest(dataset, origin, plan.part_rows, file)
    say(f"Wrote {counted(count, 'image')} in {counted(plan.parts, 'part')} to {shown(out)}")
