"""batch-eval train: train a network on MNIST, Fashion-MNIST or labelled images, and on digits that are drawn."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from batch_eval.cli import options

if TYPE_CHECKING:
    from batch_eval.training.history import Epoch


def train(
    data: Annotated[
        Path | None,
        typer.Option(
            "--data",
            "-d",
            help="An .npz file in the layout of Keras' mnist.npz, a folder of labelled images, or mnist or "
            "fashion-mnist as Keras downloads them. Default: mnist.",
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
        typer.Option(
            min=0,
            help="Digits to draw and train on too. Default: the network's, and none where the classes are no digits.",
            show_default=False,
        ),
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
        str | None,
        typer.Option(
            metavar="SHARE|DATA",
            help="What the best epoch is chosen by: the share of every class that is set aside for it, or an .npz file "
            "(its test digits) or folder of its own. Default: the last 2,000 digits, at most a tenth.",
        ),
    ] = None,
    classes: options.Classes = None,
    checkpoints: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Keep the model after every epoch, as EPOCH-LOSS.keras.")
    ] = None,
    resume: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Go on from a checkpoint with the same options, as if the training had never stopped; or begin with "
            "the weights of a .keras, .h5, .hdf5 or .weights.h5 file.",
        ),
    ] = None,
    tensorboard: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write losses and accuracies of every epoch for TensorBoard.")
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

    `batch-eval train --network cnn-flask --checkpoints kept --resume kept/03-0.0412.keras`
    """
    from batch_eval.cli.console import say
    from batch_eval.publishing import check_writable
    from batch_eval.reports.writing import write_report, write_reports
    from batch_eval.training.data import checked_with, load_training_data
    from batch_eval.training.saving import save_training, stem_of, weights_of
    from batch_eval.training.settings import Settings, recipe_of, without_drawn
    from batch_eval.training.testing import evaluate_samples
    from batch_eval.training.trainer import train as train_network
    from batch_eval.wording import percent

    share = _share(validation)
    target = out or Path("models", f"{network}.keras")
    reports = report or target.parent / f"{stem_of(target)}.report"
    settings = Settings(
        *(network, epochs, batch_size, learning_rate, seed, augment, drawn),
        optimizer=optimizer,
        early_stopping=early_stopping,
        reduce_lr=reduce_lr,
        validation=share,
        checkpoints=checkpoints,
        resume=resume,
        tensorboard=tensorboard,
    )
    recipe_of(settings)
    check_writable(target.parent)  # rather than after hours of training
    if not no_report:
        check_writable(reports, "--report")
    names = options.class_names(classes)
    digits = load_training_data(data, preprocess=preprocess, seed=seed, class_names=names)
    if validation is not None and share is None:
        digits = checked_with(digits, Path(validation), preprocess=preprocess)
    if not digits.are_digits:
        settings = without_drawn(settings)
    kind = "digits" if digits.are_digits else "images"
    say(f"Data: {digits.source}, {len(digits.given):,} {kind} to train on and {len(digits.test):,} to test on")
    for note in digits.notes:
        say(f"Note: {note}")
    training = train_network(
        digits.given, settings, check=digits.check, report=lambda line, epoch: say(_progress(line, epoch))
    )
    card, evaluation = save_training(training, digits, settings, target, say=say)
    typer.echo(f"Accuracy on the test {kind}: {percent(card.test_accuracy, 2)} of {card.test_digits:,}")
    write_report(evaluation, "text", "-")
    if digits.are_digits:
        samples = evaluate_samples(target, network=weights_of(target, network))
        typer.echo(f"Accuracy on the sample images, read as photos: {percent(samples.accuracy, 2)} of {samples.scored}")
    if not no_report:
        write_reports(evaluation, reports)
        typer.echo(f"Reports on the test {kind} in {reports}")


def _share(validation: str | None) -> float | None:
    """Return what stands for a share, or None for a path."""
    try:
        return float(validation or "")
    except ValueError:
        return None


def _progress(line: str, epoch: Epoch | None) -> str:
    """Return one line of progress."""
    if epoch is None:
        return line
    return f"{line}: loss {epoch.loss:.4f}, checked {100 * epoch.val_accuracy:.2f} % right, {epoch.seconds:.0f} s"
