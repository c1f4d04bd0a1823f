"""batch-eval train: train a network on MNIST, Fashion-MNIST or labelled images, and on drawn digits."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from batch_eval.cli.grouping import grouped
from batch_eval.cli.train_own import APPLICABLE, given_options, train_own
from batch_eval.cli.training_options import DataFlags, SettingsFlags

if TYPE_CHECKING:
    from batch_eval.training.history import Epoch


@grouped
def train(
    context: typer.Context,
    *,
    given: DataFlags,
    training: SettingsFlags,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            help="The model file to write, .keras, .h5, .hdf5 or .weights.h5. Card, history and reports go beside it. "
            "Default: models/NETWORK.keras.",
            show_default=False,
        ),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="The folder for reports on the test set. Default: MODEL.report beside the model."
        ),
    ] = None,
    no_report: Annotated[bool, typer.Option("--no-report", help="Write no reports on the test set.")] = False,
) -> None:
    """Train a network, save it with its card and history, and evaluate it on the test set as `run` does.

    Ctrl-C after the first epoch keeps the best weights so far.

    **Examples**

    `batch-eval train --data mnist.npz`

    `batch-eval train --data photos --epochs 5 --out models/mine.keras`

    `batch-eval train --network mlp --hidden 512,256`

    `batch-eval train --network cnn-flask --checkpoints kept --resume kept/03-0.0412.keras`
    """
    from batch_eval.cli.console import say, tell
    from batch_eval.models.tensorflow_runtime import require_tensorflow
    from batch_eval.publishing import check_writable
    from batch_eval.reports.writing import write_report, write_reports
    from batch_eval.training.saving import needed_network, save_training, stem_of
    from batch_eval.training.settings import without_drawn
    from batch_eval.training.testing import evaluate_samples
    from batch_eval.training.trainer import train as train_network
    from batch_eval.wording import percent

    if training.network in APPLICABLE:
        train_own(given.data, out or Path("models", f"{training.network}.keras"), training, given_options(context))
        return
    # Find mistakes now rather than after hours of training.
    settings = training.settings(given.share)
    target = out or Path("models", f"{settings.network}.keras")
    reports = report or target.parent / f"{stem_of(target)}.report"
    require_tensorflow("training")
    check_writable(target.parent)
    if not no_report:
        check_writable(reports, "--report")
    data = given.load(settings.seed)
    # drawn digits are of no use where the classes are not digits
    if not data.are_digits:
        settings = without_drawn(settings)
    kind = "digits" if data.are_digits else "images"
    say(f"Data: {data.source}, {len(data.train):,} {kind} to train on and {len(data.test):,} to test on")
    for note in data.notes:
        say(f"Note: {note}")
    result = train_network(
        data.train,
        settings,
        validation=data.validation,
        on_progress=lambda line, epoch: say(_progress(line, epoch)),
    )
    card, evaluation = save_training(result, data, settings, target, say=say)
    tell(f"Accuracy on the test set: {percent(card.test_accuracy, 2)} of {card.test_digits:,}")
    write_report(evaluation, "text", "-")
    if data.are_digits:
        samples = evaluate_samples(target, network=needed_network(target, settings.network))
        tell(f"Accuracy on the sample images, read as photos: {percent(samples.accuracy, 2)} of {samples.scored}")
    if not no_report:
        write_reports(evaluation, reports)
        tell(f"Reports on the test set in {reports}")


def _progress(line: str, epoch: Epoch | None) -> str:
    """Return one line of progress."""
    if epoch is None:
        return line
    return f"{line}: loss {epoch.loss:.4f}, validation accuracy {100 * epoch.val_accuracy:.2f} %, {epoch.seconds:.0f} s"
