"""Merge parts into the evaluation of one run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from batch_eval.api import fixed_time, joined, provenance_of, with_trials
from batch_eval.dataset import Content, Dataset
from batch_eval.dataset.sample import Samples
from batch_eval.engines.local import Task
from batch_eval.engines.rows import Rows
from batch_eval.engines.sampling import FEWEST
from batch_eval.engines.trials import GOOD, LOW, compared_trials
from batch_eval.errors import ConfigError
from batch_eval.evaluation import Evaluation
from batch_eval.evaluation.sums import Sums
from batch_eval.found_convention import STATED
from batch_eval.outcome import OUTCOMES
from batch_eval.parts.large import merge_large
from batch_eval.parts.ledger import AGAIN, Job, Ledger, part_name, read_ledger, undamaged
from batch_eval.parts.places import PICTURES, ROWS, each, named_parts, place_of
from batch_eval.parts.plan import WHOLE_UP_TO
from batch_eval.parts.tables import PartTable, read_pictures, read_rows
from batch_eval.wording import listing


def find_parts(places: Sequence[Path]) -> list[Ledger]:
    """Return the parts in folders and buckets, and those named by their JSON, in order.

    Raises ConfigError where there is none, StoreError for a bucket that refuses.
    """
    files = [file for place in places for file in named_parts(place)]
    if not files:
        raise ConfigError(
            f"there are no parts in {', '.join(place_of(place).called() for place in places)}. "
            "Name the folders that `batch-eval run --shard` has written."
        )
    return sorted(each(lambda file: read_ledger(*file), files), key=lambda ledger: ledger.part)


def check_complete(parts: Sequence[Ledger]) -> Job:
    """Return the job of the parts, which make a whole set. Raises ConfigError where they do not."""
    first = parts[0]
    for part in parts[1:]:
        if different := first.job.difference(part.job):
            raise ConfigError(
                f"{first.name} and {part.name} are of {different}. Merge parts of one run only: take one of them out."
            )
    for one, other in pairwise(parts):
        if one.part == other.part:
            raise ConfigError(f"{one.name} and {other.name} are the same part, twice. Leave one of them out.")
    numbers = {part.part for part in parts}
    gaps = [number for number in range(first.job.plan.parts) if number not in numbers]
    if gaps:
        raise ConfigError(
            f"{len(gaps):,} of {first.job.plan.parts:,} parts are missing: {listing([*map(part_name, gaps)])}. "
            "Run their shards with --resume, and name all folders of parts."
        )
    if f"{sums_of(parts).labels:064x}" != first.job.provenance.labels_sha256:
        raise ConfigError(
            "the images and labels of the parts are not those of the set that they name. Evaluate all parts again."
        )
    return first.job


def sums_of(parts: Iterable[Ledger]) -> Sums:
    """Return the sums of parts together."""
    parts = list(parts)
    return Sums.total((part.sums for part in parts), len(parts[0].job.names.classes))


def merge(parts: Sequence[Ledger], task: Task | None = None, *, whole_up_to: int = WHOLE_UP_TO) -> Evaluation:
    """Return the evaluation of complete parts in order.

    Up to ``whole_up_to`` images, all rows are in memory, and the reports are those of one run. Of a larger set there
    are sums and a sample. With the ``task`` of a single run, other ways of reading are tried where the accuracy is low,
    as a run does. Raises ConfigError where a part is damaged, the task is another one, or the set too large for a task.
    """
    job = check_complete(parts)
    if job.plan.rows > whole_up_to:
        if task is not None:
            raise ConfigError(
                f"--images would take all {job.plan.rows:,} rows into memory. Leave it out, or give a higher "
                f"--whole-up-to, now {whole_up_to:,}."
            )
        return merge_large(parts, job, sums_of(parts))
    rows = Rows(range(job.plan.rows), len(job.names.classes), digests=True)

    samples = []
    for part in parts:
        table = _read(part)
        rows.add(table.rows)
        rows.hits |= part.sample
        samples.append(table.samples)
    p = job.provenance
    dataset = Dataset(
        source=_Digests(p.folder, rows.digests),
        samples=Samples.joined(samples),
        label_source=p.label_source,
        slice_names=job.names.slices,
        missing=p.missing,
    )
    found = joined(dataset, rows, job.names.classes, p, fixed_time())
    rows.sample = {row: {} for row in rows.hits}  # which were sampled; how they were prepared is not kept
    if task is None:
        read = {row: (dataset.samples.truth[row], OUTCOMES[rows.outcome[row]]) for row in rows.hits}
        return replace(found, trials=compared_trials(read, rows.hits)) if found.scored >= FEWEST else found
    _check_task(task, job, dataset)
    return with_trials(found, task, rows)


def wants_images(found: Evaluation) -> bool:
    """Whether a single run of the set tries more than parts do, to explain a low accuracy."""
    if found.sums is not None:  # too large for it
        return False
    convention = found.provenance.convention
    stated = convention is not None and set(convention.found.values()) == {STATED}
    return found.scored >= FEWEST and found.accuracy < (LOW if stated else GOOD)


def _check_task(task: Task, job: Job, dataset: Dataset) -> None:
    """Raise ConfigError where a task is not that of the parts."""
    own = replace(job, provenance=provenance_of(task, ()))
    different = job.difference(own)
    if not different and task.dataset.samples.ids != dataset.samples.ids:
        different = "another order of the images"
    if different:
        raise ConfigError(
            f"what --images and --model name is not what made the parts: {different}. Give them as `run` got them."
        )


def _read(part: Ledger) -> PartTable:
    """Return the rows and pictures of a part."""
    rows, pictures = part.read(ROWS), part.read(PICTURES)
    with undamaged(part):
        table = read_rows(rows, part.job.names)
        table.rows.pictures = read_pictures(pictures)
    if range(table.rows.start, table.rows.start + len(table.samples)) != part.rows:
        raise ConfigError(f"{part.name} holds other rows than it says. {AGAIN}")
    return table


@dataclass(frozen=True, slots=True)
class _Digests:
    """Images by their digests, which are equal where the images are. A file is called by its row."""

    name: str
    digests: NDArray[np.uint8]
    roots: tuple[str, ...] = ("",)
    labels: None = None
    notes: tuple[str, ...] = ()
    images: Sequence[str] = ()
    others: Sequence[str] = ()

    def read(self, file: str) -> Content:
        """Return an image's digest."""
        return bytes(self.digests[int(file)])

    def read_other(self, path: str) -> bytes:
        """Raise KeyError: there are no other files."""
        raise KeyError(path)

    def size(self, file: str) -> int:  # noqa: ARG002 - no image is there
        """Return 0: the length is not known."""
        return 0
