"""Options of `batch-eval train`: the data, and the settings of the training."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from batch_eval.cli import options

if TYPE_CHECKING:
    from batch_eval.training.data import TrainingData
    from batch_eval.training.settings import Settings


@dataclass(frozen=True)
class DataFlags:
    """What a network is trained, validated and tested on."""

    data: Annotated[
        Path | None,
        typer.Option(
            "--data",
            "-d",
            help="The training data: an .npz file like Keras' mnist.npz, any labelled set that `run` takes, mnist, or "
            "fashion-mnist, which Keras downloads. Default: mnist.",
            show_default=False,
        ),
    ] = None
    preprocess: Annotated[
        str,
        typer.Option("--preprocess", "-p", help="The recipe for a folder: photo, mnist, simple or none."),
    ] = "photo"
    classes: options.Classes = None
    validation: Annotated[
        str | None,
        typer.Option(
            metavar="SHARE|DATA",
            help="The validation set, which chooses the best epoch: a share of each class to set aside, an .npz file "
            "(its test set) or a folder. Default: the network's, mostly the last 2,000 images, at most a tenth.",
        ),
    ] = None

    @property
    def share(self) -> float | None:
        """The share of the training set to validate on.

        None if ``--validation`` is data of its own, or absent.
        """
        # `0.1` is a share, `digits.npz` or a folder is not
        try:
            return float(self.validation or "")
        except ValueError:
            return None

    def load(self, seed: int) -> TrainingData:
        """Return the data. Raises DatasetError and TrainingError if it cannot be read."""
        from batch_eval.training.data import load_training_data, with_validation

        names = options.class_names(self.classes)
        loaded = load_training_data(self.data, preprocess=self.preprocess, seed=seed, class_names=names)
        if self.validation is not None and self.share is None:
            return with_validation(loaded, Path(self.validation), preprocess=self.preprocess)
        return loaded


@dataclass(frozen=True)
class SettingsFlags:
    """The network and how it is trained."""

    network: Annotated[
        str,
        typer.Option(
            "--network",
            "-n",
            help="The network to train. ink finds a digit's ink; score tells digits from other things.",
        ),
    ] = "default"
    hidden: Annotated[
        str | None,
        typer.Option(
            metavar="UNITS",
            help="The hidden layers of the network mlp: 256 for one, 512,256 for two. Default: 256.",
            show_default=False,
        ),
    ] = None
    epochs: Annotated[
        int | None, typer.Option(min=1, help="Epochs to train. Default: the network's.", show_default=False)
    ] = None
    batch_size: Annotated[int, typer.Option(min=1, help="Images per batch.")] = 128
    learning_rate: Annotated[
        float | None,
        typer.Option(
            min=1e-9, help="The highest learning rate of the schedule. Default: the network's.", show_default=False
        ),
    ] = None
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same weights on the same machine.")] = 1
    augment: Annotated[
        str | None,
        typer.Option(
            help="Data augmentation: none, light (rotation by 10°, scale and shift by 10 %) or strong (distortion, "
            "stroke width, ink and greys). Default: the network's.",
            show_default=False,
        ),
    ] = None
    drawn: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="How many drawn digits to add to the training set. Default: the network's; none if the classes are "
            "not digits.",
            show_default=False,
        ),
    ] = None
    optimizer: Annotated[
        str | None,
        typer.Option(
            help="The optimizer: adam, adamw, sgd, rmsprop or adadelta. Default: the network's.", show_default=False
        ),
    ] = None
    best_by: Annotated[
        str | None,
        typer.Option(
            help="The validation figure that chooses the best epoch: loss or accuracy. Default: the network's.",
            show_default=False,
        ),
    ] = None
    early_stopping: Annotated[
        int | None,
        typer.Option(
            min=0,
            metavar="PATIENCE",
            help="Stop after this many epochs without a lower validation loss; 0 never. Default: the network's.",
        ),
    ] = None
    reduce_lr: Annotated[
        int | None,
        typer.Option(
            min=0,
            metavar="PATIENCE",
            help="Keep the learning rate constant, and lower it after this many epochs without a lower validation "
            "loss. With 0 it warms up and decays. Default: the network's.",
        ),
    ] = None
    reduce_lr_factor: Annotated[
        float | None,
        typer.Option(
            metavar="FACTOR", help="What --reduce-lr multiplies the learning rate by. Default: 0.1.", show_default=False
        ),
    ] = None
    reduce_lr_floor: Annotated[
        float | None,
        typer.Option(metavar="RATE", help="The lowest learning rate of --reduce-lr. Default: 0.", show_default=False),
    ] = None
    checkpoints: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Save a checkpoint after every epoch, as EPOCH-LOSS.keras.")
    ] = None
    resume: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Resume from a checkpoint, with the same options, as if training had never stopped. Or start from "
            "the weights of a .keras, .h5, .hdf5 or .weights.h5 file.",
        ),
    ] = None
    tensorboard: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write losses and accuracies for TensorBoard.")
    ] = None

    def settings(self, share: float | None) -> Settings:
        """Return the settings of a training that sets aside a ``share`` for validation.

        Raises TrainingError for invalid ones.
        """
        from batch_eval.training.networks import named_network
        from batch_eval.training.settings import Settings, hyperparameters_of

        # the other fields are called as in Settings
        values = {name: value for name, value in vars(self).items() if name not in ("network", "hidden")}
        settings = Settings(network=named_network(self.network, self.hidden), validation=share, **values)
        hyperparameters_of(settings)
        return settings
