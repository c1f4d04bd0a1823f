"""How far is a model from breaking? Distort the images at growing levels, and read them again."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from batch_eval.api import created, fixed_time, open_task, provenance_of, task_notes
from batch_eval.distortions.suites import PHOTO, Suite, find_suite
from batch_eval.engines.distorted import UNREADABLE, Plan, read_distorted, thumbnail
from batch_eval.errors import ConfigError, DatasetError, UnreadableImageError
from batch_eval.evaluation.stress import StressTest
from batch_eval.imaging.steps import SIDE
from batch_eval.progress import notebook_progress

if TYPE_CHECKING:
    from batch_eval.dataset import LabelOptions, Labels, Place, Sample
    from batch_eval.engines.local import Task
    from batch_eval.imaging import PreprocessingOptions
    from batch_eval.models import ModelOptions
    from batch_eval.models.in_memory import KerasModel
    from batch_eval.progress import Progress, ProgressOption

SAMPLE = 100
"""Images that are drawn by default. All settings then take 45 s of CPU: benchmarks/stress.py."""


@dataclass(frozen=True)
class StressOptions:
    """What is tried, and on how many images.

    ``seed`` draws the images and whatever the distortions draw, such as directions.
    """

    suite: Suite = PHOTO
    sample: int = SAMPLE
    seed: int = 0

    def __post_init__(self) -> None:
        """Check the numbers."""
        for name, value, least in (("sample", self.sample, 1), ("seed", self.seed, 0)):
            if value < least:
                raise ConfigError(f"{name} {value} is invalid: it must be at least {least}.")


def stress(
    folder: Place,
    model: ModelOptions | str | Path | KerasModel | None = None,
    labels: LabelOptions | str | Path | Labels | None = None,
    preprocess: PreprocessingOptions | str = "photo",
    *,
    suite: str = PHOTO.name,
    distortions: Sequence[str] = (),
    sample: int = SAMPLE,
    seed: int = 0,
    jobs: int | None = None,
    progress: ProgressOption = None,
) -> StressTest:
    """Read images of a set again and again, distorted at growing levels.

    ``suite`` is `photo`, which distorts photos before preprocessing, or `mnist-c`. ``distortions`` names those of the
    suite to try, by default all. At most ``sample`` labelled images are drawn. The same ``seed`` gives the same result.
    The other arguments are those of `evaluate`.
    Raises ConfigError for an unknown suite or distortion, DatasetError where no image can be read.

    >>> stress("sample_images", distortions=["blur"]).curves[0].holds.setting.level  # doctest: +SKIP
    1
    """
    options = StressOptions(find_suite(suite).chosen(distortions), sample, seed)
    task = open_task(folder, model, labels, preprocess)
    with notebook_progress(
        progress, image_count(task, options), f"images, {len(options.suite.settings)} settings"
    ) as advance:
        return stress_task(task, options, jobs=jobs, progress=advance)


def stress_task(
    task: Task, options: StressOptions, *, jobs: int | None = None, progress: Progress | None = None
) -> StressTest:
    """Stress-test an opened task, as `stress` does. ``progress`` gets 1 after each image."""
    suite = options.suite
    if suite.prepared and not _sees_mnist(task):
        raise ConfigError(
            f"the suite {suite.name} distorts grey images of {SIDE} × {SIDE} pixels, but {task.classifier.name} with "
            f"the recipe {task.preprocessor} sees others. Use --suite {PHOTO.name}, or another model."
        )
    # these can raise, so they come before the long run
    moment, notes = fixed_time(), task_notes(task)
    labelled = scorable(task)
    drawn = sampled(labelled, options)
    plan = Plan(suite.settings, suite.prepared, options.seed)
    read = read_distorted(task, drawn, plan, jobs=jobs, progress=progress)
    readable = np.flatnonzero(read[:, 0] != UNREADABLE).tolist()
    if not readable:
        raise DatasetError(f"none of the {len(drawn)} images can be read, so that nothing can be distorted.")
    kept = [drawn[row] for row in readable]
    if len(kept) < len(drawn):
        notes = (*notes, f"{len(drawn) - len(kept)} of {len(drawn)} images cannot be read and are left out.")
    test = StressTest(
        suite=suite.name,
        seed=options.seed,
        distortions=suite.distortions,
        class_names=task.classifier.class_names,
        ids=tuple(sample.id for sample in kept),
        truths=tuple(str(sample.truth) for sample in kept),
        read=read[readable],
        provenance=replace(provenance_of(task, notes), created=created(moment)),
        images=len(labelled),
    )
    return replace(test, pictures=_pictures(task, test, kept, plan))


def _sees_mnist(task: Task) -> bool:
    """Whether the model is shown (28, 28) grey images."""
    return task.classifier.channels == 1 and (task.preprocessor.passes_mnist or task.classifier.size == (SIDE, SIDE))


def scorable(task: Task) -> list[Sample]:
    """Return the samples whose label is one of the model's classes. Raises DatasetError where there is none."""
    known = set(task.classifier.class_names)
    found = [sample for sample in task.dataset.labelled().samples if sample.truth in known]
    if not found:
        raise DatasetError("no image has a label that is one of the model's classes. Check the labels with `run`.")
    return found


def image_count(task: Task, options: StressOptions) -> int:
    """Return how many images a stress test reads. Raises DatasetError where there is none."""
    return min(options.sample, len(scorable(task)))


def sampled(samples: Sequence[Sample], options: StressOptions) -> list[Sample]:
    """Return at most ``options.sample`` samples, drawn at random and in their order."""
    if len(samples) <= options.sample:
        return list(samples)
    rng = np.random.default_rng(options.seed)
    return [samples[row] for row in sorted(rng.choice(len(samples), options.sample, replace=False).tolist())]


def _pictures(task: Task, test: StressTest, samples: Sequence[Sample], plan: Plan) -> dict[tuple[int, int], bytes]:
    """Return the pictures that pages show. Only now is it known which these are."""
    found = {}
    for place, column in test.pictured:
        with suppress(UnreadableImageError):  # a setting that leaves too few pixels has no picture
            found[place, column] = thumbnail(task, samples[place], plan, column)
    return found
