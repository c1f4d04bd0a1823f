"""Measure every trained network on MNIST's test set and on real phone photos.

Run as `python benchmarks/networks.py MODELS DATA`. MODELS is a folder of networks and cards from `batch-eval train`.
DATA is a folder with `mnist.npz` and `digits/`. The table goes into docs/networks.md, between its two marks; rows of
networks that are not in MODELS stay.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tables import write_between

from batch_eval.dataset import load_dataset
from batch_eval.engines.local import decoded
from batch_eval.evaluation.metrics import wilson_interval
from batch_eval.imaging import preprocessor
from batch_eval.models import DEFAULT_MODEL, Classifier, ModelOptions, open_model
from batch_eval.training.batches import CLASSES, Digits
from batch_eval.training.data import load_training_data
from batch_eval.training.networks import NETWORKS, network

PAGE = Path(__file__).parents[1] / "docs" / "networks.md"
BEGIN, END = "<!-- measured -->", "<!-- measured, end -->"
RECIPES = ("simple", "mnist", "photo")
KIND = "phone-photo"
WEIGHTS = ".weights.h5"
# Accuracies on MNIST that the courses themselves state.
COURSE_FIGURES = {
    "mlp-512": "~98 %",
    "cnn-32-64": "99.28 %",
    "cnn-4x4": "99.28 %",
    "cnn-deep": "99.42 %",
    "cnn-64-32": "97.7 %",
    "cnn-flask": "97–98 %",
    "cnn-flask-bn": "99.15 %",
}
HEAD = ("network", "parameters", "epochs", "course figure", "MNIST test", *(f"photos, `{name}`" for name in RECIPES))


def main() -> None:
    """Measure every network that has a card and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", type=Path)
    parser.add_argument("data", type=Path)
    arguments = parser.parse_args()
    test_set = load_training_data(arguments.data / "mnist.npz").test
    photos = [_photos(arguments.data / "digits", recipe) for recipe in RECIPES]
    rows = _rows_of_the_page()
    for card, model in _networks(arguments.models):
        row = "| " + " | ".join(_row(card, model, test_set, photos)) + " |"
        rows[card["network"]] = row
        print(row, file=sys.stderr, flush=True)
    head = ["| " + " | ".join(HEAD) + " |", "|" + "---|" * len(HEAD)]
    write_between(PAGE, BEGIN, END, "\n".join([*head, *(rows[name] for name in sorted(rows, key=_place))]))


def _rows_of_the_page() -> dict[str, str]:
    """Return the table's rows by network."""
    table = PAGE.read_text(encoding="utf-8").split(BEGIN)[1].split(END)[0]
    return {line.split("`")[1]: line for line in table.splitlines() if line.startswith("| `")}


def _place(name: str) -> tuple[int, str]:
    """Return what sorts networks as `NETWORKS` does, with networks of other hidden layers after `mlp-512`."""
    known = list(NETWORKS)
    return known.index(name if name in NETWORKS else "mlp-512"), name


def _networks(folder: Path) -> Iterator[tuple[dict[str, Any], Classifier]]:
    """Yield card and model of each network in the folder and of the default model, in the order of `NETWORKS`."""
    cards = [DEFAULT_MODEL.with_name("default.card.json"), *folder.glob("*.card.json")]
    found = [(json.loads(path.read_text(encoding="utf-8")), path) for path in cards]
    for card, path in sorted(found, key=lambda pair: _place(pair[0]["network"])):
        model = _model_beside(path)
        yield card, open_model(ModelOptions(model, card["network"] if model.name.endswith(WEIGHTS) else None))


def _model_beside(card: Path) -> Path:
    """Return the model file of a card."""
    stem = card.name.removesuffix(".card.json")
    for suffix in (".keras", ".h5", ".hdf5", WEIGHTS):
        if (model := card.with_name(stem + suffix)).is_file():
            return model
    raise SystemExit(f"There is no model beside {card}. Expected {stem}.keras, .h5, .hdf5 or {WEIGHTS}.")


def _photos(folder: Path, recipe: str) -> Digits:
    """Return the phone photos, preprocessed as in a run."""
    dataset, prepare = load_dataset(folder), preprocessor(recipe)
    kind = dataset.slice_names.index("kind")
    samples = [sample for sample in dataset.samples if sample.slices[kind] == KIND]
    seen = [prepare(decoded(dataset.read(sample), prepare)) for sample in samples]
    # A blank photo counts as wrong, so it gets a label that no model can predict.
    labels = [CLASSES if one.blank else int(str(sample.truth)) for one, sample in zip(seen, samples, strict=True)]
    return Digits(np.stack([one.image for one in seen]).astype(np.uint8), np.array(labels, np.uint8))


def _row(card: dict[str, Any], model: Classifier, test_set: Digits, photos: Sequence[Digits]) -> Iterator[str]:
    name = card["network"]
    yield f"`{name}`"
    yield f"{card['parameters']:,}"
    planned, stops = network(name).defaults.epochs, network(name).defaults.early_stopping
    yield f"{card['epochs']} of {planned}{', stopped by itself' if stops and card['epochs'] < planned else ''}"
    yield COURSE_FIGURES.get(name, "–")
    yield _accuracy(model, test_set, "{:.2f}")
    for digits in photos:
        yield _accuracy(model, digits, "{:.1f}")


def _accuracy(model: Classifier, digits: Digits, form: str) -> str:
    """Return the accuracy and its interval in per cent."""
    correct = int(np.count_nonzero(model.predict(digits.images).argmax(axis=1) == digits.labels))
    shares = (correct / len(digits), *wilson_interval(correct, len(digits)))
    value, low, high = (form.format(100 * share) for share in shares)
    return f"{value} % ({low} to {high})"


if __name__ == "__main__":
    main()
