"""Run imaging and a model over many samples on one machine."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from batch_eval.cores import available_cores
from batch_eval.dataset import Content, Dataset, Sample
from batch_eval.engines.duplicates import digest, fingerprint
from batch_eval.engines.pictures import picture
from batch_eval.engines.rows import DIGEST, MAX_SEEN, Picture, Rows
from batch_eval.engines.sampling import Sampling
from batch_eval.engines.scoring import FLAG, digit_scores, is_flagged
from batch_eval.engines.twins import MOST, thumbnail
from batch_eval.engines.work import Flag
from batch_eval.engines.workers import Kind, best_kind, in_order
from batch_eval.errors import ModelError, UnreadableImageError
from batch_eval.imaging import Prepared, Preprocessor
from batch_eval.imaging.files import encode
from batch_eval.imaging.frames import MULTIPLE, count_frames
from batch_eval.imaging.guard import one_image
from batch_eval.imaging.sizes import stated_size
from batch_eval.models import Classifier
from batch_eval.outcome import OUTCOMES, Outcome
from batch_eval.progress import Progress

THREAD_CHUNK = 64
"""Images in a thread's chunk, at most. Larger chunks gain nothing and delay Ctrl-C."""
PROCESS_CHUNK = 256
"""Images in a process's chunk, at most. Pickling a result costs more than handing it to a thread."""
MIN_CHUNK = 16
"""Images in a chunk of small files, at least. Batches are padded to 32; smaller chunks waste inference."""
MIN_LARGE_CHUNK = 4
"""Images in a chunk of photos, at least. Decoding dominates, and 30 photos should occupy eight cores."""
FULL_BATCH = 32
"""Images in a chunk that several models read, at least: none is padded. Their inference outweighs the decoding."""
CHUNKS_PER_WORKER = 8
"""Chunks that a worker gets of a small folder, at least. So all workers finish together."""
SMALL_FILE = 4 << 10
"""Size of a small image file in bytes. Reading one is mostly Python, where a second thread only waits for the GIL."""
BATCH_BYTES = 16 << 20
"""Decoded bytes that a worker holds before it runs the model. It keeps memory flat with large photos."""
SHARED_BATCH_BYTES = 64 << 20
"""The same where several models read the batch.

It holds 32 photos of the recipe `photo`, decoded to at most 640 × 640 px."""
CHUNKS_WORTH_A_PROCESS = 16
"""Chunks a worker must get before starting it as a process pays off."""
STARTING_SECONDS = 1.0
"""CPU time that starting processes must save. They begin to read after 0.4 s (benchmarks/workers.py)."""
ENDED = "reading it ended a worker process"
"""The reason of an image on which processes died: a decoder crashed, or the system was out of memory."""

_Result = tuple[list[Rows | ModelError], int]
"""What becomes of a chunk: the rows of each task or its error, and the chunk's length."""


class Ready(NamedTuple):
    """An image that waits for the model.

    ``image`` is (H, W) or (H, W, 3) BGR uint8. ``size`` is the file's width and height, of which a JPEG may be decoded
    reduced. ``frames`` is the number of pictures in its file.
    """

    image: cv2.typing.MatLike
    prepared: Prepared
    size: tuple[int, int]
    fingerprint: int
    frames: int
    digest: bytes = b""


@dataclass(frozen=True, slots=True)
class Task:
    """What every worker needs: the samples, and how to read them."""

    dataset: Dataset
    preprocessor: Preprocessor
    classifier: Classifier
    digests: bool = False
    """Whether rows get the digests of their images."""

    def read(self, sample: Sample) -> Ready:
        """Read and prepare a sample; raises UnreadableImageError, whatever the image causes."""
        return one_image(self._read, sample)

    def _read(self, sample: Sample) -> Ready:
        content = self.dataset.read(sample)
        image = decoded(content, self.preprocessor)
        frames = count_frames(content) if isinstance(content, bytes) and content.startswith(MULTIPLE) else 1
        stated = stated_size(content) if isinstance(content, bytes) else (0, 0)
        size = stated if all(stated) else (image.shape[1], image.shape[0])
        own = digest(content) if self.digests else b""
        return Ready(image, self.preprocessor(image), size, fingerprint(content), frames, own)

    @property
    def input_key(self) -> tuple[str, str]:
        """Equal for tasks whose preparation gives the same pixels. Only `simple` and `none` depend on the model."""
        recipe = self.preprocessor
        return str(recipe), "" if recipe.passes_mnist else recipe.settings_sha256


