"""The networks that ``batch-eval train`` builds, with their default hyperparameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from batch_eval.errors import TrainingError
from batch_eval.models.architectures import SHAPE, hidden_units, layers

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Plateau:
    """When and how far the learning rate falls as the validation loss stops falling."""

    patience: int
    """Epochs without a lower validation loss."""
    factor: float = 0.1
    """What the rate is multiplied by."""
    floor: float = 0.0
    """Lowest rate."""

    def __str__(self) -> str:
        """Return it as checkpoints hold it."""
        return f"{self.patience} × {self.factor:g} ≥ {self.floor:g}"


@dataclass(frozen=True)
class Hyperparameters:
    """How a network is trained."""

    epochs: int
    learning_rate: float = 1e-3
    """The highest one of the schedule."""
    optimizer: str = "adam"
    augment: str = "light"
    """`none`, `light` or `strong`."""
    drawn: int = 0
    """Drawn digits to add to the training set."""
    average_weights: bool = False
    """Keep a moving average of the weights, and smooth the labels."""
    best_by: str = "loss"
    """Validation figure that chooses the best epoch: `loss` or `accuracy`."""
    early_stopping: int | None = None
    """Epochs without a lower validation loss after which training ends. None means never."""
    plateau: Plateau | None = None
    """With it, the learning rate is constant until the validation loss stops falling. None means warm-up and decay."""
    validation: float | None = None
    """Share of each class that is set aside as validation set. None means the last 2,000 images."""


@dataclass(frozen=True)
class TrainableNetwork:
    """A network that can be built and trained, with its default hyperparameters."""

    name: str
    summary: str
    defaults: Hyperparameters

    def build(self) -> keras.Model:
        """Build the untrained network.

        Its input is (N, 28, 28, 1) float32, ink 1.0 on background 0.0. Its output is (N, 10), probabilities.
        """
        import keras

        model = keras.Sequential([keras.Input(SHAPE)], name=self.name)
        # The layers come from `models.architectures`, which also opens saved weights without TensorFlow.
        for class_name, settings in layers(self.name):
            model.add(getattr(keras.layers, class_name)(**settings))
        return model


# All but the default follow well-known MNIST tutorials and courses.
NETWORKS: Mapping[str, TrainableNetwork] = {
    network.name: network
    for network in (
        TrainableNetwork(
            "default",
            "five convolutions with batch normalisation; ships with the package",
            Hyperparameters(
                epochs=20,
                learning_rate=3e-3,
                optimizer="adamw",
                augment="strong",
                drawn=60_000,  # as many as MNIST has
                average_weights=True,
            ),
        ),
        TrainableNetwork("mlp-512", "one hidden layer of 512 units", Hyperparameters(epochs=10, augment="none")),
        TrainableNetwork("cnn-32-64", "two convolutions and a dense layer, with dropout", Hyperparameters(epochs=8)),
        TrainableNetwork(
            "cnn-4x4", "three convolutions of 4×4 and a dense layer of sigmoids", Hyperparameters(epochs=12)
        ),
        TrainableNetwork("cnn-deep", "four convolutions and two wide dense layers", Hyperparameters(epochs=8)),
        TrainableNetwork("cnn-64-32", "two convolutions and nothing else", Hyperparameters(epochs=3, augment="none")),
        TrainableNetwork(
            "cnn-flask", "three convolutions and a dense layer", Hyperparameters(epochs=8, augment="none")
        ),
        TrainableNetwork(
            "cnn-fashion",
            "three convolutions that keep the size, and a dense layer",
            Hyperparameters(
                epochs=50,
                augment="none",
                best_by="accuracy",
                early_stopping=10,
                plateau=Plateau(patience=5, factor=0.5, floor=1e-4),
                validation=0.2,
            ),
        ),
        TrainableNetwork("cnn-flask-bn", "three wide convolutions with batch normalisation", Hyperparameters(epochs=8)),
    )
}


def network(name: str) -> TrainableNetwork:
    """Return the network of this name; ``mlp-512-256`` has hidden layers of 512 and 256 units.

    Raises TrainingError if it is unknown.
    """
    if name in NETWORKS:
        return NETWORKS[name]
    if hidden := hidden_units(name):
        return TrainableNetwork(name, f"hidden layers of {' and '.join(map(str, hidden))} units", _MLP)
    known = ", ".join(NETWORKS)
    raise TrainingError(f"unknown network {name!r}. Must be one of {known}, or mlp with --hidden, such as 512,256.")


_MLP = Hyperparameters(epochs=10, augment="none")


def named_network(name: str, hidden: str | None) -> str:
    """Return the full name of a network: ``mlp`` with its hidden layers is ``mlp-512-256``.

    Raises TrainingError for hidden layers of another network, or of other than whole numbers.
    """
    if name != "mlp":
        if hidden is not None:
            raise TrainingError(f"--hidden {hidden} is for --network mlp. {name} has its own layers.")
        return name
    full = "-".join(["mlp", *(units.strip() for units in (hidden or "256").split(","))])
    if not hidden_units(full):
        raise TrainingError(f"--hidden {hidden} is invalid. Must be units of each hidden layer, such as 512,256.")
    return full
