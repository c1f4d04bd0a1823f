"""Save a finished training: the model, its card, its history and the history's plot."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from batch_eval import __version__, interrupts
from batch_eval.errors import TrainingError
from batch_eval.evaluation import Evaluation, Outcome
from batch_eval.publishing import publish
from batch_eval.training.card import Card, card_json, card_markdown, history_csv
from batch_eval.training.data import TrainingData
from batch_eval.training.networks import network
from batch_eval.training.plot import history_svg
from batch_eval.training.settings import Settings, hyperparameters_of
from batch_eval.training.testing import evaluate_digits
from batch_eval.training.trainer import TrainingResult

if TYPE_CHECKING:
    import keras

ENDINGS = (".weights.h5", ".keras", ".h5", ".hdf5")


def save_training(
    result: TrainingResult,
    data: TrainingData,
    settings: Settings,
    out: Path,
    *,
    say: Callable[[str], None] | None = None,
) -> tuple[Card, Evaluation]:
    """Write the model to ``out`` and its card, history and plot beside it, all or none.

    If the evaluation fails or is interrupted, the model alone is written, so that no training is lost. Returns the
    card, and the evaluation on the test set that its accuracy comes from.

    Raises TrainingError for an invalid ending of ``out``, ReportError if the folder cannot be written to.
    """
    stem = stem_of(out)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, out.name)
        _write_model(result.model, settings.network, path)
        model = path.read_bytes()
        try:
            evaluation = evaluate_digits(
                path, data.test, network=needed_network(out, settings.network), class_names=data.class_names
            )
        except BaseException:  # KeyboardInterrupt too; it is raised again
            interrupts.answered()
            publish(out.parent, [("the model", out.name, model)], say)
            raise
    card = _card(result, data, settings, hashlib.sha256(model).hexdigest(), evaluation)
    contents = (
        ("the model", out.name, model),
        ("its card", f"{stem}.card.md", card_markdown(card)),
        ("its card as JSON", f"{stem}.card.json", card_json(card)),
        ("the history", f"{stem}.history.csv", history_csv(result.epochs)),
        ("the history's plot", f"{stem}.history.svg", history_svg(result.epochs, hyperparameters_of(settings).best_by)),
    )
    publish(out.parent, contents, say)
    return card, evaluation


def stem_of(out: Path) -> str:
    """Return a model file's name without its ending. Raises TrainingError for any other ending."""
    for ending in ENDINGS:
        if out.name.endswith(ending) and out.name != ending:
            return out.name.removesuffix(ending)
    raise TrainingError(f"--out {out} is not the name of a Keras model. Must end in {', '.join(ENDINGS)}.")


def needed_network(out: Path, name: str) -> str | None:
    """Return ``name`` if the file holds weights only, so that opening it needs the network's name. Else None."""
    return name if out.name.endswith(".weights.h5") else None


def _write_model(model: keras.Model, name: str, path: Path) -> None:
    """Save a model without the optimizer's state, which triples the size."""
    bare = network(name).build()
    bare.set_weights(model.get_weights())
    if needed_network(path, name):
        bare.save_weights(path)
    else:
        bare.save(path)


def _card(
    result: TrainingResult, data: TrainingData, settings: Settings, model_sha256: str, evaluation: Evaluation
) -> Card:
    """Return the card."""
    import keras
    import tensorflow as tf

    hyperparameters = hyperparameters_of(settings)
    interrupted = "Training was stopped by hand. These are the best weights until then." if result.interrupted else ""
    return Card(
        network=settings.network,
        summary=network(settings.network).summary,
        parameters=result.model.count_params(),
        model_sha256=model_sha256,
        version=__version__,
        data=data.source,
        data_sha256=data.sha256,
        given_digits=len(data.train),
        drawn_digits=hyperparameters.drawn,
        seed=settings.seed,
        epochs=len(result.epochs),
        epochs_planned=hyperparameters.epochs,
        batch_size=settings.batch_size,
        learning_rate=hyperparameters.learning_rate,
        optimizer=hyperparameters.optimizer,
        augmentation=hyperparameters.augment,
        test_digits=len(data.test),
        test_correct=evaluation.counts[Outcome.CORRECT],
        seconds=round(result.seconds),
        libraries={"Keras": keras.__version__, "TensorFlow": tf.__version__, "NumPy": np.__version__},
        class_names=data.class_names,
        notes=(*data.notes, *(note for note in (result.origin, interrupted) if note)),
    )
