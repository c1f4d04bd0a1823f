"""batch-eval stress: how far a model is from breaking."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from batch_eval.cli import options
from batch_eval.cli.documents import formats_for, prints_text, write
from batch_eval.cli.grouping import grouped
from batch_eval.reports.registry import Kind


@grouped
def stress(
    places: options.Places,
    model: options.Model = None,
    *,
    suite: Annotated[
        str,
        typer.Option(
            help="photo distorts the photos before preprocessing, as a phone and a hand do. mnist-c distorts what the "
            "model sees, as the benchmark MNIST-C does."
        ),
    ] = "photo",
    distortion: Annotated[
        list[str] | None,
        typer.Option(
            "--distortion",
            "-d",
            help="Try only this distortion, such as blur; repeatable. Default: all of the suite.",
            show_default=False,
        ),
    ] = None,
    sample: Annotated[
        int, typer.Option("--sample", min=1, help="Distort at most this many labelled images, drawn at random.")
    ] = 100,
    seed: Annotated[
        int,
        typer.Option("--seed", min=0, help="Draws the images, and what distortions draw. The same seed, same bytes."),
    ] = 0,
    fail_under_stress: options.FailUnderStress = None,
    opening: options.ModelFlags,
    labels: options.LabelFlags,
    preparing: options.PreprocessingFlags,
    jobs: options.Jobs = None,
    format: options.StressFormat = None,  # noqa: A002 - the option's name
    out: options.DocumentOut = Path("-"),
) -> None:
    """Distort your photos at growing levels, and find out what your model still reads.

    Photos are turned, tilted, blurred, darkened, cropped and so on, each at several levels, and read again. A
    distortion holds until the last level before the accuracy is significantly below that of the plain photos. The page
    has the curves, the photos at every level, and the first images to fall.

    **Examples**

    `batch-eval stress photos --model mnist.keras --out stress`

    `batch-eval stress photos -d blur -d turn --fail-under-stress blur@1=90%`

    `batch-eval stress mnist.npz --split test --suite mnist-c --sample 1000`
    """
    from batch_eval.api import open_reader, reader_task
    from batch_eval.cli.console import progress_bar, say
    from batch_eval.dataset import load_dataset
    from batch_eval.distortions.suites import find_suite
    from batch_eval.errors import ExitCode
    from batch_eval.gates.stress import check_stress, parse_stress_limits
    from batch_eval.reports.context import ReportContext
    from batch_eval.studies.stress import StressOptions, image_count, stress_task

    # before the run: what is invalid must not cost one
    chosen = StressOptions(find_suite(suite).chosen(distortion or ()), sample, seed)
    limits = parse_stress_limits(fail_under_stress or (), chosen.suite)
    formats = formats_for(format, out, Kind.STRESS)
    reader = open_reader(opening.options(model), preparing.options())
    task = reader_task(load_dataset(places, labels.options(), reader.classifier.class_names), reader)
    say(f"Labels: {task.dataset.label_source}")
    with progress_bar(image_count(task, chosen), f"images, {len(chosen.suite.settings)} settings") as progress:
        found = stress_task(task, chosen, jobs=jobs, progress=progress)
    gates = check_stress(found, limits)
    write(found, formats, out, Kind.STRESS, ReportContext(gates))
    if not prints_text(formats, out):  # the text has the gates
        for gate in gates:
            say(str(gate))
    if not all(gate.passed for gate in gates):
        raise typer.Exit(ExitCode.GATE_FAILED)
