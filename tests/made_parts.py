"""Sets with everything that a row can have, and their parts, made without images."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from hypothesis import strategies as st
from report_examples import provenance

from batch_eval.dataset import Dataset, Sample
from batch_eval.dataset.sample import Samples, label_sum
from batch_eval.engines.rows import DIGEST, Picture, Rows
from batch_eval.engines.twins import SIDE
from batch_eval.evaluation import OUTCOMES, Outcome
from batch_eval.parts.ledger import Job, Ledger
from batch_eval.parts.places import place_of
from batch_eval.parts.plan import Plan
from batch_eval.parts.running import write_part
from batch_eval.parts.tables import Names, PartTable

CLASSES = ("0", "1", "é,\n")
NAMES = Names(("paper", "slice:é"), CLASSES)


class Bytes:
    """Images by their names: those of equal content are equal."""

    labels = None
    notes = ()
    images = others = ()
    name = "photos"
    roots = ("/photos",)

    def __init__(self, contents):
        self.contents = contents

    def read(self, file):
        return self.contents[int(file)]


@st.composite
def runs(draw: st.DrawFn) -> tuple[Dataset, Rows]:
    """Return a set of up to 40 images with everything that a row can have, and what an engine would return."""
    n = draw(st.integers(1, 40))
    rng = np.random.default_rng(draw(st.integers(0, 1 << 32)))
    truths = [[*CLASSES, None, "seven", "\ud800"][i] for i in rng.integers(0, 6, n)]
    contents = [bytes([i]) for i in rng.integers(0, 8, n)]
    values = ["ruled", "", "a/b", "\udcff"]
    samples = tuple(Sample(f"{i % 3}/é{i}.png", str(i), truths[i], (values[rng.integers(4)], str(i))) for i in range(n))
    rows = Rows(range(n), len(CLASSES), digests=True)
    for i, truth in enumerate(truths):
        read = rng.random() < 0.8
        if read:
            rows.probabilities[i] = rng.dirichlet([0.5] * len(CLASSES)).astype(np.float32)
        rows.outcome[i] = OUTCOMES.index(judged(truth, rows.probabilities[i] if read else None, rng))
        rows.prints[i] = contents[i][0]
        rows.sizes[i] = rng.integers(0, 1 << 32, 2)
        if rng.random() < 0.3:
            rows.thumbnails[i] = np.full((SIDE, SIDE), contents[i][0], np.uint8) + np.arange(SIDE, dtype=np.uint8)
        rows.digests[i] = np.frombuffer(contents[i].ljust(DIGEST, b"."), np.uint8)
        if rng.random() < 0.5:
            rows.scores[i] = rng.random()
        if rng.random() < 0.3:
            rows.reasons[i] = ["", "broken \ud800", "faint"][rng.integers(3)]
        if rng.random() < 0.2:
            rows.frames[i] = int(rng.integers(2, 9))
        for flag in ("faint", "blurred", "ünknown"):
            if rng.random() < 0.2:
                rows.flags.setdefault(flag, []).append(i)
        if rng.random() < 0.4:
            rows.pictures[i] = Picture(contents[i], None if rng.random() < 0.2 else b"seen", steps=b"steps")
            rows.errors += 1
    dataset = Dataset(Bytes(contents), samples, "labels.csv", NAMES.slices, ("gone.png",), labels_sha256=hexed(samples))
    return dataset, rows


def judged(truth: str | None, probabilities: np.ndarray | None, rng: np.random.Generator) -> Outcome:
    if truth is None:
        return Outcome.UNLABELLED
    if truth not in CLASSES:
        return Outcome.OUT_OF_RANGE
    if probabilities is None:
        return Outcome.BLANK if rng.random() < 0.5 else Outcome.UNREADABLE
    return Outcome.CORRECT if CLASSES[probabilities.argmax()] == truth else Outcome.WRONG


def hexed(samples: Sequence[Sample]) -> str:
    return f"{label_sum((sample.id, sample.truth) for sample in samples):064x}"


def cut(rows: Rows, part: range) -> Rows:
    """Return some of the rows, as an engine returns those of a part."""
    found = Rows(part, len(CLASSES), digests=True)
    place = slice(part.start, part.stop)
    for name in ("outcome", "probabilities", "prints", "digests", "scores", "sizes"):
        getattr(found, name)[:] = getattr(rows, name)[place]
    for name in ("reasons", "frames", "pictures", "thumbnails"):
        setattr(found, name, {row: value for row, value in getattr(rows, name).items() if row in part})
    flags = {name: [row for row in flagged if row in part] for name, flagged in rows.flags.items()}
    found.flags = {name: flagged for name, flagged in flags.items() if flagged}
    return found


def job_of(dataset: Dataset, plan: Plan) -> Job:
    known = replace(
        provenance(),
        labels_sha256=dataset.labels_sha256,
        missing=dataset.missing,
        created="",
        label_source="labels.csv",
    )
    return Job(plan, NAMES, known)


def written(dataset: Dataset, rows: Rows, part_rows: int, folder: Path) -> list[Ledger]:
    """Write a run in parts."""
    plan = Plan(len(dataset.samples), part_rows)
    job = job_of(dataset, plan)
    return [
        write_part(
            job, number, PartTable(Samples.of(dataset.samples[p.start : p.stop]), cut(rows, p)), place_of(folder)
        )
        for number in range(plan.parts)
        for p in [plan.part(number)]
    ]
