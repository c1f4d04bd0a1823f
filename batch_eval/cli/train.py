"""batch-eval train: train a network on MNIST, Fashion-MNIST or labelled images, and on drawn digits."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from batch_eval.cli import options

if TYPE_CHECKING:
    from batch_eval.training.history import Epoch

INK = "ink"
"""The network that finds ink. It is trained on drawn scenes, by a recipe of its own."""


def train(
    context: typer.Context,
    data: Annotated[
        Path | None,
        typer.Option(
            "--data",
            "-d",
            help="The training data: an .npz file like Keras' mnist.npz, any labelled set that `run` takes, mnist, or "
            "fashion-mnist, which Keras downloads. Default: mnist.",
            show_default=False,
        ),
    ] = None,
    network: Annotated[
        str, typer.Option("--network", "-n", help="The network to train, or ink: what finds a digit's ink.")
    ] = "default",
    hidden: Annotated[
        str | None,
        typer.Option(
            metavar="UNITS",
            help="The hidden layers of the network mlp: 256 for one, 512,256 for two. Default: 256.",
            show_default=False,
        ),
    ] = None,
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
    epochs: Annotated[
        int | None, typer.Option(min=1, help="Epochs to train. Default: the network's.", show_default=False)
    ] = None,
    batch_size: Annotated[int, typer.Option(min=1, help="Images per batch.")] = 128,
    learning_rate: Annotated[
        float | None,
        typer.Option(
            min=1e-9, help="The highest learning rate of the schedule. Default: the network's.", show_default=False
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same weights on the same machine.")] = 1,
    augment: Annotated[
        str | None,
        typer.Option(
            help="Data augmentation: none, light (rotation by 10°, scale and shift by 10 %) or strong (distortion, "
            "stroke width, ink and greys). Default: the network's.",
            show_default=False,
        ),
    ] = None,
    drawn: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="How many drawn digits to add to the training set. Default: the network's; none if the classes are "
            "not digits.",
            show_default=False,
        ),
    ] = None,
    preprocess: Annotated[
        str,
        typer.Option("--preprocess", "-p", help="The recipe for a folder: photo, mnist, simple or none."),
    ] = "photo",
    optimizer: Annotated[
        str | None,
        typer.Option(
            help="The optimizer: adam, adamw, sgd, rmsprop or adadelta. Default: the network's.", show_default=False
        ),
    ] = None,
    best_by: Annotated[
        str | None,
        typer.Option(
            help="The validation figure that chooses the best epoch: loss or accuracy. Default: the network's.",
            show_default=False,
        ),
    ] = None,
    early_stopping: Annotated[
        int | None,
        typer.Option(
            min=0,
            metavar="PATIENCE",
            help="Stop after this many epochs without a lower validation loss; 0 never. Default: the network's.",
        ),
    ] = None,
    reduce_lr: Annotated[
        int | None,
        typer.Option(
            min=0,
            metavar="PATIENCE",
            help="Keep the learning rate constant, and lower it after this many epochs without a lower validation "
            "loss. With 0 it warms up and decays. Default: the network's.",
        ),
    ] = None,
    reduce_lr_factor: Annotated[
        float | None,
        typer.Option(
            metavar="FACTOR", help="What --reduce-lr multiplies the learning rate by. Default: 0.1.", show_default=False
        ),
    ] = None,
    reduce_lr_floor: Annotated[
        float | None,
        typer.Option(metavar="RATE", help="The lowest learning rate of --reduce-lr. Default: 0.", show_default=False),
    ] = None,
    validation: Annotated[
        str | None,
        typer.Option(
            metavar="SHARE|DATA",
            help="The validation set, which chooses the best epoch: a share of each class to set aside, an .npz file "
            "(its test set) or a folder. Default: the network's, mostly the last 2,000 images, at most a tenth.",
        ),
    ] = None,
    classes: options.Classes = None,
    checkpoints: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Save a checkpoint after every epoch, as EPOCH-LOSS.keras.")
    ] = None,
    resume: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Resume from a checkpoint, with the same options, as if training had never stopped. Or start from "
            "the weights of a .keras, .h5, .hdf5 or .weights.h5 file.",
        ),
    ] = None,
    tensorboard: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write losses and accuracies for TensorBoard.")
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
    from batch_eval.training.data import load_training_data, with_validation
    from batch_eval.training.networks import named_network
    from batch_eval.training.saving import needed_network, save_training, stem_of
    from batch_eval.training.settings import Settings, hyperparameters_of, without_drawn
    from batch_eval.training.testing import evaluate_samples
    from batch_eval.training.trainer import train as train_network
    from batch_eval.wording import percent

    if network == INK:
        from batch_eval.cli.train_ink import given_options, train_ink

        train_ink(
            data,
            out or Path("models", f"{network}.keras"),
            epochs=epochs,
            learning_rate=learning_rate,
            seed=seed,
            checkpoints=checkpoints,
            resume=resume,
            given=given_options(context),
        )
        return
    share = _share(validation)
    network = named_network(network, hidden)
    target = out or Path("models", f"{network}.keras")
    reports = report or target.parent / f"{stem_of(target)}.report"
    settings = Settings(
        *(network, epochs, batch_size, learning_rate, seed, augment, drawn),
        optimizer=optimizer,
        best_by=best_by,
        early_stopping=early_stopping,
        reduce_lr=reduce_lr,
        reduce_lr_factor=reduce_lr_factor,
        reduce_lr_floor=reduce_lr_floor,
        validation=share,
        checkpoints=checkpoints,
        resume=resume,
        tensorboard=tensorboard,
    )
    # Find mistakes now rather than after hours of training.
    hyperparameters_of(settings)
    require_tensorflow("training")
    check_writable(target.parent)
    if not no_report:
        check_writable(reports, "--report")
    names = options.class_names(classes)
    loaded = load_training_data(data, preprocess=preprocess, seed=seed, class_names=names)
    if validation is not None and share is None:
        loaded = with_validation(loaded, Path(validation), preprocess=preprocess)
    if not loaded.are_digits:
        settings = without_drawn(settings)
    kind = "digits" if loaded.are_digits else "images"
    say(f"Data: {loaded.source}, {len(loaded.train):,} {kind} to train on and {len(loaded.test):,} to test on")
    for note in loaded.notes:
        say(f"Note: {note}")
    result = train_network(
        loaded.train,
        settings,
        validation=loaded.validation,
        on_progress=lambda line, epoch: say(_progress(line, epoch)),
    )
    card, evaluation = save_training(result, loaded, settings, target, say=say)
    tell(f"Accuracy on the test set: {percent(card.test_accuracy, 2)} of {card.test_digits:,}")
    write_report(evaluation, "text", "-")
    if loaded.are_digits:
        samples = evaluate_samples(target, network=needed_network(target, network))
        tell(f"Accuracy on the sample images, read as photos: {percent(samples.accuracy, 2)} of {samples.scored}")
    if not no_report:
        write_reports(evaluation, reports)
        tell(f"Reports on the test set in {reports}")


def _share(validation: str | None) -> float | None:
    """Return a share, or None if the option holds a path."""
    try:
        return float(validation or "")
    except ValueError:
        return None


def _progress(line: str, epoch: Epoch | None) -> str:
    """Return one line of progress."""
    if epoch is None:
        return line
    return f"{line}: loss {epoch.loss:.4f}, validation accuracy {100 * epoch.val_accuracy:.2f} %, {epoch.seconds:.0f} s"
