"""Evaluate the parts of a shard, and write each as soon as it is complete."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Protocol

from batch_eval.api import provenance_of, task_notes
from batch_eval.dataset import Dataset, Sample
from batch_eval.dataset.manifest import Manifest
from batch_eval.dataset.sample import Samples
from batch_eval.engines.local import Part, Task, run_parts
from batch_eval.engines.rows import Rows
from batch_eval.engines.sampling import sampled_rows, sampling_of
from batch_eval.engines.trials import recipe_hits
from batch_eval.errors import ConfigError, ModelError
from batch_eval.evaluation import Evaluation, Records
from batch_eval.evaluation.summing import sums_of
from batch_eval.forking import apart
from batch_eval.parts.ledger import Job, Ledger, part_name, read_ledger, write_ledger
from batch_eval.parts.places import LEDGER, PICTURES, ROWS, PartPlace, each
from batch_eval.parts.plan import Plan, Shard, rows_per_part
from batch_eval.parts.tables import Names, PartTable, pictures_file, rows_file
from batch_eval.progress import Progress


@dataclass(frozen=True, slots=True)
class PartedSet:
    """A set whose samples are taken part by part.

    ``dataset`` need not hold its samples, ``first`` is one that stands for all. ``sampled`` are the rows that other
    recipes read too. ``samples`` returns those of a part.
    """

    dataset: Dataset
    plan: Plan
    first: Sample
    sampled: Sequence[int]
    samples: Callable[[int], tuple[Sample, ...]]


def parted(dataset: Dataset, class_names: Sequence[str]) -> PartedSet:
    """Return a loaded set in parts."""
    every = dataset.samples
    plan = Plan(len(every), rows_per_part(len(every)))

    def samples(number: int) -> tuple[Sample, ...]:
        rows = plan.part(number)
        return every[rows.start : rows.stop]

    light = replace(dataset, samples=Samples.of([]), tally=dataset.counts)  # which is sent to workers
    return PartedSet(light, plan, every[0], sampled_rows(every, class_names), samples)


def parted_manifest(manifest: Manifest) -> PartedSet:
    """Return the set of a manifest, which is read part by part."""
    plan = Plan(manifest.rows, manifest.part_rows)
    return PartedSet(manifest.dataset(), plan, manifest.first, manifest.sampled, manifest.part)


@dataclass(frozen=True, slots=True)
class PartFiles:
    """The files of a part that was evaluated, not written yet."""

    ledger: Ledger
    rows: bytes
    pictures: bytes

    def write(self) -> Ledger:
        """Write the tables, then the JSON that says that the part is done. Raises ReportError or StoreError."""
        for ending, data in ((ROWS, self.rows), (PICTURES, self.pictures)):
            self.ledger.place.write(f"{part_name(self.ledger.part)}{ending}", data)
        write_ledger(self.ledger)
        return self.ledger


@dataclass(frozen=True, slots=True)
class PartWork:
    """What evaluates parts, on this machine or on another one.

    ``first`` is a sample that stands for all. ``sampled`` are the rows that other recipes read too.
    """

    task: Task
    job: Job
    first: Sample
    sampled: Sequence[int]
    place: PartPlace

    def evaluate(
        self,
        parts: Iterable[Part],
        count: int,
        *,
        jobs: int | None = None,
        progress: Progress | None = None,
        apart: bool = False,
    ) -> Iterator[PartFiles]:
        """Evaluate parts of ``count`` images together, one by one. Arguments are those of `run_parts`."""
        task, sampled = self.task, self.sampled if self.job.compares else ()
        sampling = sampling_of(sampled, task.classifier, task.preprocessor)
        found = run_parts(task, parts, count, self.first, jobs=jobs, progress=progress, sampling=sampling, apart=apart)
        for part, rows in found:
            rows.hits = _hits(task, part, rows)
            number = part.rows.start // self.job.plan.part_rows
            yield part_files(self.job, number, PartTable(Samples.of(part.samples), rows), self.place)


class Engine(Protocol):
    """What evaluates parts: the processes of this machine (`PartWork.evaluate`), or Ray."""

    def __call__(
        self, work: PartWork, parts: Iterable[Part], count: int, /, *, jobs: int | None, progress: Progress | None
    ) -> Iterator[PartFiles]:
        """Evaluate parts of ``count`` images together. Yields the files of each that is done, in any order."""


@dataclass(frozen=True, slots=True)
class Run:
    """Parts to evaluate, and the place that they are written to."""

    work: PartWork
    parts: PartedSet
    wanted: tuple[int, ...]
    """Numbers of the parts that are still to be evaluated."""

    @property
    def count(self) -> int:
        """Number of images."""
        return sum(len(self.work.job.plan.part(number)) for number in self.wanted)

    @property
    def remaining(self) -> Iterator[Part]:
        """The parts that are still to be evaluated, one by one: few are in memory."""
        for number in self.wanted:
            yield Part(self.work.job.plan.part(number), self.parts.samples(number))

    def evaluate(
        self, *, engine: Engine = PartWork.evaluate, jobs: int | None = None, progress: Progress | None = None
    ) -> Iterator[Ledger]:
        """Evaluate and write the parts one by one. Yields each that is done."""
        if not self.wanted:  # all are done, or there are fewer parts than shards
            return
        for files in engine(self.work, self.remaining, self.count, jobs=jobs, progress=progress):
            yield files.write()


def _hits(task: Task, part: Part, rows: Rows) -> dict[int, Mapping[str, bool]]:
    """Return how the model reads the sampled images of a part under other recipes."""
    truths = {row: part.samples[row - part.rows.start].truth for row in rows.sample}
    # a part that is complete must not be lost because the model fails on images made another way
    with suppress(ModelError), task.classifier.inference.limited("the trials"):
        return {**recipe_hits(task, rows.sample, truths)}
    return {}


def write_part(job: Job, number: int, part: PartTable, place: PartPlace) -> Ledger:
    """Write the files of a part, and return what its JSON says. Raises ReportError or StoreError."""
    return part_files(job, number, part, place).write()


def part_files(job: Job, number: int, part: PartTable, place: PartPlace) -> PartFiles:
    """Return the files of a part."""
    names = job.names
    rows, pictures = rows_file(part, names), pictures_file(part.rows.pictures)
    records = Records.of_samples(part.samples, names.slices, part.rows)
    sums = sums_of(Evaluation(names.classes, records, job.provenance))
    rows_sha256, pictures_sha256 = (sha256(data).hexdigest() for data in (rows, pictures))
    return PartFiles(Ledger(job, number, sums, rows_sha256, pictures_sha256, part.rows.hits, place), rows, pictures)


def prepare(
    task: Task, parts: PartedSet, shard: Shard, place: PartPlace, *, resume: bool, compare_recipes: bool = True
) -> Run:
    """Return what is to be run for a shard.

    With ``resume``, what killed runs left is removed, and finished parts are verified and left out. Raises ConfigError
    where a finished part is of another job or is damaged.
    """
    task = replace(task, digests=True)
    job = Job(
        parts.plan,
        Names(parts.dataset.slice_names, task.classifier.class_names),
        provenance_of(task, task_notes(task)),
        compare_recipes,
    )
    wanted = parts.plan.shard(shard)
    done = apart(_finished, job, wanted, place) if resume else frozenset()  # what reads a bucket starts threads
    work = PartWork(task, job, parts.first, parts.sampled, place)
    return Run(work, parts, tuple(number for number in wanted if number not in done))


def _finished(job: Job, wanted: range, place: PartPlace) -> frozenset[int]:
    """Return the parts that are done, after their hashes were verified."""
    place.clean()

    def verify(number: int) -> None:
        ledger = read_ledger(place, f"{part_name(number)}{LEDGER}")
        if different := job.difference(ledger.job):
            raise ConfigError(
                f"{ledger.name} is of {different}. Choose another folder with --out, or leave --resume out to "
                "evaluate all parts again."
            )
        for ending in (ROWS, PICTURES):
            ledger.read(ending)

    there = frozenset(place.ledgers())
    done = [number for number in wanted if f"{part_name(number)}{LEDGER}" in there]
    each(verify, done)
    return frozenset(done)
