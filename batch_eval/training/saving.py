"""A finished training becomes files: the model, its card, its history and the history's plot."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from batch_eval import __version__
from batch_eval.errors import TrainingError
from batch_eval.evaluation import Evaluation, Outcome
from batch_eval.publishing import publish
from batch_eval.training.card import Card, card_json, card_markdown, history_csv
from batch_eval.training.data import TrainingData
from batch_eval.training.networks import network
from batch_eval.training.plot import history_svg
from batch_eval.training.settings import Settings, recipe_of
from batch_eval.training.testing import evaluate_digits
from batch_eval.training.trainer import Training

if TYPE_CHECKING:
    import keras


ENDINGS = (".weights.h5", ".keras", ".h5", ".hdf5")


def save_training(
    training: Training,
    data: TrainingData,
    settings: Settings,
    out: Path,
    *,
    say: Callable[[str], None] | None = None,
) -> tuple[Card, Evaluation]:
    """Write the model to ``out`` and, beside it, its card, history and plot, all or none.

    Where the model cannot be evaluated, or Ctrl-C stops that, the model alone is written, so that no training is lost.
    Returns the card, and the evaluation of the test digits that its figure comes from. Raises TrainingError when
    ``out`` has no ending of a Keras file, ReportError when the folder cannot be written.
    """
    stem = stem_of(out)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, out.name)
        _write_model(training.model, settings.network, path)
        model = path.read_bytes()
        try:
            evaluation = evaluate_digits(
                path, data.test, network=weights_of(out, settings.network), class_names=data.class_names
            )
        except BaseException:
            publish(out.parent, [("the model", out.name, model)], say)
            raise
    card = _card(training, data, settings, hashlib.sha256(model).hexdigest(), evaluation)
    contents = (
        ("the model", out.name, model),
        ("its card", f"{stem}.card.md", card_markdown(card)),
        ("its card for programs", f"{stem}.card.json", card_json(card)),
        ("the history", f"{stem}.history.csv", history_csv(training.epochs)),
        ("the history's plot", f"{stem}.history.svg", history_svg(training.epochs)),
    )
    publish(out.parent, contents, say)
    return card, evaluation


def stem_of(out: Path) -> str:
    """Return a model file's name without its ending; raises TrainingError when a model cannot be called so."""
    for ending in ENDINGS:
        if out.name.endswith(ending) and out.name != ending:
            return out.name.removesuffix(ending)
    raise TrainingError(f"--out {out} is no name for a Keras model. Must end in {', '.join(ENDINGS)}.")


def weights_of(out: Path, name: str) -> str | None:
    """Return the network's name when the file ``out`` holds its weights alone."""
    return name if out.name.endswith(".weights.h5") else None


def _write_model(model: keras.Model, name: str, path: Path) -> None:
    """Save a model without the optimizer's state, which triples its size."""
    bare = network(name).build()
    bare.set_weights(model.get_weights())
    if weights_of(path, name):
        bare.save_weights(path)
    else:
        bare.save(path)


def _card(
    training: Training, data: TrainingData, settings: Settings, model_sha256: str, evaluation: Evaluation
) -> Card:
    """Gather what the card says."""
    import keras
    import tensorflow as tf

    recipe = recipe_of(settings)
    interrupted = "Training was stopped by hand; these are the best weights until then." if training.interrupted else ""
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
        test_correct=evaluation.counts[Outcome.CORRECT],
        seconds=round(training.seconds),
        libraries={"Keras": keras.__version__, "TensorFlow": tf.__version__, "NumPy": np.__version__},
        class_names=data.class_names,
        notes=(*data.notes, *(note for note in (training.origin, interrupted) if note)),
    )
