"""Read a sample of a run's images another way, to explain a low accuracy.

Other ways are other conventions and other recipes. A run that went well costs nothing here. The result says what would
have been read. The run itself stays as it is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import chain, zip_longest

import cv2
import numpy as np
from numpy.typing import NDArray

from batch_eval.engines.local import Task
from batch_eval.engines.rows import Rows, Trial, TrialKind
from batch_eval.errors import ModelError, UnreadableImageError
from batch_eval.found_convention import STATED, TESTED
from batch_eval.imaging import RECIPES, Preprocessor, preprocessor
from batch_eval.models import Classifier
from batch_eval.models.class_names import DIGIT_ORDERS, DIGITS, digit_columns
from batch_eval.models.convention import Convention
from batch_eval.models.own_digits import own_digits
from batch_eval.models.self_test import conventions
from batch_eval.outcome import OUTCOMES, Outcome

SAMPLE = 80
"""Images that are read another way."""
SCREENED = 20
"""Images on which all conventions are tried. The best ``FINALISTS`` read the whole sample."""
FINALISTS = 4
CLEARLY = 0.04
"""Gain in accuracy from which another convention is worth a line."""
LOW = 0.9
"""Accuracy from which other recipes are not tried."""
SHORTFALL = 0.1
"""Other recipes are tried where the accuracy lies this far below that on the package's own digits."""
WEAK = 0.8
"""Accuracy on the package's own digits below which a model is weak."""


@dataclass(frozen=True)
class _Sample:
    """Scored images: rows, decoded or not, and what they should read."""

    rows: tuple[int, ...]
    truths: tuple[str, ...]
    correct: NDArray[np.bool_]
    """(n,) whether the run read it right."""


def trials(task: Task, rows: Rows, accuracy: float) -> tuple[Trial, ...]:
    """Return what a sample of the scored images reads like in other ways.

    There must be scored images.
    """
    found: list[Trial] = []
    # a run that is complete must not be lost because the model fails, or takes long, on images made another way
    with suppress(ModelError), task.classifier.inference.limited("the trials"):
        for trial in _trials(task, _sample(task, rows), accuracy):
            found.append(trial)  # noqa: PERF402 - those before an error are kept
    return tuple(found)


def _trials(task: Task, sample: _Sample, accuracy: float) -> Iterator[Trial]:
    # a convention that the file states in all its parts leaves nothing to guess
    if set(task.classifier.found.found.values()) != {STATED}:
        yield from _other_conventions(task, sample)
    if accuracy >= LOW:
        return
    own = read_own_digits(task.classifier)
    if own:
        yield own
    if own is None or own.share < WEAK or accuracy < own.share - SHORTFALL:
        yield from _other_recipes(task, sample)


def read_own_digits(classifier: Classifier) -> Trial | None:
    """Let a model read the package's own digits; None for a model of other classes."""
    columns = digit_columns(classifier.class_names)
    if columns is None:
        return None
    digits = own_digits()
    right = int((classifier.predict(digits.images).argmax(axis=1) == columns[digits.labels]).sum())
    return Trial(TrialKind.OWN_DIGITS, "", len(digits.labels), right, right)


