"""Rank many models on one set of photos, and compare the CPU time with the work that cannot be saved.

Run as `python benchmarks/ranking.py IMAGES MODELS…`. IMAGES is a folder of labelled photos, of which `--photos` are
taken at random. The parts are measured in the same process, each alone: preparing the photos once, and reading them
with each model.
"""

from __future__ import annotations

import argparse
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np

from batch_eval.api import open_reader, reader_task
from batch_eval.dataset import Dataset, load_dataset
from batch_eval.engines.local import Task, prepared_batches
from batch_eval.errors import BatchEvalError
from batch_eval.models import ModelOptions
from batch_eval.models.model_files import find_models

Result = TypeVar("Result")
WANTED = 1.5
"""CPU time of the ranking over that of one preparation, once the models' own time is taken off."""


def main() -> None:
    """Measure, and print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("images", type=Path)
    parser.add_argument("models", nargs="+")
    parser.add_argument("--photos", type=int, default=300)
    parser.add_argument("--kind", help="take images with this value of the label file's column `kind`")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        photos = _sample(load_dataset(arguments.images), arguments.kind, arguments.photos, Path(folder))
        _measure(photos, find_models(arguments.models))


def _sample(dataset: Dataset, kind: str | None, count: int, folder: Path) -> Dataset:
    """Return a folder of copies of some images, in class folders."""
    samples = [s for s in dataset.samples if s.truth is not None and (kind is None or kind in s.slices)]
    for i, sample in enumerate(random.Random(1).sample(samples, min(count, len(samples)))):
        place = folder / str(sample.truth) / f"{i}{Path(sample.file).suffix}"
        place.parent.mkdir(exist_ok=True)
        content = dataset.read(sample)
        if isinstance(content, bytes):  # a folder's images are
            place.write_bytes(content)
    return load_dataset(folder)


def _measure(dataset: Dataset, models: list[Path]) -> None:
    opened, opening = _cpu(lambda: [task for model in models if (task := _opened(dataset, model))])
    batches, preparing = _cpu(lambda: list(prepared_batches(opened[0])))
    seen = np.concatenate(batches)
    reading = sum(_cpu(lambda task=task: task.classifier.predict(seen))[1] for task in opened)  # type: ignore[misc]
    with tempfile.TemporaryDirectory() as folder:
        one = _sample(dataset, None, 1, Path(folder))
        starting = _process(["compare", one.source.roots[0], str(models[0])])
    single = _process(["run", dataset.source.roots[0], "--quiet", "--model", str(models[0])])
    ranked = _process(["compare", dataset.source.roots[0], *map(str, models)])
    print("| CPU seconds | |\n|---|---|")
    print(f"| {len(opened)} of {len(models)} models opened | {opening:.2f} |")
    print(f"| {len(dataset.samples)} photos prepared once | {preparing:.2f} |")
    print(f"| the prepared photos read by all models | {reading:.2f} |")
    print(f"| `compare` of one model on one photo: starting, and writing reports | {starting:.2f} |")
    print(f"| one `run` with the first model | {single:.2f} |")
    print(f"| `compare` of all models | {ranked:.2f} |")
    share = (ranked - starting - opening - reading) / preparing
    print(f"\n`compare` less starting, opening and reading is {share:.2f} × one preparation (wanted: {WANTED}).")


def _opened(dataset: Dataset, model: Path) -> Task | None:
    try:
        return reader_task(dataset, open_reader(ModelOptions(model)))
    except BatchEvalError as error:
        print(error, file=sys.stderr)
        return None


def _cpu(work: Callable[[], Result]) -> tuple[Result, float]:
    start = time.process_time()
    return work(), time.process_time() - start


def _process(arguments: list[str]) -> float:
    """Return the CPU seconds of a whole process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "batch_eval", *arguments, "--out", folder]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    main()
