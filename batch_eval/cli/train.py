"""batch-eval train: train a network on MNIST or on labelled images, and on digits that the program draws."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from batch_eval.training.trainer import Epoch


def train(
    data: Annotated[
        Path | None,
        typer.Option(
            "--data",
            "-d",
            help="An .npz file in the layout of Keras' mnist.npz, or a folder of labelled images. "
            "Default: MNIST as Keras downloads it.",
            show_default=False,
        ),
    ] = None,
    network: Annotated[str, typer.Option("--network", "-n", help="The network to train.")] = "default",
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            help="The model file, .keras, .h5, .hdf5 or .weights.h5; card, history and reports go beside it. "
            "Default: models/NETWORK.keras.",
            show_default=False,
        ),
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="Passes over the digits. Default: the network's.", show_default=False)
    ] = None,
    batch_size: Annotated[int, typer.Option(min=1, help="Digits in one step.")] = 128,
    learning_rate: Annotated[
        float | None,
        typer.Option(min=1e-9, help="The highest learning rate. Default: the network's.", show_default=False),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same weights on the same machine.")] = 1,
    augment: Annotated[
        str | None,
        typer.Option(
            help="How every digit is varied in every pass: none, light (turned by 10°, scaled and shifted by a tenth) "
            "or strong (posture, stroke width, ink and greys). Default: the network's.",
            show_default=False,
        ),
    ] = None,
    drawn: Annotated[
        int | None,
        typer.Option(min=0, help="Digits to draw and train on too. Default: the network's.", show_default=False),
    ] = None,
    preprocess: Annotated[
        str, typer.Option("--preprocess", "-p", help="How the images of a folder are read: photo or mnist.")
    ] = "photo",
    optimizer: Annotated[
        str | None,
        typer.Option(help="adam, adamw, sgd, rmsprop or adadelta. Default: the network's.", show_default=False),
    ] = None,
    early_stopping: Annotated[
        int | None,
        typer.Option(min=1, metavar="PATIENCE", help="Stop after so many epochs without a better one."),
    ] = None,
    reduce_lr: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="PATIENCE",
            help="Keep the learning rate, and divide it by 10 after so many epochs without a better one. "
            "Default: it warms up and decays.",
        ),
    ] = None,
    validation: Annotated[
        float | None,
        typer.Option(
            min=0.0,
            max=1.0,
            metavar="SHARE",
            help="The share of every class that is set aside to choose the best epoch by. "
            "Default: the last 2,000 digits, at most a tenth.",
        ),
    ] = None,
    checkpoints: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Keep the model after every epoch, as EPOCH-LOSS.keras.")
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="The folder for the reports on the test digits. Default: MODEL.report beside the model."
        ),
    ] = None,
    no_report: Annotated[bool, typer.Option("--no-report", help="Write no reports on the test digits.")] = False,
) -> None:
    """Train a network, save it with its card and history, and evaluate it on the test digits as a run does.

    Ctrl-C after the first epoch keeps the best weights so far.

    **Examples**

    `batch-eval train --data mnist.npz`

    `batch-eval train --data photos --epochs 5 --out models/mine.keras`
    """
    from batch_eval.cli.console import say
    from batch_eval.reports import write_reports
    from batch_eval.training.data import load_training_data
    from batch_eval.training.saving import save_training, stem_of, weights_of
    from batch_eval.training.settings import Settings, recipe_of
    from batch_eval.training.testing import evaluate_samples
    from batch_eval.training.trainer import train as train_network

    target = out or Path("models", f"{network}.keras")
    reports = report or target.parent / f"{stem_of(target)}.report"
    settings = Settings(
        *(network, epochs, batch_size, learning_rate, seed, augment, drawn),
        optimizer=optimizer,
        early_stopping=early_stopping,
        reduce_lr=reduce_lr,
        validation=validation,
        checkpoints=checkpoints,
    )
    recipe_of(settings)
    digits = load_training_data(data, preprocess=preprocess, seed=seed)
    say(f"Data: {digits.source}, {len(digits.given):,} digits to train on and {len(digits.test):,} to test on")
    for note in digits.notes:
        say(f"Note: {note}")
    training = train_network(digits.given, settings, report=lambda line, epoch: say(_progress(line, epoch)))
    card, evaluation = save_training(training, digits, settings, target, say=say)
    typer.echo(f"Accuracy on the test digits: {100 * card.test_accuracy:.2f} % of {card.test_digits:,}")
    samples = evaluate_samples(target, network=weights_of(target, network))
    typer.echo(f"Accuracy on the sample images, read as photos: {100 * samples.accuracy:.2f} % of {samples.scored:,}")
    if not no_report:
        write_reports(evaluation, reports)
        typer.echo(f"Reports on the test digits in {reports}")


def _progress(line: str, epoch: Epoch | None) -> str:
    """Return one line of progress."""
    if epoch is None:
        return line
    return f"{line}: loss {epoch.loss:.4f}, checked {100 * epoch.val_accuracy:.2f} % right, {epoch.seconds:.0f} s"
