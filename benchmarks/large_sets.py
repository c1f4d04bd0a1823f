"""Memory and time of merging and comparing parts by their number of rows: `python benchmarks/large_sets.py 2000000`.

Makes the parts of two models directly, without images, then runs the command line: merge, report, merge with a
baseline, compare. Prints seconds, CPU seconds and the peak of memory of each.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

import numpy as np
from command_costs import measured, shown

from batch_eval.dataset import Sample
from batch_eval.dataset.sample import Samples, label_sum
from batch_eval.engines.rows import Picture, Rows
from batch_eval.evaluation import OUTCOMES, Outcome, Provenance
from batch_eval.imaging.files import encode
from batch_eval.parts.ledger import Job
from batch_eval.parts.places import PartFolder
from batch_eval.parts.plan import Plan, rows_per_part
from batch_eval.parts.running import write_part
from batch_eval.parts.tables import Names, PartTable

CLASSES = tuple("0123456789")
ACCURACY = 0.98
LARGE = ("--whole-up-to", "0")
"""Options that merge any number of rows as a large set."""


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("rows", type=int, nargs="?", default=2_000_000)
    rows = parser.parse_args().rows
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for seed in (1, 2):
            write_parts(rows, seed, Path(f"parts{seed}"))
        print(f"{rows:,} rows\n\n| phase | seconds | CPU s | MB |\n|---|---|---|---|")
        shown("merge", [measured(["merge", "parts1", *LARGE, "--out", "one", "--quiet"])])
        shown("report", [measured(["report", "one", "--out", "again", "--quiet"])])
        baseline = ["--baseline", "one", "--fail-if-worse", "--max-drop", "0.5"]
        shown("merge with a baseline", [measured(["merge", "parts2", *LARGE, *baseline, "--out", "two", "--quiet"])])
        shown("compare", [measured(["compare", "one", "two", "--out", "comparison"])])


def write_parts(count: int, seed: int, folder: Path) -> None:
    """Write the parts of a model that reads ``ACCURACY`` of the images right."""
    plan = Plan(count, rows_per_part(count))
    names = Names(("writer",), CLASSES)
    labels = sum(label_sum((sample.id, sample.truth) for sample in samples(plan.part(i))) for i in range(plan.parts))
    known = Provenance(
        *("photos", "labels.csv", f"{labels % (1 << 256):064x}", f"model-{seed}.keras", f"{seed:064x}"),
        *("photo", "0" * 64, "0", ""),
    )
    job = Job(plan, names, known)
    for number in range(plan.parts):
        part = plan.part(number)
        write_part(job, number, PartTable(Samples.of(samples(part)), rows_of(part, seed)), PartFolder(folder))


def samples(part: range) -> tuple[Sample, ...]:
    """Return the samples of a part. A hundred writers wrote the digits."""
    return tuple(Sample(f"{i // 1000:05}/image-{i:09}.png", str(i), CLASSES[i % 10], (f"w{i % 97}",)) for i in part)


def rows_of(part: range, seed: int) -> Rows:
    """Return what a model makes of a part's images."""
    rng = np.random.default_rng((seed, part.start))
    n, truth = len(part), np.arange(part.start, part.stop) % 10
    right = rng.random(n) < ACCURACY
    read = np.where(right, truth, (truth + rng.integers(1, 10, n)) % 10)
    rows = Rows(part, 10, digests=True)
    rows.probabilities[:] = rng.random((n, 10), np.float32) * 0.04
    rows.probabilities[np.arange(n), read] = 0.5 + rng.random(n, np.float32) / 2
    rows.outcome[:] = np.where(right, OUTCOMES.index(Outcome.CORRECT), OUTCOMES.index(Outcome.WRONG))
    rows.prints[:] = rng.integers(0, 1 << 63, n)
    rows.digests[:] = rng.integers(0, 256, rows.digests.shape)
    rows.sizes[:] = 28
    rows.scores[:] = rng.random(n)
    rows.flags["blurred"] = (part.start + np.flatnonzero(rng.random(n) < 0.01)).tolist()
    picture = encode(rng.integers(0, 256, (28, 28), np.uint8))
    rows.pictures = {part.start + int(i): Picture(picture, picture) for i in np.flatnonzero(~right)}
    return rows


if __name__ == "__main__":
    main()
