"""Rank many models on one set of images. Each image is decoded once, and prepared once for each distinct input."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from batch_eval.api import evaluation_of, fixed_time, open_reader, reader_task, task_notes
from batch_eval.errors import BatchEvalError, DatasetError, ModelError
from batch_eval.progress import notebook_progress

if TYPE_CHECKING:
    from batch_eval.dataset import Dataset, LabelOptions, Labels, Place
    from batch_eval.engines.local import Task
    from batch_eval.engines.reader import Reader
    from batch_eval.engines.rows import Picture, Rows
    from batch_eval.evaluation.paired import Comparison
    from batch_eval.evaluation.ranking import Entry, Ranking
    from batch_eval.imaging import PreprocessingOptions
    from batch_eval.models import ModelOptions
    from batch_eval.progress import Progress, ProgressOption


def compare(
    folder: Place,
    models: Sequence[ModelOptions | str | Path],
    labels: LabelOptions | str | Path | Labels | None = None,
    preprocess: PreprocessingOptions | str = "photo",
    *,
    jobs: int | None = None,
    progress: ProgressOption = None,
) -> Ranking:
    """Rank models on a set of labelled digit images.

    ``models`` are files, folders of models, patterns such as `models/*.keras`, or ModelOptions. The other arguments are
    those of `evaluate`. A model that cannot be evaluated is listed with the reason.
    Raises ModelError when none can be evaluated.
    """
    from batch_eval.dataset import load_dataset
    from batch_eval.models import ModelOptions
    from batch_eval.models.model_files import find_models, model_names

    chosen = [
        option
        for model in models
        for option in ([model] if isinstance(model, ModelOptions) else map(ModelOptions.of, find_models([model])))
    ]
    names = model_names([option.file for option in chosen])
    opened = open_readers(chosen, preprocess)
    dataset = load_dataset(folder, labels, all_classes(opened))
    with notebook_progress(progress, len(dataset.samples), f"images, {len(chosen)} models") as advance:
        return rank_candidates(candidates_on(dataset, opened), names, jobs=jobs, progress=advance)


@dataclass(frozen=True)
class Opened:
    """A model that was to be opened, and its reader or the error."""

    options: ModelOptions
    reader: Reader | ModelError


def open_readers(
    models: Sequence[ModelOptions],
    preprocess: PreprocessingOptions | str,
    progress: Progress | None = None,
) -> list[Opened]:
    """Open models. ``progress`` gets 1 after each. Raises ConfigError for options that fit no model."""
    found = []
    for options in models:
        found.append(Opened(options, _reader(options, preprocess)))
        if progress:
            progress(1)
    return found


def _reader(options: ModelOptions, preprocess: PreprocessingOptions | str) -> Reader | ModelError:
    try:
        return open_reader(options, preprocess)
    except ModelError as error:
        return error


def all_classes(opened: Sequence[Opened]) -> tuple[str, ...]:
    """Return the classes of all models; the digits where none was opened. Labels are looked for among them."""
    from batch_eval.dataset.labels.spelling import DIGITS

    readers = [one.reader for one in opened if not isinstance(one.reader, ModelError)]
    return tuple(dict.fromkeys(name for reader in readers for name in reader.classifier.class_names)) or DIGITS


@dataclass(frozen=True)
class Candidate:
    """A model to rank: its task, or what keeps it from being evaluated."""

    options: ModelOptions
    task: Task | BatchEvalError


def candidates_on(dataset: Dataset, opened: Sequence[Opened]) -> list[Candidate]:
    """Return a candidate for each model, with its task on the dataset.

    A model gets no task if it was not opened, or if no label is one of its classes.
    """
    return [Candidate(one.options, _task(dataset, one.reader)) for one in opened]


def _task(dataset: Dataset, reader: Reader | ModelError) -> Task | BatchEvalError:
    if isinstance(reader, ModelError):
        return reader
    task = reader_task(dataset, reader)
    try:
        task_notes(task)
    except DatasetError as error:  # no label is a class of this model
        return error
    return task


def rank_candidates(
    candidates: Sequence[Candidate],
    names: Sequence[str],
    *,
    jobs: int | None = None,
    progress: Progress | None = None,
) -> Ranking:
    """Evaluate opened models, and rank them. ``names`` has a name for each candidate.

    ``progress`` gets the number of images that all models have read since its last call.
    Raises ModelError when no model can be evaluated.
    """
    from batch_eval.engines import local
    from batch_eval.evaluation.ranking import rank

    moment = fixed_time()
    tasks = [candidate.task for candidate in candidates if not isinstance(candidate.task, BatchEvalError)]
    rows = iter(local.run_many(tasks, jobs=jobs, progress=progress) if tasks else [])
    entries = []
    # `rows` has one entry for each task, in order; candidates without a task bring their own error
    for candidate, name in zip(candidates, names, strict=True):
        result = candidate.task if isinstance(candidate.task, BatchEvalError) else next(rows)
        entries.append(_entry(candidate, name, result, moment))
    ranking = rank(entries)
    return replace(ranking, pictures=_pictures(ranking, tasks[0]))


def _pictures(ranking: Ranking, task: Task) -> dict[int, Picture]:
    """Return the pictures of the images that reports show. Only now is it known which these are."""
    rows = {int(ranking.shared.rows[0, place]): place for place in ranking.pictured}
    return {rows[row]: picture for row, picture in _pictures_of(task, list(rows)).items()}


def pair_up(ranking: Ranking, names: Sequence[str], candidates: Sequence[Candidate]) -> Comparison:
    """Return the models of a ranking compared with the first of ``names``.

    The comparison holds pictures of the images that changed.
    ``names`` and ``candidates`` are those of `rank_candidates`. All of them were evaluated.
    """
    from batch_eval.evaluation.paired import compare_whole

    by_name = {place.name: place.evaluation for place in ranking.places}
    found = compare_whole([by_name[name] for name in names], names)
    tasks = [candidate.task for candidate in candidates if not isinstance(candidate.task, BatchEvalError)]
    return found.with_pictures([_pictures_of(task, rows) for task, rows in zip(tasks, found.pictured, strict=True)])


def _pictures_of(task: Task, rows: Sequence[int]) -> dict[int, Picture]:
    from batch_eval.engines.local import sample_picture

    found = {row: sample_picture(task, task.dataset.samples[row]) for row in rows}
    return {row: picture for row, picture in found.items() if picture}


def _entry(candidate: Candidate, name: str, rows: Rows | Task | BatchEvalError, moment: datetime | None) -> Entry:
    """Return a model's entry in the ranking."""
    from batch_eval.engines.rows import Rows
    from batch_eval.evaluation.ranking import Entry
    from batch_eval.models.facts import model_facts

    task = candidate.task
    if isinstance(task, BatchEvalError) or not isinstance(rows, Rows):
        file = candidate.options.file
        # Under its name in the table: the path says no more, and an anonymous table must not hold it.
        return Entry(name, None, problem=str(rows).replace(str(file), name).replace(file.name, name))
    # A time differs in every run. Where the bytes must not differ, there is none.
    facts = model_facts(task.classifier, candidate.options.path, timed=moment is None)
    return Entry(name, evaluation_of(task, rows, task_notes(task), moment), facts)


def anonymous_names(models: Sequence[ModelOptions]) -> list[str]:
    """Return the first eight characters of each file's SHA-256. Who has the file can find it in the table."""
    from batch_eval.models.loading import sha256

    names: list[str] = []
    for options in models:
        name = sha256(options.file)[:8]
        # equal files have the same name: the second becomes `1a2b3c4d (2)`
        copies = sum(known.startswith(name) for known in names)
        names.append(f"{name} ({copies + 1})" if copies else name)
    return names
