"""A finished training becomes files: the model, its card, its history and the history's plot."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from batch_eval import __version__
from batch_eval.errors import TrainingError
from batch_eval.output import publish
from batch_eval.training.batches import Digits, network_input
from batch_eval.training.card import Card, card_json, card_markdown, history_csv, history_svg
from batch_eval.training.data import TrainingData
from batch_eval.training.networks import network
from batch_eval.training.settings import Settings, recipe_of
from batch_eval.training.trainer import Training

if TYPE_CHECKING:
    import keras


def save_training(
    training: Training,
    data: TrainingData,
    settings: Settings,
    out: Path,
    *,
    say: Callable[[str], None] | None = None,
) -> Card:
    """Write the model to ``out`` and, beside it, its card, history and plot, all or none; return the card.

    Raises TrainingError when ``out`` does not end in .keras, ReportError when the folder cannot be written.
    """
    check_target(out)
    model = model_file(training.model, settings.network)
    card = _card(training, data, settings, hashlib.sha256(model).hexdigest())
    contents = (
        ("the model", out.name, model),
        ("its card", f"{out.stem}.card.md", card_markdown(card)),
        ("its card for programs", f"{out.stem}.card.json", card_json(card)),
        ("the history", f"{out.stem}.history.csv", history_csv(training.epochs)),
        ("the history's plot", f"{out.stem}.history.svg", history_svg(training.epochs)),
    )
    publish(out.parent, contents, say)
    return card


def check_target(out: Path) -> None:
    """Raise TrainingError when a model cannot be called ``out``."""
    if out.suffix != ".keras":
        raise TrainingError(f"--out {out} is no name for a Keras model. Must end in .keras.")


def model_file(model: keras.Model, name: str) -> bytes:
    """Return the content of a .keras file without the optimizer's state, which triples its size."""
    bare = network(name).build()
    bare.set_weights(model.get_weights())
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.keras")
        bare.save(path)
        return Path(path).read_bytes()


def count_correct(model: keras.Model, digits: Digits) -> int:
    """Return how many of the digits the model reads right."""
    predicted = model.predict(network_input(digits.images), batch_size=500, verbose=0).argmax(axis=1)
    return int(np.count_nonzero(predicted == digits.labels))


def _card(training: Training, data: TrainingData, settings: Settings, model_sha256: str) -> Card:
    """Gather what the card says."""
    import keras
    import tensorflow as tf

    recipe = recipe_of(settings)
    interrupted = ("Training was stopped by hand; these are the best weights until then.",)
    return Card(
        network=settings.network,
        summary=network(settings.network).summary,
        parameters=training.model.count_params(),
        model_sha256=model_sha256,
        version=__version__,
        data=data.source,
        data_sha256=data.sha256,
        given_digits=len(data.given),
        drawn_digits=recipe.drawn,
        seed=settings.seed,
        epochs=len(training.epochs),
        epochs_planned=recipe.epochs,
        batch_size=settings.batch_size,
        learning_rate=recipe.learning_rate,
        optimizer=recipe.optimizer,
        augmentation=recipe.augment,
        test_digits=len(data.test),
        test_correct=count_correct(training.model, data.test),
        seconds=round(training.seconds),
        libraries={"Keras": keras.__version__, "TensorFlow": tf.__version__, "NumPy": np.__version__},
        notes=(*data.notes, *(interrupted if training.interrupted else ())),
    )
