"""Evaluate the parts of a shard, and write each as soon as it is complete."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

from batch_eval.api import provenance_of, task_notes
from batch_eval.dataset import Dataset, Sample
from batch_eval.dataset.manifest import Manifest
from batch_eval.engines.local import Part, Task, run_parts
from batch_eval.engines.rows import Rows
from batch_eval.engines.sampling import sampled_rows, sampling_of
from batch_eval.engines.trials import recipe_hits
from batch_eval.errors import ConfigError, ModelError
from batch_eval.evaluation import Evaluation, Records
from batch_eval.evaluation.summing import sums_of
from batch_eval.parts.ledger import (
    LEDGER,
    PICTURES,
    ROWS,
    Job,
    Ledger,
    part_name,
    read_ledger,
    write_ledger,
)
from batch_eval.parts.plan import Plan, Shard, rows_per_part
from batch_eval.parts.tables import Names, PartTable, pictures_file, rows_file
from batch_eval.progress import Progress
from batch_eval.publishing import remove_unfinished, whole_file


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
    plan = Plan(len(dataset.samples), rows_per_part(len(dataset.samples)))

    def samples(number: int) -> tuple[Sample, ...]:
        rows = plan.part(number)
        return dataset.samples[rows.start : rows.stop]

    return PartedSet(dataset, plan, dataset.samples[0], sampled_rows(dataset.samples, class_names), samples)


def parted_manifest(manifest: Manifest) -> PartedSet:
    """Return the set of a manifest, which is read part by part."""
    plan = Plan(manifest.rows, manifest.part_rows)
    return PartedSet(manifest.dataset(), plan, manifest.first, manifest.sampled, manifest.part)


@dataclass(frozen=True, slots=True)
class Run:
    """Parts to evaluate, and the folder that they are written to."""

    task: Task
    parts: PartedSet
    job: Job
    folder: Path
    wanted: tuple[int, ...]
    """Numbers of the parts that are still to be evaluated."""

    @property
    def count(self) -> int:
        """Number of images."""
        return sum(len(self.job.plan.part(number)) for number in self.wanted)

    def evaluate(self, *, jobs: int | None = None, progress: Progress | None = None) -> Iterator[Ledger]:
        """Evaluate and write the parts one by one. Yields each that is done."""
        if not self.wanted:  # all are done, or there are fewer parts than shards
            return
        parts = (Part(self.job.plan.part(number), self.parts.samples(number)) for number in self.wanted)
        task, sampled = self.task, self.parts.sampled if self.job.compares else ()
        sampling = sampling_of(sampled, task.classifier, task.preprocessor)
        found = run_parts(task, parts, self.count, self.parts.first, jobs=jobs, progress=progress, sampling=sampling)
        for part, rows in found:
            rows.hits = _hits(task, part, rows)
            yield write_part(
                self.job, part.rows.start // self.job.plan.part_rows, PartTable(part.samples, rows), self.folder
            )


def _hits(task: Task, part: Part, rows: Rows) -> dict[int, Mapping[str, bool]]:
    """Return how the model reads the sampled images of a part under other recipes."""
    truths = {row: part.samples[row - part.rows.start].truth for row in rows.sample}
    # a part that is complete must not be lost because the model fails on images made another way
    with suppress(ModelError), task.classifier.inference.limited("the trials"):
        return {**recipe_hits(task, rows.sample, truths)}
    return {}


def write_part(job: Job, number: int, part: PartTable, folder: Path) -> Ledger:
    """Write the files of a part: its tables, then the JSON that says that it is done. Raises ReportError."""
    names, name = job.names, part_name(number)
    tables = {ROWS: rows_file(part, names), PICTURES: pictures_file(part.rows.pictures)}
    for ending, data in tables.items():
        with whole_file(folder / f"{name}{ending}") as file:
            file.write(data)
    slices = {slice_: tuple(sample.slices[i] for sample in part.samples) for i, slice_ in enumerate(names.slices)}
    records = Records.of_samples(part.samples, slices, part.rows)
    sums = sums_of(Evaluation(names.classes, records, job.provenance))
    rows_sha256, pictures_sha256 = (sha256(data).hexdigest() for data in tables.values())
    ledger = Ledger(job, number, sums, rows_sha256, pictures_sha256, part.rows.hits, folder)
    write_ledger(ledger)
    return ledger


def prepare(
    task: Task, parts: PartedSet, shard: Shard, folder: Path, *, resume: bool, compare_recipes: bool = True
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
    done = _finished(job, wanted, folder) if resume else frozenset()
    return Run(task, parts, job, folder, tuple(number for number in wanted if number not in done))


def _finished(job: Job, wanted: range, folder: Path) -> frozenset[int]:
    """Return the parts that are done, after their hashes were verified."""
    if not folder.is_dir():
        return frozenset()
    remove_unfinished(folder)
    done = set()
    for number in wanted:
        path = folder / f"{part_name(number)}{LEDGER}"
        if path.exists():
            ledger = read_ledger(path)
            if different := job.difference(ledger.job):
                raise ConfigError(
                    f"{ledger.name} is of {different}. Choose another folder with --out, or leave --resume out to "
                    "evaluate all parts again."
                )
            for ending in (ROWS, PICTURES):
                ledger.read(ending)
            done.add(number)
    return frozenset(done)