def decoded(content: Content, preprocessor: Preprocessor) -> cv2.typing.MatLike:
    """Return an image's pixels. A file's bytes are decoded. An array is taken as it is."""
    return preprocessor.decode(content) if isinstance(content, bytes) else content


@dataclass(slots=True)
class _Batch:
    """Prepared images that wait for a model, with their rows. ``unreadable`` maps other rows to the reason.

    ``prints`` are the images' fingerprints, ``sizes`` their files' widths and heights, ``digests`` their digests where
    they are wanted. ``frames`` counts the
    pictures in files that hold several.
    """

    rows: list[int] = field(default_factory=list)
    prints: list[int] = field(default_factory=list)
    sizes: list[tuple[int, int]] = field(default_factory=list)
    digests: list[bytes] = field(default_factory=list)
    frames: dict[int, int] = field(default_factory=dict)
    truths: list[str | None] = field(default_factory=list)
    images: list[cv2.typing.MatLike] = field(default_factory=list)
    prepared: list[Prepared] = field(default_factory=list)
    unreadable: dict[int, str] = field(default_factory=dict)

    def prepared_by(self, preprocessor: Preprocessor) -> _Batch:
        """Return the same decoded images, prepared by another recipe."""
        return replace(self, prepared=[preprocessor(image) for image in self.images])


@dataclass(frozen=True, slots=True)
class _Shared:
    """What the workers of a run share.

    ``stop`` ends them early. ``steps`` says that enough pictures of steps are kept. ``turn`` lets one thread at a time
    read small files. ``pictures`` says whether errors keep pictures at all. ``sampling`` says which images
    other recipes prepare too.
    """

    pictures: bool = True
    sampling: Sampling | None = None
    stop: Flag = field(default_factory=Flag)
    steps: Flag = field(default_factory=Flag)
    turn: threading.Lock = field(default_factory=threading.Lock)

    def __reduce__(self) -> tuple[Callable[[bool, Sampling | None], _Shared], tuple[bool, Sampling | None]]:
        """Return what pickle makes it of in a started process."""
        return _shared_elsewhere, (self.pictures, self.sampling)


def _shared_elsewhere(pictures: bool, sampling: Sampling | None) -> _Shared:
    """Return what a started process shares with nobody, and let it work as forked ones do."""
    cv2.setNumThreads(1)
    return _Shared(pictures=pictures, sampling=sampling)


class Chunk(NamedTuple):
    """Some rows of a run. ``steps`` is that of `_Shared`, for processes that share no memory.

    ``samples`` are those of the rows, where the task's dataset does not hold them.
    """

    rows: range
    steps: Flag
    samples: tuple[Sample, ...] = ()


def run(
    task: Task, *, jobs: int | None = None, progress: Progress | None = None, sampling: Sampling | None = None
) -> Rows:
    """Decode, prepare and classify every sample.

    Returns one row for each, in the dataset's order. Those of ``sampling`` keep what other recipes make of them.
    ``jobs`` is the number of workers, by default one a core. Each takes chunks of samples from file to probabilities.
    The result does not depend on their number. An unreadable file becomes a row; only Ctrl-C stops a run.
    Raises ModelError when the model fails.
    """
    (found,) = run_many([task], jobs=jobs, progress=progress, sampling=sampling)
    if isinstance(found, ModelError):
        raise found
    return found