def _sample(task: Task, rows: Rows) -> _Sample:
    """Choose scored images, of all classes alike and spread over each class's files."""
    of_class: dict[str, list[int]] = defaultdict(list)
    for row, sample in enumerate(task.dataset.samples):
        if sample.truth is not None and OUTCOMES[rows.outcome[row]].scored:
            of_class[sample.truth].append(row)
    each = -(-SAMPLE // max(1, len(of_class)))  # rounded up
    # Every k-th file of a class, then one of each class in turn. So the first images hold many classes too.
    spread = [some[:: max(1, len(some) // each)][:each] for some in of_class.values()]
    turns = chain.from_iterable(zip_longest(*spread))
    chosen = tuple(row for row in turns if row is not None)[:SAMPLE]
    truths = tuple(str(task.dataset.samples[row].truth) for row in chosen)
    return _Sample(chosen, truths, rows.outcome[list(chosen)] == OUTCOMES.index(Outcome.CORRECT))


def _other_conventions(task: Task, sample: _Sample) -> Iterator[Trial]:
    """Yield the convention that reads the sample best, if it is clearly better."""
    classifier = task.classifier
    images, kept = _prepared(task, sample, task.preprocessor)
    if not len(images):
        return
    truths = [sample.truths[i] for i in kept]
    tried = [
        (convention, order)
        for convention in conventions(classifier.inference.layout.channels)
        for order in _orders(classifier)
        if (convention, order) != (classifier.convention, classifier.class_names)
    ]
    # Two rounds: all conventions read a few images, and the best of them read the whole sample.
    screened = _right(classifier, images[:SCREENED], truths[:SCREENED], tried)
    best = sorted(range(len(tried)), key=lambda i: -int(screened[i].sum()))[:FINALISTS]
    finalists = [tried[i] for i in best]
    right = [int(one.sum()) for one in _right(classifier, images, truths, finalists)]
    first = int(np.argmax(right))
    n, now = len(sample.rows), int(sample.correct.sum())
    if right[first] - now >= max(CLEARLY * n, 3) and right[first] > n / 2:
        yield Trial(TrialKind.CONVENTION, _options(classifier, *finalists[first]), n, right[first], now)


def _orders(classifier: Classifier) -> list[tuple[str, ...]]:
    """Return the orders of the classes to try.

    These are all known ones of ten digits, unless the file states the order or the self-test found it.
    """
    # a wrong order that the self-test excludes would look like labels that are all wrong in the same way
    found = classifier.found.found["classes"] in (TESTED, STATED)
    digits = sorted(classifier.class_names) == sorted(DIGITS) and classifier.inference.probed.shape[1] == len(DIGITS)
    if found or not digits:
        return [classifier.class_names]
    return list(dict.fromkeys([classifier.class_names, *DIGIT_ORDERS.values()]))


def _right(
    classifier: Classifier,
    images: NDArray[np.uint8],
    truths: Sequence[str],
    tried: Sequence[tuple[Convention, tuple[str, ...]]],
) -> list[NDArray[np.bool_]]:
    """Return for each convention and order the (n,) images that it reads right."""
    # The order of the classes only names the outputs, so the model runs once a convention.
    read = {
        convention: classifier.probabilities(classifier.inference.outputs(images, convention)).argmax(axis=1)
        for convention in dict.fromkeys(convention for convention, _ in tried)
    }
    names = np.array(truths, dtype=object)
    return [np.array(order, dtype=object)[read[convention]] == names for convention, order in tried]


def _options(classifier: Classifier, convention: Convention, order: tuple[str, ...]) -> str:
    """Return the options that change the convention in use into another one."""
    now, parts = classifier.convention, []
    if convention.input_range != now.input_range:
        parts.append(f"--input-range {convention.input_range}")
    if convention.ink != now.ink:
        parts.append(f"--ink {convention.ink}")
    if convention.transposed != now.transposed:
        parts.append(f"--{convention.orientation}")
    if order != classifier.class_names:
        parts.append(f"--classes {','.join(order)}")
    return " ".join(parts)


def _other_recipes(task: Task, sample: _Sample) -> Iterator[Trial]:
    """Yield what each other recipe makes of the sample."""
    names = task.classifier.class_names
    for recipe in RECIPES:
        if recipe == task.preprocessor.name:
            continue
        prepare = preprocessor(recipe, size=task.classifier.size, channels=task.classifier.channels)
        images, kept = _prepared(task, sample, prepare)
        right = 0
        if len(images):
            read = task.classifier.predict(images).argmax(axis=1)
            right = sum(names[k] == sample.truths[i] for k, i in zip(read.tolist(), kept, strict=True))
        yield Trial(TrialKind.RECIPE, f"--preprocess {recipe}", len(sample.rows), right, int(sample.correct.sum()))


def _prepared(task: Task, sample: _Sample, prepare: Preprocessor) -> tuple[NDArray[np.uint8], list[int]]:
    """Return what the model would see of the sample, without blank images.

    The second result holds the places of these images in the sample.
    """
    images: list[cv2.typing.MatLike] = []
    kept = []
    task = replace(task, preprocessor=prepare)
    for i, row in enumerate(sample.rows):
        try:
            prepared = task.read(task.dataset.samples[row]).prepared
        except UnreadableImageError:  # the file was readable a moment ago: it counts as not read
            continue
        if not prepared.blank:
            images.append(prepared.image)
            kept.append(i)
    return (np.stack(images).astype(np.uint8, copy=False) if images else np.zeros((0, 28, 28), np.uint8)), kept
