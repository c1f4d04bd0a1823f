"""Read a sample of a run's images another way: to compare the recipes, and to explain a low accuracy.

Other ways are other recipes and other conventions. The run itself has prepared the sample for the recipes that reports
compare. The result says what would have been read. The run's own readings stay as they are.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from batch_eval.engines.local import Task
from batch_eval.engines.rows import Readings, Rows, Trial, TrialKind
from batch_eval.engines.sampling import COMPARED, FEWEST, spread_rows
from batch_eval.errors import ModelError, UnreadableImageError
from batch_eval.found_convention import STATED, TESTED
from batch_eval.imaging import RECIPES, Preprocessor, preprocessor
from batch_eval.models import Classifier
from batch_eval.models.class_names import DIGIT_ORDERS, DIGITS, digit_columns
from batch_eval.models.convention import Convention
from batch_eval.models.own_digits import own_digits
from batch_eval.models.self_test import conventions
from batch_eval.outcome import OUTCOMES, Outcome

GOOD = 0.96
"""Accuracy from which no other convention is tried: none could be clearly better."""
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
    readings: Mapping[int, Readings]
    """By row, what the run's recipes made of it; empty where none were compared."""
    hits: Mapping[int, Mapping[str, bool]]
    """By row and recipe, whether the model reads it right, if that is known already."""


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
    if accuracy < GOOD and set(task.classifier.found.found.values()) != {STATED}:
        yield from _other_conventions(task, sample)
    compared = list(_compared_recipes(task, sample))
    yield from compared
    if accuracy >= LOW:
        return
    own = read_own_digits(task.classifier)
    if own:
        yield own
    if own is None or own.share < WEAK or accuracy < own.share - SHORTFALL:
        yield from _best_recipe(task, sample, [trial.option for trial in compared])


def read_own_digits(classifier: Classifier) -> Trial | None:
    """Let a model read the package's own digits; None for a model of other classes."""
    columns = digit_columns(classifier.class_names)
    if columns is None:
        return None
    digits = own_digits()
    right = int((classifier.predict(digits.images).argmax(axis=1) == columns[digits.labels]).sum())
    return Trial(TrialKind.OWN_DIGITS, "", len(digits.labels), right, right)


def _sample(task: Task, rows: Rows) -> _Sample:
    """Return the scored images of the run's sample; without one, choose some."""
    labels = task.dataset.samples.truth
    candidates = np.array(sorted(rows.sample) or range(len(labels)), np.intp)
    labelled = zip(candidates.tolist(), labels[candidates], rows.outcome[candidates].tolist(), strict=True)
    chosen = spread_rows((row, truth) for row, truth, outcome in labelled if OUTCOMES[outcome].scored)
    truths = tuple(str(labels[row]) for row in chosen)
    correct = rows.outcome[list(chosen)] == OUTCOMES.index(Outcome.CORRECT)
    return _Sample(chosen, truths, correct, rows.sample, rows.hits)


def _other_conventions(task: Task, sample: _Sample) -> Iterator[Trial]:
    """Yield the convention that reads the sample best, if it is clearly better."""
    classifier = task.classifier
    prepared = dict(_prepared(task, sample, task.preprocessor))
    if not prepared:
        return
    images, truths = np.stack(list(prepared.values())), [sample.truths[i] for i in prepared]
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


def _compared_recipes(task: Task, sample: _Sample) -> Iterator[Trial]:
    """Yield what the recipes that reports compare make of the sample, without images that look like MNIST."""
    hits = sample.hits or recipe_hits(task, sample.readings, dict(zip(sample.rows, sample.truths, strict=True)))
    yield from _compared(sample, hits)


