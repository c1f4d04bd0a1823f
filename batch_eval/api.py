"""The main job as one call: a folder and a model become an Evaluation."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from batch_eval import __version__
from batch_eval.errors import ConfigError, DatasetError
from batch_eval.evaluation import Evaluation, Provenance

if TYPE_CHECKING:
    from batch_eval.dataset import Dataset
    from batch_eval.engines.local import Progress
    from batch_eval.imaging import Preprocessor
    from batch_eval.models import Classifier, Verification

LAST_SECOND = 253_402_300_799
"""The last second of the year 9999 since 1970, which is the last that a date can hold."""


def evaluate(
    folder: str | Path,
    *,
    model: str | Path | None = None,
    network: str | None = None,
    labels: str | Path | None = None,
    path_column: str | None = None,
    label_column: str | None = None,
    label_pattern: str | None = None,
    preprocess: str = "photo",
    skip: Sequence[str] = (),
    adjust: Mapping[str, float] | None = None,
    classes: Sequence[str] | None = None,
    input_range: str = "auto",
    trust_model: bool = False,
    jobs: int | None = None,
) -> Evaluation:
    """Evaluate a saved model on a folder of labelled digit images.

    ``model`` None takes the one that ships with batch_eval; ``network`` names the network whose weights alone the
    file holds; ``preprocess`` is `photo`, `mnist`, `simple` or `none`; ``skip`` switches off steps of it, ``adjust``
    sets their numbers, such as ``{"stroke.thickest": 3}``. The options mean what they mean on the command line.
    Raises a subclass of BatchEvalError for whatever the caller must change.

    >>> evaluate("sample_images").accuracy > 0.8  # doctest: +SKIP
    True
    """
    from batch_eval.dataset import load_dataset

    dataset = load_dataset(
        Path(folder),
        labels=Path(labels) if labels else None,
        path_column=path_column,
        label_column=label_column,
        label_pattern=label_pattern,
    )
    classifier, recipe = open_with_recipe(
        model,
        preprocess,
        skip,
        adjust,
        network=network,
        class_names=classes,
        input_range=input_range,
        trust=trust_model,
    )
    return evaluate_dataset(dataset, classifier, recipe, jobs=jobs)


def open_with_recipe(
    model: str | Path | None,
    preprocess: str,
    skip: Sequence[str] = (),
    adjust: Mapping[str, float] | None = None,
    **options: Any,
) -> tuple[Classifier, Preprocessor]:
    """Open a model with the options of `open_model`, for one thread a core, and the recipe that fits its input."""
    from batch_eval.models import open_model

    classifier = open_model(model, threads=1, **options)
    return classifier, recipe_for(classifier, preprocess, skip, adjust)


def recipe_for(
    classifier: Classifier, preprocess: str, skip: Sequence[str] = (), adjust: Mapping[str, float] | None = None
) -> Preprocessor:
    """Return the recipe called ``preprocess`` for a model's input; ``skip`` and ``adjust`` as in `evaluate`."""
    from batch_eval.imaging import preprocessor

    return preprocessor(preprocess, size=classifier.size, channels=classifier.channels, skip=skip, adjust=adjust)


def evaluate_dataset(
    dataset: Dataset,
    classifier: Classifier,
    recipe: Preprocessor,
    *,
    jobs: int | None = None,
    progress: Progress | None = None,
) -> Evaluation:
    """Evaluate an opened model on a found dataset; ``progress`` is told how many images were finished."""
    from batch_eval.engines import local

    fixed_time = _fixed_time()
    notes = (*dataset.notes, *label_notes(dataset, classifier), *classifier.notes)
    task = local.Task(dataset, recipe, classifier)
    records = local.run(task, jobs=jobs, progress=progress)
    provenance = Provenance(
        folder=dataset.root.name or str(dataset.root),
        label_source=dataset.label_source,
        labels_sha256=dataset.labels_sha256,
        model=classifier.name,
        model_sha256=classifier.sha256,
        preprocess=str(recipe),
        preprocess_sha256=recipe.settings_sha256,
        version=__version__,
        created=(fixed_time or datetime.now(UTC)).isoformat(timespec="seconds"),
        notes=notes,
        missing=dataset.missing,
    )
    return Evaluation(classifier.class_names, records, provenance)


def _fixed_time() -> datetime | None:
    """Return the time that SOURCE_DATE_EPOCH fixes so that the same run writes the same bytes, else None.

    Source: reproducible-builds.org, SOURCE_DATE_EPOCH: seconds since 1970. Raises ConfigError where it is no such time.
    """
    fixed = os.environ.get("SOURCE_DATE_EPOCH")
    if not fixed:
        return None
    if not re.fullmatch("[0-9]{1,12}", fixed) or int(fixed) > LAST_SECOND:
        raise ConfigError(
            f"SOURCE_DATE_EPOCH={fixed} is invalid: it must be seconds since 1970, at most {LAST_SECOND}. "
            "Mend or unset it."
        )
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=int(fixed))


def label_notes(dataset: Dataset, classifier: Classifier) -> tuple[str, ...]:
    """Return the remark about labels that are no class of the model, whose images are not scored.

    Raises DatasetError when not one label is a class: then the names are wrong, not the images.
    """
    truths = Counter(sample.truth for sample in dataset.samples if sample.truth is not None)
    unknown = {truth: count for truth, count in truths.items() if truth not in classifier.class_names}
    if len(unknown) < len(truths):
        names = ", ".join(f"{truth!r} ({count:,})" for truth, count in [*unknown.items()][:10])
        found = f"{sum(unknown.values()):,} of {len(dataset.samples):,} images have a label that is none of the model's"
        return (f"{found} classes, and are not scored: {names}.",) if unknown else ()
    shown = ", ".join(map(repr, list(truths)[:10]))
    raise DatasetError(
        f"No label in {dataset.root} is one of the model's classes. Found {shown} ({dataset.label_source}); "
        f"{classifier.name} has the classes {', '.join(classifier.class_names)}. "
        "Name the model's classes in the order of its outputs with --classes, or give the right labels with --labels."
    )


def verify_model(
    model: Path | None,
    dataset: Dataset,
    classifier: Classifier,
    recipe: Preprocessor,
    *,
    network: str | None = None,
    trust: bool = False,
) -> Verification:
    """Run the model file over the dataset with TensorFlow too, and compare; raises ModelError where they differ.

    ``model``, ``network`` and ``trust`` are what the classifier was opened with.
    """
    from batch_eval.engines import local
    from batch_eval.models import verify

    batches = local.prepared_batches(local.Task(dataset, recipe, classifier))
    return verify(classifier, model, batches, network=network, trust=trust)
