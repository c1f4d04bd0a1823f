"""Run imaging and a model over many samples with the threads of one machine."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from batch_eval.dataset import Dataset, Sample
from batch_eval.engines.pictures import picture
from batch_eval.errors import UnreadableImageError
from batch_eval.evaluation import OUTCOMES, Outcome, Picture, Records
from batch_eval.imaging import Prepared, Preprocessor
from batch_eval.imaging.decode import decode
from batch_eval.imaging.files import read
from batch_eval.models import Classifier

CHUNK = 64
"""Most images that a thread takes at a time: enough that handing over costs nothing, few enough to stop soon."""
MIN_CHUNK = 16
"""Fewest: the model computes batches of up to 32, and what is missing in one is computed in vain."""
SHARES = 8
"""Chunks that each thread gets of a small folder at least, so that all threads end at nearly the same time."""
BATCH_BYTES = 16 << 20
"""Decoded bytes that a thread holds before it runs the model, so that memory stays flat with large photos."""
AHEAD = 4
"""Chunks for each thread that may be in progress or finished ahead of the one that is recorded."""
MAX_PICTURES = 10_000
"""Images whose pictures are kept for the reports; all others keep their row."""

MAX_STEPS = 500
"""Images of which also the steps are kept; `batch-eval preprocess` shows those of any other."""

Progress = Callable[[int], None]
"""Called with the number of images finished since the last call."""


@dataclass(frozen=True, slots=True)
class Task:
    """What every thread needs to know: the samples and how to read them."""

    dataset: Dataset
    preprocessor: Preprocessor
    classifier: Classifier

    def prepare(self, sample: Sample) -> tuple[cv2.typing.MatLike, Prepared]:
        """Return a sample's decoded image, and what the model will see; raises UnreadableImageError."""
        image = decode(read(self.dataset.path(sample)), reduce_to=self.preprocessor.work_side)
        return image, self.preprocessor(image)


@dataclass(slots=True)
class _Row:
    """What became of one image."""

    outcome: Outcome
    reason: str = ""
    probabilities: NDArray[np.float32] | None = None
    flags: tuple[str, ...] = ()
    picture: Picture | None = None


@dataclass(slots=True)
class _Batch:
    """Images that wait for the model, with the row that each will become."""

    rows: list[int] = field(default_factory=list)
    images: list[cv2.typing.MatLike] = field(default_factory=list)
    prepared: list[Prepared] = field(default_factory=list)
    bytes: int = 0


