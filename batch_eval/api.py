"""The main job as one call: a folder and a model become an Evaluation.

The command line takes the same steps one by one: `open_reader`, `reader_task`, `evaluate_task`, `verify_task`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from batch_eval import __version__
from batch_eval.errors import ConfigError, DatasetError
from batch_eval.evaluation import OUTCOMES, Evaluation, Outcome, Provenance, Records
from batch_eval.progress import notebook_progress
from batch_eval.wording import listing

if TYPE_CHECKING:
    from batch_eval.dataset import Dataset, LabelOptions, Labels, Place
    from batch_eval.engines.local import Task
    from batch_eval.engines.reader import Reader
    from batch_eval.engines.rows import Rows
    from batch_eval.imaging import PreprocessingOptions, Preprocessor
    from batch_eval.models import Classifier, ModelOptions, Verification
    from batch_eval.models.in_memory import KerasModel
    from batch_eval.progress import Progress, ProgressOption

LAST_SECOND = 253_402_300_799
"""Seconds since 1970 of the last moment of the year 9999. A date can hold no later one."""


def evaluate(
    folder: Place,
    model: ModelOptions | str | Path | KerasModel | None = None,
    labels: LabelOptions | str | Path | Labels | None = None,
    preprocess: PreprocessingOptions | str = "photo",
    *,
    jobs: int | None = None,
    progress: ProgressOption = None,
    compare_recipes: bool = True,
) -> Evaluation:
    """Evaluate a saved model on a set of labelled digit images.

    ``folder`` is a folder, a file that holds a set (archive, NumPy, IDX, Parquet, table), a list of images, or an
    array of shape (N, H, W) or (N, H, W, 3), RGB.

    ``model`` is a file, a Keras model in memory, None for the model that ships with batch_eval, or ModelOptions.
    ``labels`` is a label file, a list with one label an image, a mapping from names to labels, None to look for labels,
    or LabelOptions. ``preprocess`` is `photo`, `mnist`, `simple`, `none`, or PreprocessingOptions. ``jobs`` is the
    number of workers, by default one a core. ``progress`` gets the number of images finished since its last call, as
    `tqdm().update` takes it; None shows a bar in a notebook, and False none. ``compare_recipes`` reads a sample under
    the other recipes too.
    Raises a subclass of BatchEvalError for whatever the caller must change.

    >>> evaluate("sample_images").accuracy > 0.8  # doctest: +SKIP
    True
    """
    task = open_task(folder, model, labels, preprocess)
    with notebook_progress(progress, len(task.dataset.samples)) as advance:
        return evaluate_task(task, jobs=jobs, progress=advance, compare_recipes=compare_recipes)


def open_task(
    folder: Place,
    model: ModelOptions | str | Path | KerasModel | None = None,
    labels: LabelOptions | str | Path | Labels | None = None,
    preprocess: PreprocessingOptions | str = "photo",
) -> Task:
    """Open a model and find a folder's images and labels. Arguments as in `evaluate`."""
    from batch_eval.dataset import load_dataset

    reader = open_reader(model, preprocess)
    return reader_task(load_dataset(folder, labels, reader.classifier.class_names), reader)


def reader_task(dataset: Dataset, reader: Reader) -> Task:
    """Return the task of reading a found dataset with an opened model."""
    from batch_eval.engines.local import Task

    return Task(dataset, reader.recipe, reader.classifier)


def open_reader(
    model: ModelOptions | str | Path | KerasModel | None = None, preprocess: PreprocessingOptions | str = "photo"
) -> Reader:
    """Open a model for one thread per worker, with the recipe that fits its input."""
    from batch_eval.engines.reader import Reader
    from batch_eval.models import ModelOptions, open_model
    from batch_eval.models.in_memory import open_in_memory

    if model is None or isinstance(model, ModelOptions | str | Path):
        classifier = open_model(model, threads=1)
    else:
        classifier = open_in_memory(model, threads=1)
    return Reader(classifier, recipe_for(classifier, preprocess))


def recipe_for(classifier: Classifier, preprocess: PreprocessingOptions | str) -> Preprocessor:
    """Return the recipe for a model's size and channels."""
    from batch_eval.imaging import preprocessor

    return preprocessor(preprocess, size=classifier.size, channels=classifier.channels)


def evaluate_task(
    task: Task, *, jobs: int | None = None, progress: Progress | None = None, compare_recipes: bool = True
) -> Evaluation:
    """Evaluate an opened task. Other arguments are those of `evaluate`."""
    from batch_eval.engines import local
    from batch_eval.engines.sampling import sampling

    # both can raise, so they come before the long run
    moment, notes = fixed_time(), task_notes(task)
    sampled = sampling(task.dataset.samples, task.classifier, task.preprocessor) if compare_recipes else None
    rows = local.run(task, jobs=jobs, progress=progress, sampling=sampled)
    return with_trials(evaluation_of(task, rows, notes, moment), task, rows)


def with_trials(found: Evaluation, task: Task, rows: Rows) -> Evaluation:
    """Return an evaluation with what a sample of its images reads like in other ways."""
    from batch_eval.engines.sampling import FEWEST
    from batch_eval.engines.trials import trials

    return replace(found, trials=trials(task, rows, found.accuracy)) if found.scored >= FEWEST else found