def run_many(
    tasks: Sequence[Task],
    *,
    jobs: int | None = None,
    progress: Progress | None = None,
    sampling: Sampling | None = None,
) -> list[Rows | ModelError]:
    """Run several models over one dataset.

    Returns the rows of each, or the error of one that failed. Each image is decoded once, as the first task decodes
    it. It is prepared once for each distinct input. The other arguments are those of `run`. Only the rows
    of a single task hold pictures: `sample_picture` makes others.
    """
    samples = tasks[0].dataset.samples
    plan = _Plan.of(tasks, len(samples), samples[0] if samples else None, jobs)
    every = range(len(samples))
    found: list[Rows | ModelError] = [empty_rows(task, every) for task in tasks]
    shared = _Shared(pictures=len(tasks) == 1, sampling=sampling)
    chunks = (Chunk(every[start : start + plan.size], shared.steps) for start in every[:: plan.size])
    results = _results(_Work(tasks, shared), chunks, plan, len(samples))
    # Closing the generator stops the workers, also when a row here or the caller's progress raises.
    with single_threaded_opencv(), closing(results):
        for results_of_chunk, chunk_length in results:
            found = [_joined(rows, more) for rows, more in zip(found, results_of_chunk, strict=True)]
            # one failed model does not stop the others; nothing is left to do when all have failed
            if all(isinstance(rows, ModelError) for rows in found):
                break
            if any(isinstance(rows, Rows) and rows.has_all_steps for rows in found):
                shared.steps.set()
            if progress:
                progress(chunk_length)
    return found


class Part(NamedTuple):
    """A part of a set: its rows, and their samples."""

    rows: range
    samples: tuple[Sample, ...]


def run_parts(
    task: Task,
    parts: Iterable[Part],
    count: int,
    first: Sample,
    *,
    jobs: int | None = None,
    progress: Progress | None = None,
    sampling: Sampling | None = None,
    apart: bool = False,
) -> Generator[tuple[Part, Rows]]:
    """Run a model over parts of a set, one after the other. Yields each part, and its rows once all are there.

    ``parts`` hold ``count`` samples together, and ``first`` stands for them all. Parts are drawn as workers need them,
    after the workers were started: few are in memory, and reading them may start threads. The workers go on with the
    next part while the last one is consumed. The rows of a part do not depend on other parts. With ``apart``, this
    process reads no image itself: those that end processes do not end it.
    Raises ModelError when the model fails.
    """
    shared = _Shared(sampling=sampling)
    plan = _Plan.of([task], count, first, jobs)
    begun: deque[Part] = deque()

    def chunks() -> Iterator[Chunk]:
        for part in parts:
            begun.append(part)
            for place in range(0, len(part.rows), plan.size):
                some = slice(place, place + plan.size)
                yield Chunk(part.rows[some], shared.steps, part.samples[some])

    work = _Work([task], shared)
    if apart:
        results = in_order(work, chunks(), plan.jobs, kind=Kind.STARTED, stop=shared.stop)
    else:
        results = _results(work, chunks(), plan, count)
    with single_threaded_opencv(), closing(results):
        done, rows = 0, None  # of the part that is being finished
        for (found,), length in results:
            if isinstance(found, ModelError):
                raise found
            part = begun[0]
            rows = rows or empty_rows(task, part.rows)
            rows.add(found)
            done += length
            if progress:
                progress(length)
            if done == len(part.rows):
                yield begun.popleft(), rows
                done, rows = 0, None