def available_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run(task: Task, *, jobs: int | None = None, progress: Progress | None = None) -> Records:
    """Decode, prepare and classify every sample; return one row for each, in the dataset's order.

    ``jobs`` threads (default: one a core) each take chunks of samples from the file to the probabilities; the result
    does not depend on their number. An unreadable file becomes a row and never stops the run; Ctrl-C does, at the
    next image.
    """
    jobs = jobs or available_cores()
    samples = task.dataset.samples
    size = min(max(len(samples) // (jobs * SHARES), MIN_CHUNK), CHUNK)
    chunks = [range(start, min(start + size, len(samples))) for start in range(0, len(samples), size)]
    collector = _Collector(len(samples), len(task.classifier.class_names))
    for rows in _in_order(task, chunks, jobs):
        collector.add(rows)
        if progress:
            progress(len(rows))
    return collector.records(task.dataset)


def prepared_batches(task: Task) -> Iterator[NDArray[np.uint8]]:
    """Yield what the model sees of every image that is not blank, in batches (n, h, w) or (n, h, w, 3) uint8."""
    batch: list[cv2.typing.MatLike] = []
    for sample in task.dataset.samples:
        try:
            _, prepared = task.prepare(sample)
        except UnreadableImageError:  # the run has already recorded it
            continue
        if not prepared.blank:
            batch.append(prepared.image)
        if len(batch) == CHUNK:
            yield np.stack(batch).astype(np.uint8, copy=False)
            batch = []
    if batch:
        yield np.stack(batch).astype(np.uint8, copy=False)


def _in_order(task: Task, chunks: Sequence[range], jobs: int) -> Iterator[list[_Row]]:
    """Yield the rows of each chunk in order, while threads work on the next ones."""
    stop = threading.Event()
    waiting: deque[Future[list[_Row]]] = deque()
    remaining = iter(chunks)
    with _single_threaded_opencv(), ThreadPoolExecutor(jobs, "batch-eval") as pool:
        try:
            for chunk in remaining:
                waiting.append(pool.submit(_work, task, chunk, stop))
                if len(waiting) >= jobs * AHEAD:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            stop.set()
            pool.shutdown(wait=False, cancel_futures=True)


@contextmanager
def _single_threaded_opencv() -> Iterator[None]:
    """Let our threads share the cores: OpenCV's own would only get in their way."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before)


def _work(task: Task, chunk: range, stop: threading.Event) -> list[_Row]:
    """Take a chunk of samples from their files to rows."""
    rows: dict[int, _Row] = {}
    batch = _Batch()
    for i in chunk:
        if stop.is_set():
            break
        try:
            image, prepared = task.prepare(task.dataset.samples[i])
        except UnreadableImageError as error:
            rows[i] = _Row(Outcome.UNREADABLE, str(error))
            continue
        batch.rows.append(i)
        batch.images.append(image)
        batch.prepared.append(prepared)
        batch.bytes += image.nbytes
        if batch.bytes > BATCH_BYTES:
            rows.update(_classify(task, batch))
            batch = _Batch()
    rows.update(_classify(task, batch))
    return [rows[i] for i in chunk if i in rows]


def _classify(task: Task, batch: _Batch) -> dict[int, _Row]:
    """Run the model over a batch and judge each image."""
    seen = [p.image for p in batch.prepared if not p.blank]
    probabilities = iter(task.classifier.predict(np.stack(seen))) if seen else iter(())
    rows: dict[int, _Row] = {}
    for i, image, prepared in zip(batch.rows, batch.images, batch.prepared, strict=True):
        found = None if prepared.blank else next(probabilities)
        outcome = _judge(task.dataset.samples[i], found, task.classifier.class_names)
        reason = prepared.reason if outcome is Outcome.BLANK else ""
        shown = picture(image, prepared, task.preprocessor) if outcome in (Outcome.WRONG, Outcome.BLANK) else None
        rows[i] = _Row(outcome, reason, found, prepared.flags, shown)
    return rows


def _judge(sample: Sample, probabilities: NDArray[np.float32] | None, class_names: tuple[str, ...]) -> Outcome:
    """Return the outcome of an image that could be decoded."""
    if sample.truth is None:
        return Outcome.UNLABELLED
    if sample.truth not in class_names:
        return Outcome.OUT_OF_RANGE
    if probabilities is None:
        return Outcome.BLANK
    return Outcome.CORRECT if class_names[probabilities.argmax()] == sample.truth else Outcome.WRONG


class _Collector:
    """Fills the columns of the records, one chunk after the other."""

    def __init__(self, samples: int, classes: int) -> None:
        self._outcome = np.zeros(samples, np.uint8)
        self._probabilities = np.zeros((samples, classes), np.float32)
        self._reasons: dict[int, str] = {}
        self._flags: dict[str, list[int]] = {}
        self._pictures: dict[int, Picture] = {}
        self._filled = 0

    def add(self, rows: Sequence[_Row]) -> None:
        """Record the rows that follow those recorded before."""
        for i, row in enumerate(rows, self._filled):
            self._outcome[i] = OUTCOMES.index(row.outcome)
            if row.probabilities is not None:
                self._probabilities[i] = row.probabilities
            if row.reason:
                self._reasons[i] = row.reason
            for flag in row.flags:
                self._flags.setdefault(flag, []).append(i)
            if row.picture and len(self._pictures) < MAX_PICTURES:
                with_steps = len(self._pictures) < MAX_STEPS
                self._pictures[i] = row.picture if with_steps else replace(row.picture, steps=None)
        self._filled += len(rows)

    def records(self, dataset: Dataset) -> Records:
        """Return the finished columns beside what the dataset knows of each sample."""
        samples = dataset.samples
        return Records(
            ids=tuple(s.id for s in samples),
            truth=tuple(s.truth for s in samples),
            outcome=self._outcome,
            probabilities=self._probabilities,
            reasons=self._reasons,
            slices={name: tuple(s.slices[k] for s in samples) for k, name in enumerate(dataset.slice_names)},
            flags={name: np.isin(np.arange(len(samples)), rows) for name, rows in sorted(self._flags.items())},
            pictures=self._pictures,
        )
