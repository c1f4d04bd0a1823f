"""The networks that ``batch-eval train`` builds, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from batch_eval.errors import TrainingError

if TYPE_CHECKING:
    import keras

SHAPE = (28, 28, 1)  # ink 1.0 on background 0.0


@dataclass(frozen=True)
class Network:
    """A network: what it is in one line, how to build it untrained, and the recipe that reaches its figure."""

    name: str
    summary: str
    build: Callable[[], keras.Model]
    epochs: int
    learning_rate: float
    drawn: int


def _default() -> keras.Model:
    """Build the network that ships with the package: strided convolutions with batch normalisation."""
    import keras
    from keras import layers

    model = keras.Sequential([keras.Input(SHAPE)], name="default")
    for filters, kernel, stride in ((40, 5, 2), (64, 3, 1), (80, 3, 2), (112, 3, 1), (144, 3, 2)):
        model.add(layers.Conv2D(filters, kernel, strides=stride, padding="same", use_bias=False))
        model.add(layers.BatchNormalization())
        model.add(layers.ReLU())
    model.add(layers.Flatten())
    model.add(layers.Dropout(0.3))
    model.add(layers.Dense(10, activation="softmax"))
    return model


NETWORKS: Mapping[str, Network] = {
    network.name: network
    for network in (
        Network(
            "default",
            "five convolutions with batch normalisation; ships with the package",
            _default,
            epochs=20,
            learning_rate=3e-3,
            drawn=60_000,
        ),
    )
}


def network(name: str) -> Network:
    """Return the network of this name; raises TrainingError for a name that is none."""
    if name not in NETWORKS:
        raise TrainingError(f"there is no network {name!r}. Must be one of {', '.join(NETWORKS)}.")
    return NETWORKS[name]
