"""How far two models are from breaking, and what a stress test costs.

Photos are `digits/labels.csv` in $BATCH_EVAL_DATA; MNIST-C distorts MNIST's test images. Models are the default
one and `models/plain_cnn.keras`. docs/stress.md has the figures.

Run: python benchmarks/stress.py [--sample 100] [--mnist 1000]
"""

from __future__ import annotations

import argparse
import os
import resource
import time
from pathlib import Path

from batch_eval import LabelOptions, stress
from batch_eval.evaluation.stress import StressTest
from batch_eval.models import DEFAULT_MODEL
from batch_eval.reports.stress.rendering import holds

SEVEN = ("turn", "tilt", "shift", "crop", "blur", "motion", "noise")
"""Distortions with 42 settings in all, whose time is measured."""


def main() -> None:
    """Print the figures of each model, then the time."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sample", type=int, default=100)
    parser.add_argument("--mnist", type=int, default=1000)
    given = parser.parse_args()
    data = Path(os.environ.get("BATCH_EVAL_DATA", "../shared/data"))
    models = (DEFAULT_MODEL, data / "models" / "plain_cnn.keras")
    photos = [stress(data / "digits", model, sample=given.sample) for model in models]
    test = LabelOptions(split="test")
    mnist = [stress(data / "mnist.npz", model, test, suite="mnist-c", sample=given.mnist) for model in models]
    tabulate(photos)
    tabulate(mnist)
    measure_time(data / "digits", given.sample)


def tabulate(found: list[StressTest]) -> None:
    """Print until which level each distortion holds, and the accuracy at the harshest level, for each model."""
    print("".join(f"  {one.provenance.model} {one.plain.share:.1%} plain, mean {one.mean:.1%}" for one in found))
    for curves in zip(*(one.curves for one in found), strict=True):
        cells = (f"{holds(curve):28} {curve.points[-1].tally.share:6.1%}" for curve in curves)
        print(f"  {curves[0].distortion.title:18} {'   '.join(cells)}")


def measure_time(folder: Path, sample: int) -> None:
    """Print the time of 42 settings with the default model."""
    begun, before = time.monotonic(), _cpu()
    found = stress(folder, distortions=SEVEN, sample=sample)
    seconds, cpu = time.monotonic() - begun, _cpu() - before
    readings = len(found.settings) * len(found.ids)
    print(
        f"  {len(found.settings)} settings × {len(found.ids)} photos: {seconds:.1f} s, {cpu:.1f} s of CPU, "
        f"{1000 * cpu / readings:.1f} ms a reading"
    )


def _cpu() -> float:
    """Return the seconds of CPU of this process and of its finished workers."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


if __name__ == "__main__":
    main()
