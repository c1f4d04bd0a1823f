"""Read distorted images: each is decoded once, then distorted at every setting, prepared and classified."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from batch_eval.cores import available_cores
from batch_eval.dataset import Sample
from batch_eval.distortions.distortion import Setting
from batch_eval.engines.local import Task, decoded, single_threaded_opencv
from batch_eval.engines.work import Flag
from batch_eval.engines.workers import best_kind, in_order
from batch_eval.errors import UnreadableImageError
from batch_eval.imaging.files import encode
from batch_eval.imaging.filters import shrink
from batch_eval.imaging.guard import one_image
from batch_eval.imaging.steps import Image
from batch_eval.progress import Progress
from batch_eval.wording import path_bytes

PHOTO_SIDE = 640
"""Longest side, in pixels, of a photo that is distorted. Larger ones are reduced first: levels in grey levels and
pixels then mean the same for photos of any size."""
THUMBNAIL_SIDE = 84
"""Longest side, in pixels, of a picture in reports."""
NOT_READ, UNREADABLE = -1, -2
"""In place of a class: no ink was found, or the file cannot be decoded."""


@dataclass(frozen=True)
class Plan:
    """What to do to each image. ``prepared`` distorts what the model sees; else the photo is distorted."""

    settings: tuple[Setting, ...]
    prepared: bool
    seed: int

    def distorted(self, image: Image, sample: Sample, setting: Setting) -> Image:
        """Return an image as a setting makes it."""
        # One sequence of random numbers for each image and distortion, whatever else is tried. All levels share it: a
        # digit that turns clockwise by 5° does so by 10° too.
        keys = (path_bytes(sample.id), setting.distortion.name.encode())
        rng = np.random.default_rng([self.seed, *map(zlib.crc32, keys)])
        return setting.distortion(image, setting.level, rng)


def read_distorted(
    task: Task, samples: Sequence[Sample], plan: Plan, *, jobs: int | None = None, progress: Progress | None = None
) -> NDArray[np.int16]:
    """Return what a model reads in N images, plain and at S settings.

    The result is (N, 1 + S) int16: the number of a class, `NOT_READ` or `UNREADABLE`. The first column is the plain
    image. ``jobs`` and ``progress`` are those of `local.run`. The result does not depend on the number of jobs.
    Raises ModelError when the model fails.
    """
    jobs = jobs or available_cores()
    # with all settings an image takes half a second, so processes pay off soon
    worth = jobs > 1 and len(samples) > jobs and not task.classifier.one_process
    kind = best_kind(worth=worth, python=False)
    found = np.full((len(samples), 1 + len(plan.settings)), UNREADABLE, np.int16)
    work = _Work(task, plan)
    results = in_order(work, samples, jobs, kind=kind, stop=work.stop)
    # closing the generator stops the workers
    with single_threaded_opencv(), closing(results):
        for row, read in enumerate(results):
            found[row] = read
            if progress:
                progress(1)
    return found


@dataclass(frozen=True)
class _Work:
    """What workers do: they take an image, a chunk by itself, to what the model reads in it, (1 + S,) int16."""

    task: Task
    plan: Plan
    stop: Flag = field(default_factory=Flag)

    def __call__(self, chunk: Sample) -> NDArray[np.int16]:
        """Return what the model reads in an image."""
        read = self.lost(chunk)
        try:
            views = list(_prepared(self.task, _photo(self.task, chunk), chunk, self.plan, self.stop))
        except UnreadableImageError:
            return read
        read[: len(views)] = NOT_READ
        places = [place for place, view in enumerate(views) if view is not None]
        if places:
            images = np.stack([view for view in views if view is not None]).astype(np.uint8, copy=False)
            read[places] = self.task.classifier.predict(images).argmax(axis=1)
        return read

    def parts(self, chunk: Sample) -> tuple[Sample]:
        """Return the image itself: there is nothing smaller."""
        return (chunk,)

    def lost(self, chunk: Sample) -> NDArray[np.int16]:  # noqa: ARG002 - all such rows are alike
        """Return the row of an image that cannot be read, or that ended worker processes."""
        return np.full(1 + len(self.plan.settings), UNREADABLE, np.int16)


def _photo(task: Task, sample: Sample) -> Image:
    return one_image(lambda: shrink(decoded(task.dataset.read(sample), task.preprocessor), PHOTO_SIDE))


def _prepared(task: Task, photo: Image, sample: Sample, plan: Plan, stop: Flag) -> Iterator[Image | None]:
    """Yield what the model sees: of the plain image, then at each setting. None has no ink."""
    plain = _seen(task, photo)
    yield plain
    for setting in plan.settings:
        if stop:
            return
        if plan.prepared:
            yield None if plain is None else plan.distorted(np.asarray(plain, np.uint8), sample, setting)
            continue
        try:
            yield _seen(task, one_image(plan.distorted, photo, sample, setting))
        except UnreadableImageError:  # such as too few pixels; a run would not read it either
            yield None


def _seen(task: Task, photo: Image) -> Image | None:
    """Return a photo as the model sees it; None where no ink is found."""
    prepared = one_image(task.preprocessor, photo)
    return None if prepared.blank else prepared.image


def thumbnail(task: Task, sample: Sample, plan: Plan, column: int) -> bytes:
    """Return a picture of an image as a column of `read_distorted` has it: a JPEG, or a PNG of what the model sees.

    Raises UnreadableImageError.
    """
    image = _photo(task, sample)
    if plan.prepared:
        image = np.asarray(one_image(task.preprocessor, image).image, np.uint8)
    if column:
        image = one_image(plan.distorted, image, sample, plan.settings[column - 1])
    return encode(image) if plan.prepared else encode(shrink(image, THUMBNAIL_SIDE), ".jpg", 80)