def compared_trials(
    read: Mapping[int, tuple[str | None, Outcome]], hits: Mapping[int, Mapping[str, bool]]
) -> tuple[Trial, ...]:
    """Return the trials of the recipes that reports compare.

    ``read`` holds the truth and the outcome of each row of ``hits``.
    """
    chosen = spread_rows((row, read[row][0]) for row in sorted(hits) if read[row][1].scored)
    correct = np.array([read[row][1] is Outcome.CORRECT for row in chosen], np.bool_)
    sample = _Sample(chosen, tuple(str(read[row][0]) for row in chosen), correct, {}, hits)
    return tuple(_compared(sample, hits))


def _compared(sample: _Sample, hits: Mapping[int, Mapping[str, bool]]) -> Iterator[Trial]:
    for recipe in COMPARED:
        places = [i for i, row in enumerate(sample.rows) if recipe in hits.get(row, {})]
        if len(places) >= FEWEST:
            right = sum(hits[sample.rows[i]][recipe] for i in places)
            now = int(sample.correct[places].sum())
            yield Trial(TrialKind.RECIPE, _recipe_option(recipe), len(places), right, now)


def recipe_hits(
    task: Task, readings: Mapping[int, Readings], truths: Mapping[int, str | None]
) -> dict[int, dict[str, bool]]:
    """Return by row, and by each recipe but the run's own, whether the model reads the image right."""
    names, own = task.classifier.class_names, task.preprocessor.name
    found: dict[int, dict[str, bool]] = {row: {} for row in readings if row in truths}
    others = [recipe for recipe in COMPARED if recipe != own]
    made = {(row, name): readings[row][name] for row in found for name in others if name in readings[row]}
    # all recipes at once: a batch is padded, and a part has few images of each
    seen = {place: image for place, image in made.items() if image is not None}
    read = task.classifier.predict(np.stack(list(seen.values()))).argmax(axis=1).tolist() if seen else []
    right = {place for place, k in zip(seen, read, strict=True) if names[k] == truths[place[0]]}
    for row, name in made:
        found[row][name] = (row, name) in right
    return found


def _best_recipe(task: Task, sample: _Sample, tried: Collection[str]) -> Iterator[Trial]:
    """Yield what the best of the recipes that were not ``tried`` makes of the sample."""
    found = []
    for recipe in RECIPES:
        if recipe != task.preprocessor.name and _recipe_option(recipe) not in tried:
            prepare = preprocessor(recipe, size=task.classifier.size, channels=task.classifier.channels)
            seen = dict(_prepared(task, sample, prepare))
            found.append(_recipe(task, sample, recipe, {i: seen.get(i) for i in range(len(sample.rows))}))
    yield from sorted(found, key=lambda trial: -trial.right)[:1]


def _recipe(task: Task, sample: _Sample, recipe: str, seen: Mapping[int, NDArray[np.uint8] | None]) -> Trial:
    """Return what a recipe's images, by their place in the sample, are read as. None is an image that is not read."""
    names = task.classifier.class_names
    images = {i: image for i, image in seen.items() if image is not None}
    right = 0
    if images:
        read = task.classifier.predict(np.stack(list(images.values()))).argmax(axis=1)
        right = sum(names[k] == sample.truths[i] for i, k in zip(images, read.tolist(), strict=True))
    return Trial(TrialKind.RECIPE, _recipe_option(recipe), len(seen), right, int(sample.correct[list(seen)].sum()))


def _recipe_option(recipe: str) -> str:
    return f"--preprocess {recipe}"


def _prepared(task: Task, sample: _Sample, prepare: Preprocessor) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """Yield the place in the sample of each image that is not blank, and what the model would see of it."""
    task = replace(task, preprocessor=prepare)
    for i, row in enumerate(sample.rows):
        if prepare.name in sample.readings.get(row, {}):  # prepared by the run: no file is read twice
            image = sample.readings[row][prepare.name]
        else:
            try:
                prepared = task.read(task.dataset.samples[row]).prepared
            except UnreadableImageError:  # the file was readable a moment ago: it counts as not read
                continue
            image = None if prepared.blank else np.asarray(prepared.image, np.uint8)
        if image is not None:
            yield i, image
