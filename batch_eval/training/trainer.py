"""Train a network: from its settings to what came of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from batch_eval.errors import TrainingError
from batch_eval.models.tensorflow_runtime import import_tensorflow
from batch_eval.training.batches import CLASSES, Digits, batches, drawn_plates, network_input
from batch_eval.training.checkpoint import Checkpoint, load_weights
from batch_eval.training.compiling import compile_for, patient_callbacks, tensorboard
from batch_eval.training.course import Course, Report, earlier_part, kept_options
from batch_eval.training.history import Epoch
from batch_eval.training.networks import network
from batch_eval.training.settings import Settings, recipe_of
from batch_eval.training.splitting import split
from batch_eval.training.stopping import stopping_between_batches

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Training:
    """A finished training: the model with its best weights, every epoch, and whether it was stopped early.

    ``origin`` says in words what it was resumed from, and is empty where it began anew.
    """

    model: keras.Model
    epochs: tuple[Epoch, ...]
    seconds: float
    interrupted: bool
    origin: str = ""


def train(given: Digits, settings: Settings, *, report: Report, check: Digits | None = None) -> Training:
    """Train on ``given`` (N, 28, 28) and on digits drawn here; Ctrl-C after the first epoch keeps the best so far.

    The best epoch is chosen by ``check``, or by some of ``given`` that are set aside for it. ``report`` gets a line of
    progress, and the epoch that has just ended if there is one. The same seed gives the same weights on the same
    machine, and so does a training that is resumed from one of its checkpoints. Raises TrainingError when there are
    too few digits, or when the file to resume from does not fit.
    """
    import_tensorflow()
    import keras

    keras.utils.set_random_seed(settings.seed)
    recipe = recipe_of(settings)
    board = tensorboard(settings.tensorboard)
    train_set, val_set = split(given, recipe, settings, check)
    options = kept_options(settings, recipe, train_set, val_set)
    earlier = earlier_part(settings.resume, options, recipe.epochs)
    if recipe.drawn:
        report(f"Drawing {recipe.drawn:,} digits", None)
    plates = drawn_plates(settings.seed, recipe.drawn)
    steps = (len(train_set) + len(plates)) // settings.batch_size
    if steps == 0:
        raise TrainingError(
            f"{len(train_set) + len(plates)} training digits do not fill one batch of {settings.batch_size}. "
            "Give more images, or a smaller --batch-size."
        )
    model = network(settings.network).build()
    if settings.resume and not earlier:
        load_weights(model, settings.resume)
    compile_for(model, recipe, recipe.epochs * steps, constant=settings.reduce_lr is not None)
    course = Course(model, recipe.epochs, report, options, settings.checkpoints)
    stream = batches(
        *(train_set, plates),
        size=settings.batch_size,
        seed=settings.seed,
        augment=recipe.augment,
        state=earlier.stream if earlier else None,
        pass_ended=course.passes.append,
    )
    patient = patient_callbacks(settings, averaged=recipe.averaged)
    callbacks = [*patient, *board, _callback(course, settings, earlier, patient)]
    interrupted = _fit(course, stream, val_set, callbacks, steps=steps, first=len(earlier.epochs) if earlier else 0)
    return Training(model, tuple(course.done), course.seconds, interrupted, _origin(settings, earlier))


def _callback(course: Course, settings: Settings, earlier: Checkpoint | None, patient: Sequence[Any]) -> Any:
    """Return the callback by which Keras tells of the training."""
    from keras.callbacks import LambdaCallback

    def begin(_logs: Any) -> None:
        if settings.resume and earlier:
            course.go_on(settings.resume, earlier, patient)

    return LambdaCallback(on_train_begin=begin, on_epoch_end=course.epoch_ended)


def _fit(course: Course, stream: Any, val_set: Digits, callbacks: Sequence[Any], *, steps: int, first: int) -> bool:
    """Run the epochs and put the best weights back at the end; return whether Ctrl-C ended them."""
    import numpy as np

    interrupted = False
    try:
        with stopping_between_batches(lambda: course.best) as stopping:
            course.model.fit(
                stream,
                steps_per_epoch=steps,
                initial_epoch=first,
                epochs=course.planned,
                shuffle=False,
                verbose=0,
                validation_data=(network_input(val_set.images), np.eye(CLASSES, dtype=np.float32)[val_set.labels]),
                validation_batch_size=500,
                callbacks=[*callbacks, stopping],
            )
    except KeyboardInterrupt:
        if not course.best:
            raise
        interrupted = True
    if any(not math.isfinite(epoch.loss) for epoch in course.done):
        raise TrainingError("the loss became infinite. Choose a smaller --learning-rate.")
    course.model.set_weights(course.best)
    return interrupted


def _origin(settings: Settings, earlier: Checkpoint | None) -> str:
    """Say what a training was resumed from."""
    if settings.resume is None:
        return ""
    if earlier is None:
        return f"Training began with the weights of {settings.resume.name}."
    return f"Training was resumed from {settings.resume.name} after epoch {len(earlier.epochs)}."
