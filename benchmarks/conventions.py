"""Train small networks on MNIST under seven conventions, and measure whether `auto` finds each.

Run as `python benchmarks/conventions.py CACHE DATA`. CACHE is a folder that keeps the trained networks. DATA is a
folder with `mnist.npz`. The table goes into docs/models.md, between its two marks.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tables import write_between

from batch_eval.errors import TrainingError
from batch_eval.models import ModelOptions, open_model
from batch_eval.models.own_digits import own_digits
from batch_eval.models.self_test import SMALLEST
from batch_eval.models.tensorflow_runtime import import_tensorflow

Images = NDArray[np.float32]
PAGE = Path(__file__).parents[1] / "docs" / "models.md"
BEGIN, END = "<!-- conventions -->", "<!-- conventions, end -->"
EPOCHS, BATCH = 3, 64
NETWORKS = ("mlp", "cnn", "cnn-bn")
"""One network for each seed, 1 to 3."""

# As tutorials write it, on purpose without the package's own code: x is (N, 28, 28) float32 of 0 to 255.
CONVENTIONS: Mapping[str, Callable[[Images], Any]] = {
    "0..1": lambda x: x / 255,
    "0..255": lambda x: x,
    "-1..1": lambda x: (x - 127.5) / 127.5,
    "mnist": lambda x: (x / 255 - 0.1307) / 0.3081,
    "normalize-1": lambda x: _keras().utils.normalize(x, axis=1),
    "0..1 dark": lambda x: 1 - x / 255,
    "0..1 transposed": lambda x: x.transpose(0, 2, 1) / 255,
}


def _keras() -> Any:
    import keras

    return keras


def build(network: str) -> Any:
    """Return an untrained Keras model of a network."""
    from keras import Input, Sequential, layers

    if network == "mlp":
        hidden = [Input((28, 28)), layers.Flatten(), layers.Dense(128, activation="relu")]
        return Sequential([*hidden, layers.Dense(10, activation="softmax")])
    normalize = [layers.BatchNormalization] if network == "cnn-bn" else []
    parts: list[Any] = [Input((28, 28, 1))]
    for filters in (8, 16):
        parts += [layers.Conv2D(filters, 3, activation="relu"), *(layer() for layer in normalize)]
        parts.append(layers.MaxPooling2D())
    return Sequential([*parts, layers.Flatten(), layers.Dense(10, activation="softmax")])


def trained(cache: Path, mnist: Mapping[str, NDArray[np.uint8]]) -> Iterator[tuple[str, str, Path]]:
    """Yield convention, network and file of each of the 21, and train those that are not in the cache."""
    cache.mkdir(parents=True, exist_ok=True)
    for name, convert in CONVENTIONS.items():
        for seed, network in enumerate(NETWORKS, 1):
            file = cache / f"{name.replace('..', 'to').replace(' ', '-')}_{network}.keras"
            if not file.is_file():
                _train(network, seed, convert(mnist["x_train"].astype(np.float32)), mnist["y_train"]).save(file)
                print(f"trained {file.name}", file=sys.stderr, flush=True)
            yield name, network, file


def _train(network: str, seed: int, images: Images, labels: NDArray[np.uint8]) -> Any:
    """Return a network trained on (N, 28, 28) images."""
    _keras().utils.set_random_seed(seed)
    model = build(network)
    model.compile("adam", "sparse_categorical_crossentropy")
    shaped = images.reshape(-1, *model.input_shape[1:])
    model.fit(shaped, labels, batch_size=BATCH, epochs=EPOCHS, verbose=0)
    return model


@dataclass(frozen=True)
class Row:
    """What one network reads of MNIST's 10,000 test images, as shares, and what was found."""

    convention: str
    network: str
    right: float
    usual: float
    auto: float
    found: str
    milliseconds: float
    losses: tuple[float, float]
    """Log-loss in nats on MNIST's test images and on the package's own digits."""


def measure(convention: str, network: str, file: Path, mnist: Mapping[str, NDArray[np.uint8]]) -> Row:
    """Measure one network under its own convention, under the usual one, and under the one that is found."""
    images, labels = mnist["x_test"], mnist["y_test"].astype(np.intp)
    usual = open_model(ModelOptions(file, input_range="0..1", ink="bright", transposed=False), threads=1)
    begun = perf_counter()
    auto = open_model(file, threads=1)
    opened = perf_counter()
    open_model(ModelOptions(file, None, tuple("0123456789"), "0..1", False, "bright", False), threads=1)
    plain = perf_counter() - opened
    inference, convert = usual.inference, CONVENTIONS[convention]

    def read(x: NDArray[np.uint8]) -> NDArray[np.float32]:
        return inference.run(convert(x.astype(np.float32)).astype(np.float32).reshape(-1, *inference.layout.shape))

    digits = own_digits()
    return Row(
        convention,
        network,
        _accuracy(read(images), labels),
        _accuracy(usual.predict(images), labels),
        _accuracy(auto.predict(images), labels, auto.class_names),
        auto.found.sentence,
        1000 * (opened - begun - plain),
        (_loss(read(images), labels), _loss(read(digits.images), digits.labels)),
    )


def _accuracy(outputs: NDArray[np.float32], labels: NDArray[np.intp], names: Sequence[str] = "0123456789") -> float:
    return float((np.array([int(name) for name in names])[outputs.argmax(axis=1)] == labels).mean())


def _loss(outputs: NDArray[np.float32], labels: NDArray[np.intp]) -> float:
    return float(-np.log(np.clip(outputs[np.arange(len(labels)), labels], SMALLEST, 1)).mean())


HEAD = ("trained on", "network", "right convention", "read as 0..1", "`auto`", "what was found", "self-test")


def table(rows: Sequence[Row]) -> str:
    """Return the table, and a line on all of it."""
    lines = ["| " + " | ".join(HEAD) + " |", "|" + "---|" * len(HEAD)]
    for row in rows:
        shares = (f"{100 * share:.2f} %" for share in (row.right, row.usual, row.auto))
        cells = (row.convention, row.network, *shares, row.found, f"{row.milliseconds:.0f} ms")
        lines.append("| " + " | ".join(cells) + " |")
    near = sum(abs(row.auto - row.right) <= 0.001 for row in rows)
    mnist, own = np.mean([row.losses for row in rows], axis=0)
    lines += [
        "",
        f"{near} of {len(rows)} within 0.1 point. Mean log-loss under the right convention: {mnist:.3f} on MNIST's "
        f"test images, {own:.3f} on the package's own digits.",
    ]
    return "\n".join(lines)


def main() -> None:
    """Train what is missing, measure all, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cache", type=Path)
    parser.add_argument("data", type=Path)
    arguments = parser.parse_args()
    if not (arguments.data / "mnist.npz").is_file():
        raise TrainingError(f"{arguments.data} holds no mnist.npz.")
    for name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS"):
        os.environ.setdefault(name, "1")  # before TensorFlow starts: the same sums, whatever the machine
    import_tensorflow("training")
    mnist = dict(np.load(arguments.data / "mnist.npz"))
    rows = [measure(*each, mnist) for each in trained(arguments.cache, mnist)]
    write_between(PAGE, BEGIN, END, table(rows))


if __name__ == "__main__":
    main()