@dataclass(frozen=True, slots=True)
class _Plan:
    """How samples are shared out: the number of workers, what they are, and the size of their chunks."""

    jobs: int
    kind: Kind
    size: int

    @classmethod
    def of(cls, tasks: Sequence[Task], count: int, first: Sample | None, jobs: int | None) -> _Plan:
        """Plan for ``count`` samples, of which the first stands for all."""
        jobs = jobs or available_cores()
        # Small files share chunks of a full batch, photos go out in handfuls.
        small = first is None or _is_small(tasks[0], first)
        least = MIN_CHUNK if small else MIN_LARGE_CHUNK
        least = least if len(tasks) == 1 else FULL_BATCH
        alone = jobs == 1 or any(task.classifier.one_process for task in tasks)
        # A short run does not earn back the time that forking takes.
        worth = not alone and count >= jobs * CHUNKS_WORTH_A_PROCESS * least
        kind = best_kind(worth=worth, python=small)
        most = THREAD_CHUNK if kind is Kind.THREADS else PROCESS_CHUNK
        return cls(jobs, kind, min(max(count // (jobs * CHUNKS_PER_WORKER), least), most))


def empty_rows(task: Task, rows: range) -> Rows:
    """Return rows for what workers will find."""
    return Rows(rows, len(task.classifier.class_names), digests=task.digests)


def _results(work: _Work, chunks: Iterator[Chunk], plan: _Plan, count: int) -> Generator[_Result]:
    """Yield the results of all chunks in order, ``count`` rows. Processes are started only where that saves time."""
    kind = plan.kind
    if kind is Kind.STARTED:
        first = next(chunks)
        before = time.thread_time()
        yield work(first)
        each = (time.thread_time() - before) / len(first.rows)
        if each * (count - len(first.rows)) * (1 - 1 / plan.jobs) < STARTING_SECONDS:
            kind = Kind.THREADS
    yield from in_order(work, chunks, plan.jobs, kind=kind, stop=work.shared.stop)


def _joined(rows: Rows | ModelError, more: Rows | ModelError) -> Rows | ModelError:
    """Return a model's rows with those of a further chunk; an error stays."""
    if isinstance(rows, ModelError) or isinstance(more, ModelError):
        return rows if isinstance(rows, ModelError) else more
    rows.add(more)
    return rows


def sample_picture(task: Task, sample: Sample) -> Picture | None:
    """Return the pictures of a sample without the steps; None if unreadable."""
    try:
        ready = task.read(sample)
        return one_image(picture, ready.image, ready.prepared, task.preprocessor, steps=False)
    except UnreadableImageError:
        return None


def prepared_batches(task: Task) -> Iterator[NDArray[np.uint8]]:
    """Yield what the model sees of all images but blank ones, in batches (n, h, w) or (n, h, w, 3) uint8."""
    batch: list[cv2.typing.MatLike] = []
    for sample in task.dataset.samples:
        try:
            prepared = task.read(sample).prepared
        except UnreadableImageError:  # the run has already recorded it
            continue
        if not prepared.blank:
            batch.append(prepared.image)
        if len(batch) == THREAD_CHUNK:
            yield np.stack(batch).astype(np.uint8, copy=False)
            batch = []
    if batch:
        yield np.stack(batch).astype(np.uint8, copy=False)


@contextmanager
def single_threaded_opencv() -> Iterator[None]:
    """Run OpenCV without threads of its own; they would compete with our workers for the cores."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before)


@dataclass(frozen=True, slots=True)
class _Work:
    """What workers do: they take chunks of samples from files to rows."""

    tasks: Sequence[Task]
    shared: _Shared

    def __call__(self, chunk: Chunk) -> _Result:
        """Return the rows of each task. Small files are read in turns, as threads share the GIL."""
        first = self.tasks[0]
        samples = chunk.samples or first.dataset.samples[chunk.rows.start : chunk.rows.stop]
        first.dataset.expect(samples)
        found = self._none(chunk)
        small = _is_small(first, samples[0])
        remaining = enumerate(samples, chunk.rows.start)
        limit = BATCH_BYTES if len(self.tasks) == 1 else SHARED_BATCH_BYTES
        # Batch by batch until the samples are used up. The batch after the last one is empty, and ends the loop.
        while True:
            with self.shared.turn if small else nullcontext():
                batch = _prepare(first, remaining, self.shared.stop, limit)
            inputs = {first.input_key: batch}
            for place, task in enumerate(self.tasks):
                if task.input_key not in inputs:
                    inputs[task.input_key] = batch.prepared_by(task.preprocessor)
                found[place] = self._read(task, inputs[task.input_key], found[place], chunk)
            if not batch.rows:
                return found, len(samples)

    def parts(self, chunk: Chunk) -> Iterator[Chunk]:
        """Yield the chunks of one image."""
        for place, row in enumerate(chunk.rows):
            yield chunk._replace(rows=range(row, row + 1), samples=chunk.samples[place : place + 1])

    def lost(self, chunk: Chunk) -> _Result:
        """Return the rows of an image that ended worker processes."""
        found = self._none(chunk)
        for rows in found:
            if isinstance(rows, Rows):
                rows.fail(chunk.rows.start, ENDED)
        return found, len(chunk.rows)

    def _none(self, chunk: Chunk) -> list[Rows | ModelError]:
        """Return rows for each task. Each is unreadable, and stays so unless another outcome is noted."""
        return [empty_rows(task, chunk.rows) for task in self.tasks]

    def _read(self, task: Task, batch: _Batch, rows: Rows | ModelError, chunk: Chunk) -> Rows | ModelError:
        """Add a batch to a model's rows; return them, or the model's error."""
        if isinstance(rows, ModelError):
            return rows
        for row, reason in batch.unreadable.items():
            rows.fail(row, reason)
        rows.frames |= batch.frames
        places = np.array(batch.rows, np.intp) - rows.start
        rows.prints[places] = batch.prints
        if batch.rows:
            rows.sizes[places] = batch.sizes
        if task.digests and batch.rows:
            rows.digests[places] = np.frombuffer(b"".join(batch.digests), np.uint8).reshape(-1, DIGEST)
        try:
            steps = not (chunk.steps or self.shared.steps)
            _classify(task, batch, rows, self.shared, steps=steps)
        except ModelError as error:
            return error
        return rows


def _is_small(task: Task, sample: Sample) -> bool:
    return task.dataset.source.size(sample.file) <= SMALL_FILE


def _prepare(task: Task, rows: Iterator[tuple[int, Sample]], stop: Flag, limit: int) -> _Batch:
    """Decode and prepare samples until more than ``limit`` bytes are in memory."""
    batch, size = _Batch(), 0
    for row, sample in rows:
        if stop:
            break
        try:
            ready = task.read(sample)
        except UnreadableImageError as error:
            batch.unreadable[row] = str(error)
            continue
        batch.rows.append(row)
        batch.prints.append(ready.fingerprint)
        batch.sizes.append(ready.size)
        batch.digests.append(ready.digest)
        if ready.frames > 1:
            batch.frames[row] = ready.frames
        batch.truths.append(sample.truth)
        batch.images.append(ready.image)
        batch.prepared.append(ready.prepared)
        size += ready.image.nbytes
        if size > limit:
            break
    return batch


def _classify(task: Task, batch: _Batch, rows: Rows, shared: _Shared, *, steps: bool) -> None:
    """Run the model over a batch and record every outcome. Errors keep their pictures and steps, if wanted."""
    predicted = _predict(task, batch, rows)
    for row, truth, image, prepared in zip(batch.rows, batch.truths, batch.images, batch.prepared, strict=True):
        outcome = _judge(truth, predicted.get(row), task.classifier.class_names)
        if shared.pictures and outcome in (Outcome.WRONG, Outcome.BLANK):
            try:
                rows.pictures[row] = one_image(picture, image, prepared, task.preprocessor, steps=steps)
            except UnreadableImageError as error:  # decoded, but its pictures cannot be made
                rows.fail(row, str(error))
                continue
        elif shared.pictures and row < MAX_SEEN:
            rows.pictures[row] = Picture(original=None, seen=encode(prepared.image))
        rows.outcome[row - rows.start] = OUTCOMES.index(outcome)
        small = thumbnail(image) if shared.pictures and row < MOST else None
        if small is not None:
            rows.thumbnails[row] = small
        if shared.sampling and row in shared.sampling.rows:
            rows.sample[row] = shared.sampling.readings(image, prepared)
        if prepared.reason:
            rows.reasons[row] = prepared.reason
        for flag in prepared.flags:
            rows.flags.setdefault(flag, []).append(row)


def _predict(task: Task, batch: _Batch, rows: Rows) -> dict[int, str]:
    """Record probabilities and scores of all rows but blank ones; return the predicted class of each."""
    # Blank images never reach the model: a network is confident of some class even for an empty input.
    seen = {row: p.image for row, p in zip(batch.rows, batch.prepared, strict=True) if not p.blank}
    if not seen:
        return {}
    images, places = np.stack(list(seen.values())).astype(np.uint8, copy=False), np.array(list(seen)) - rows.start
    probabilities = task.classifier.predict(images)
    rows.probabilities[places] = probabilities
    rows.scores[places] = scores = digit_scores(task.preprocessor, task.classifier, images, probabilities)
    for row, score in zip(seen, scores.tolist(), strict=True):
        if is_flagged(score):
            rows.flags.setdefault(FLAG, []).append(row)
    names = task.classifier.class_names
    return {row: names[k] for row, k in zip(seen, probabilities.argmax(axis=1).tolist(), strict=True)}


def _judge(truth: str | None, predicted: str | None, class_names: tuple[str, ...]) -> Outcome:
    """Return the outcome of a decoded image; ``predicted`` is None for a blank one."""
    if truth is None:
        return Outcome.UNLABELLED
    if truth not in class_names:
        return Outcome.OUT_OF_RANGE
    if predicted is None:
        return Outcome.BLANK
    return Outcome.CORRECT if predicted == truth else Outcome.WRONG
