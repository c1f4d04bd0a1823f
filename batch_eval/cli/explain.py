"""batch-eval explain: why images were misread."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from batch_eval.cli import options
from batch_eval.cli.grouping import grouped

if TYPE_CHECKING:
    from batch_eval.evaluation import Evaluation
    from batch_eval.models import Classifier
    from batch_eval.studies.nearest import TrainingDigits


@grouped
def explain(
    places: options.Places,
    model: options.Model = None,
    *,
    opening: options.ModelFlags,
    labels: options.LabelFlags,
    preparing: options.PreprocessingFlags,
    at_most: Annotated[
        int, typer.Option("--at-most", min=1, help="How many misread images to explain, the most confident first.")
    ] = 50,
    against: options.Against = None,
    jobs: options.Jobs = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            help="A folder for a picture of each: what the model saw, its evidence in red, the changed image, and the "
            "nearest training digits.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Explain why images were misread, and what would make the model read them right.

    For each misread image it tries some hundred small changes and names the smallest that helps: turning, moving,
    other strokes, a spot erased or added. The sums say what most errors have in common. Only forward passes are needed,
    so that it works for every model of grey images.

    **Examples**

    `batch-eval explain photos --model mnist.keras`

    `batch-eval explain photos --at-most 20 --out explained`
    """
    from batch_eval.api import open_reader, reader_task
    from batch_eval.cli.console import progress_bar, say, tell
    from batch_eval.dataset import load_dataset
    from batch_eval.evaluation.explanations import reasons
    from batch_eval.publishing import check_writable, publish
    from batch_eval.studies.explain import digits_for, explain_task, picture_files
    from batch_eval.wording import printable

    # before the run: a folder that cannot be written must not cost one
    if out:
        check_writable(out)
    reader = open_reader(opening.options(model), preparing.options())
    digits = digits_for(reader.classifier, against)
    task = reader_task(load_dataset(places, labels.options(), reader.classifier.class_names).labelled(), reader)
    say(f"Labels: {task.dataset.label_source}")
    with progress_bar(len(task.dataset.samples)) as progress:
        found = explain_task(task, at_most=at_most, jobs=jobs, progress=progress, digits=digits)
    if not found:
        tell("No image was misread.")
        return
    for number, explanation in enumerate(found, start=1):
        tell(f"{number}. {printable(explanation.id)}: {explanation.sentence}")
    for line in ("", *reasons([one.kinds for one in found])):
        tell(line)
    if out:
        publish(out, picture_files(found), None)
        tell(f"Pictures in {out}")


def explained_with_progress(
    evaluation: Evaluation, classifier: Classifier, at_most: int, digits: TrainingDigits | None, *, hidden: bool
) -> Evaluation:
    """Return an evaluation with the explanations of its most confident errors; show the progress."""
    from batch_eval.cli.console import progress_bar
    from batch_eval.evaluation import Outcome
    from batch_eval.studies.explain import explained

    total = min(at_most, evaluation.counts[Outcome.WRONG])
    with progress_bar(total, "errors explained", hidden=hidden) as progress:
        return explained(evaluation, classifier, at_most, digits=digits, progress=progress)
