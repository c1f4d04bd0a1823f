"""Take the picture of a leaderboard, `python docs/ranking.py DATA`: 25 models on 300 photos of digits.

23 small networks are trained on parts of `DATA/mnist.npz`, such as those of a class; that takes some minutes. They
join the default model and `DATA/models/plain_cnn.keras`. Two files of `DATA/models/keras2` cannot be opened. The photos
are drawn at random from `DATA/digits`. Only milliseconds differ between two runs.

Needs the extras `train` and `browser`, and chromium. With `--models`, networks are kept there and not trained again.
"""

import argparse
import csv
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from parts.screenshots import PICTURES, chromium, save, screenshot

from batch_eval import compare
from batch_eval.models import DEFAULT_MODEL
from batch_eval.reports.registry import Kind
from batch_eval.reports.writing import write_reports

PHOTOS = 300
SIZE = (1280, 2180)
"""Pixels of the picture: the table and the map, and no photos."""
Digits = NDArray[np.float32]


@dataclass(frozen=True)
class Homework:
    """A small network, and how it is trained."""

    name: str
    dense: tuple[int, ...] = ()
    """Units of the hidden layers."""
    filters: tuple[int, ...] = ()
    """Filters of the convolutions, each with a pooling layer."""
    images: int = 10_000
    epochs: int = 2
    dropout: float = 0
    normalised: bool = False
    """Whether batch normalisation follows each convolution."""
    change: Callable[[Digits], Digits] = lambda digits: digits
    """What its author did to (N, 28, 28) digits of 0..1, bright ink on dark, before training."""


def shifted(digits: Digits) -> Digits:
    """Shift each digit by up to 3 pixels along both axes."""
    rng = np.random.default_rng(0)
    return np.stack([np.roll(digit, rng.integers(-3, 4, 2), (0, 1)) for digit in digits])


HOMEWORK = (
    Homework("linear"),
    Homework("mlp-16", dense=(16,)),
    Homework("mlp-64", dense=(64,)),
    Homework("mlp-64_5-epochs", dense=(64,), epochs=5),
    Homework("mlp-128", dense=(128,), images=20_000),
    Homework("mlp-256-128", dense=(256, 128), images=20_000),
    Homework("mlp-512-256-128_final", dense=(512, 256, 128), images=20_000),
    Homework("anna_first try", filters=(8,), images=5_000, epochs=1),
    Homework("ben-cnn-8-16", filters=(8, 16)),
    Homework("chen-cnn-16-32", filters=(16, 32)),
    Homework("chen-cnn-16-32_dropout", filters=(16, 32), dropout=0.4, epochs=3),
    Homework("dina-batchnorm", filters=(8, 16), normalised=True),
    Homework("emma_homework3_batchnorm_v2", filters=(16, 16), dropout=0.3, normalised=True),
    Homework("farid-shifted", filters=(8, 16), epochs=3, change=shifted),
    Homework("farid-shifted-more", filters=(16, 32), epochs=4, change=shifted),
    Homework("gina-black-on-white", filters=(8, 16), change=lambda digits: 1 - digits),
    Homework("hugo-0-255", filters=(8,), normalised=True, change=lambda digits: digits * 255),
    Homework("ines-500-images", filters=(8, 16), images=500, epochs=6),
    Homework("jan-100-images", filters=(8,), images=100, epochs=10),
    Homework("kim-transposed", filters=(8, 16), change=lambda digits: digits.transpose(0, 2, 1)),
    Homework("lea-three-blocks", filters=(8, 16, 32)),
    Homework("model", filters=(12, 24), images=15_000),
    Homework("max-all-images", filters=(16, 32), images=60_000),
)


def main() -> None:
    """Train the networks, rank all models, and write the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--models", type=Path, help="where to keep the trained networks")
    parser.add_argument("--out", type=Path, default=PICTURES / "leaderboard.png")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary, chromium() as browser:
        folder, models = Path(temporary), given.models or Path(temporary, "models")
        hand_in(given.data / "mnist.npz", models)
        unopenable = [given.data / "models" / "keras2" / name for name in ("custom.keras", "lam.keras")]
        files = [models, DEFAULT_MODEL, given.data / "models" / "plain_cnn.keras", *unopenable]
        ranking = compare(sample(given.data / "digits", folder / "photos"), files)
        write_reports(ranking, folder, ["html"], kind=Kind.RANKING)
        save(screenshot(browser, folder / "leaderboard.html", *SIZE), given.out)


def hand_in(mnist: Path, folder: Path) -> None:
    """Train the networks that are not there yet."""
    import keras

    folder.mkdir(parents=True, exist_ok=True)
    with np.load(mnist) as data:
        digits, labels = data["x_train"] / np.float32(255), data["y_train"]
    for seed, homework in enumerate(HOMEWORK):
        file = folder / f"{homework.name}.keras"
        if not file.exists():
            keras.utils.set_random_seed(seed)
            network = keras.Sequential(layers(homework))
            network.compile("adam", "sparse_categorical_crossentropy")
            seen = homework.change(digits[: homework.images])[..., None]
            network.fit(seen, labels[: homework.images], epochs=homework.epochs, batch_size=64, verbose=0)
            network.save(file)


def layers(homework: Homework) -> list[object]:
    """Return the layers of a network, from the input to 10 probabilities."""
    from keras.layers import BatchNormalization, Conv2D, Dense, Dropout, Flatten, Input, MaxPooling2D

    found: list[object] = [Input((28, 28, 1))]
    for filters in homework.filters:
        found += [Conv2D(filters, 3, padding="same", activation="relu"), MaxPooling2D()]
        found += [BatchNormalization()] * homework.normalised
    found += [Flatten(), *(Dense(units, "relu") for units in homework.dense)]
    found += [Dropout(homework.dropout)] if homework.dropout else []
    return [*found, Dense(10, "softmax")]


def sample(digits: Path, folder: Path) -> Path:
    """Fill a folder with links to some of the photos, and their labels; return it."""
    with (digits / "labels.csv").open(encoding="utf-8", newline="") as file:
        photos = [row for row in csv.DictReader(file) if row["kind"] == "phone-photo"]
    folder.mkdir()
    with (folder / "labels.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("filename", "label"))
        for i in np.random.default_rng(1).choice(len(photos), PHOTOS, replace=False):
            row = photos[i]
            link = Path(row["filename"]).name
            (folder / link).symlink_to((digits / row["filename"]).resolve())
            writer.writerow((link, row["label"]))
    return folder


if __name__ == "__main__":
    main()