def evaluation_of(task: Task, rows: Rows, notes: tuple[str, ...], moment: datetime | None) -> Evaluation:
    """Join the rows of a task with its dataset and its provenance.

    ``moment`` is what `fixed_time` returned.
    """
    return joined(task.dataset, rows, task.classifier.class_names, provenance_of(task, notes), moment)


def joined(
    dataset: Dataset, rows: Rows, class_names: tuple[str, ...], provenance: Provenance, moment: datetime | None
) -> Evaluation:
    """Join rows with their dataset and with what is known of the task. The provenance gets time and further notes."""
    records = Records.of(dataset, rows)
    notes = (*provenance.notes, *_content_notes(dataset, rows, records))
    return Evaluation(class_names, records, replace(provenance, created=created(moment), notes=notes))


def created(moment: datetime | None) -> str:
    """Return when results were made, in ISO 8601: ``moment``, which `fixed_time` returned, or now."""
    return (moment or datetime.now(UTC)).isoformat(timespec="seconds")


def provenance_of(task: Task, notes: tuple[str, ...]) -> Provenance:
    """Return what is known of a task before it is run: all but the time."""
    from batch_eval.dataset.sources.stores import address_of

    dataset, recipe, classifier = task.dataset, task.preprocessor, task.classifier
    return Provenance(
        folder=dataset.name,
        label_source=dataset.label_source,
        labels_sha256=dataset.labels_sha256,
        model=classifier.name,
        model_sha256=classifier.sha256,
        preprocess=str(recipe),
        preprocess_sha256=recipe.settings_sha256,
        version=__version__,
        created="",
        notes=notes,
        missing=dataset.missing,
        convention=classifier.found,
        path=address_of(dataset.source.roots[0]) or repository_path(Path(dataset.source.roots[0])),
    )


def _content_notes(dataset: Dataset, rows: Rows, records: Records) -> Iterator[str]:
    """Yield notes on equal images, and on files that hold several pictures."""
    from batch_eval.engines.duplicates import duplicate_notes

    yield from duplicate_notes(dataset, rows.prints, records.outcome != OUTCOMES.index(Outcome.UNREADABLE))
    if rows.frames:
        shown = [f"{records.ids[row]} ({count:,})" for row, count in sorted(rows.frames.items())]
        yield f"Files with several pages or frames, of which only the first counts: {listing(shown)}."


def repository_path(place: Path) -> str:
    """Return a set's path from the root of the repository that holds it, with `/`. Annotations start at that root.

    Outside of a repository it is the path from the working folder. Of a set elsewhere it is the last part: where a
    person keeps files is nobody's business.
    """
    real, here = place.resolve(), Path.cwd().resolve()
    root = next((parent for parent in (real, *real.parents) if (parent / ".git").exists()), here)
    return real.relative_to(root).as_posix() if real.is_relative_to(root) else real.name or str(real)


def fixed_time() -> datetime | None:
    """Return the time that SOURCE_DATE_EPOCH sets, else None. It makes the same run write the same bytes.

    Source: reproducible-builds.org, SOURCE_DATE_EPOCH, in seconds since 1970. Raises ConfigError for other values.
    """
    fixed = os.environ.get("SOURCE_DATE_EPOCH")
    if not fixed:
        return None
    if not re.fullmatch("[0-9]{1,12}", fixed) or int(fixed) > LAST_SECOND:
        raise ConfigError(
            f"SOURCE_DATE_EPOCH={fixed} is invalid: it must be seconds since 1970, at most {LAST_SECOND}. "
            "Fix or unset it."
        )
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=int(fixed))


def task_notes(task: Task) -> tuple[str, ...]:
    """Return what the user should know of the dataset, its labels and the model.

    Raises DatasetError when not one label is a class of the model.
    """
    dataset = task.dataset
    if dataset.unlabelled:
        return (*dataset.notes, dataset.unlabelled, *task.classifier.notes)
    return (*dataset.notes, *_label_notes(dataset, task.classifier), *task.classifier.notes)


def _label_notes(dataset: Dataset, classifier: Classifier) -> tuple[str, ...]:
    """Return the note about labels that are no class of the model; their images are not scored.

    Raises DatasetError where no label at all is a class: then the names are wrong, not the images.
    """
    truths = dataset.labels
    unknown = {truth: count for truth, count in truths.items() if truth not in classifier.class_names}
    if len(unknown) < len(truths):
        names = ", ".join(f"{truth!r} ({count:,})" for truth, count in [*unknown.items()][:10])
        found = f"{sum(unknown.values()):,} of {dataset.count:,} images have a label that is none of the model's"
        return (f"{found} classes, and are not scored: {names}.",) if unknown else ()
    shown = ", ".join(map(repr, list(truths)[:10]))
    raise DatasetError(
        f"No label in {dataset.name} is one of the model's classes. Found {shown} ({dataset.label_source}); "
        f"{classifier.name} has the classes {', '.join(classifier.class_names)}. "
        "Name the model's classes in the order of its outputs with --classes, or give the right labels with --labels."
    )


def verify_task(task: Task, model: ModelOptions) -> Verification:
    """Run the model over the dataset with TensorFlow too, and compare; raises ModelError where they differ.

    ``model`` is what the task was opened with.
    """
    from batch_eval.engines import local
    from batch_eval.models import verify

    return verify(task.classifier, model, local.prepared_batches(task))
