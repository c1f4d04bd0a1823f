"""The networks that ``batch-eval train`` builds, by name, each with the recipe that it is trained by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from batch_eval.errors import TrainingError
from batch_eval.models.architectures import SHAPE, layers

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Network:
    """A network: what it is in one line, and its recipe.

    ``augment`` is `none`, `light` or `strong`; ``drawn`` counts the digits that the program draws and adds.
    ``averaged`` ends in the running mean of the weights, and smooths the labels.
    """

    name: str
    summary: str
    epochs: int
    learning_rate: float = 1e-3
    optimizer: str = "adam"
    augment: str = "light"
    drawn: int = 0
    averaged: bool = False

    def build(self) -> keras.Model:
        """Build the network untrained; it takes (N, 28, 28, 1) float32, ink 1.0 on background 0.0."""
        import keras

        model = keras.Sequential([keras.Input(SHAPE)], name=self.name)
        for class_name, settings in layers(self.name):
            model.add(getattr(keras.layers, class_name)(**settings))
        return model


NETWORKS: Mapping[str, Network] = {
    network.name: network
    for network in (
        Network(
            "default",
            "five convolutions with batch normalisation; ships with the package",
            epochs=20,
            learning_rate=3e-3,
            optimizer="adamw",
            augment="strong",
            drawn=60_000,
            averaged=True,
        ),
        Network("mlp-512", "one hidden layer of 512 units", epochs=10, augment="none"),
        Network("cnn-32-64", "two convolutions and a dense layer, with dropout", epochs=8),
        Network("cnn-4x4", "three convolutions of 4×4 and a dense layer of sigmoids", epochs=12),
        Network("cnn-deep", "four convolutions and two wide dense layers", epochs=8),
        Network("cnn-64-32", "two convolutions and nothing else", epochs=3, augment="none"),
        Network("cnn-flask", "three convolutions and a dense layer", epochs=8, augment="none"),
        Network("cnn-flask-bn", "three wide convolutions with batch normalisation", epochs=8),
    )
}


def network(name: str) -> Network:
    """Return the network of this name; raises TrainingError for a name that is none."""
    if name not in NETWORKS:
        raise TrainingError(f"there is no network {name!r}. Must be one of {', '.join(NETWORKS)}.")
    return NETWORKS[name]
