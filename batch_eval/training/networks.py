"""The networks that ``batch-eval train`` builds, with their default hyperparameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from batch_eval.errors import TrainingError
from batch_eval.models.architectures import SHAPE, layers

if TYPE_CHECKING:
    import keras


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
        TrainableNetwork("cnn-flask-bn", "three wide convolutions with batch normalisation", Hyperparameters(epochs=8)),
    )
}


def network(name: str) -> TrainableNetwork:
    """Return the network of this name. Raises TrainingError if it is unknown."""
    if name not in NETWORKS:
        raise TrainingError(f"unknown network {name!r}. Must be one of {', '.join(NETWORKS)}.")
    return NETWORKS[name]
