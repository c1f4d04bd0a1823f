"""What the protection costs: processor time of a run, in turns with one of another tree of sources, or without it.

Modules are compiled beforehand, as an installation compiles them.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median, quantiles
from typing import TypeVar

from commands import command, compiled
from killing import COMMAND_LINE
from rows import ROOT, SAMPLES, Row, Settings, environment_path

T = TypeVar("T")
TURNS = 8
"""Turns of two programs that prepare images; the first compiles."""
FEW = 30
"""Images of a run, which mostly starts."""
IMAGES = """
import json, os, sys, time
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
import cv2
cv2.setNumThreads(1)
from batch_eval.imaging import preprocessor
from batch_eval.imaging.decode import decode
try:
    from batch_eval.files import read
    from batch_eval.imaging.guard import one_image
except ImportError:  # an older tree has neither limits nor a net
    from batch_eval.imaging.files import read
    one_image = lambda work, data: work(data)
recipes = {"decoding": lambda image: image, "mnist": preprocessor("mnist"), "photo": preprocessor("photo")}
took, paths = {}, sys.argv[1:]
for name, recipe in recipes.items():
    times = []
    for _ in range(10):
        started = time.process_time()
        for path in paths:
            one_image(recipe, one_image(decode, read(path)))
        times.append(time.process_time() - started)
    took[name] = 1000 * min(times) / len(paths)
print(json.dumps(took))
"""
"""A program that prints how many milliseconds of the processor reading, decoding and preparing an image takes."""
LOADED = """
import os
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
from batch_eval import files, interrupts, locking, publishing, streams, wording
from batch_eval.imaging import guard, limits
from batch_eval.models import budget
"""
"""Imports what `BARE` changes."""
BARE = """
def nothing(*arguments, **options):
    pass
def call(work, *arguments, **options):
    return work(*arguments, **options)
def read(path, max_mb):
    with open(path, "rb") as file:
        return file.read()
def free(folder):
    yield
def text(value, *arguments, **options):
    return value
for function in (
    interrupts.watch, streams.make_lenient, limits.check_size, limits.check_memory, budget.Budget.check,
    publishing._finish_swaps,
):
    function.__code__ = nothing.__code__
guard.one_image.__code__ = call.__code__
files.read_whole.__code__ = read.__code__
locking.locked.__wrapped__.__code__ = free.__code__
wording.message.__code__ = wording.printable.__code__ = text.__code__
"""
"""Takes the protection away: the watcher of signals, the net below an image, limits, locks, and printable text.

A function's code is replaced, as other modules have its name. Readers that do more than check cannot be taken away."""


def start(settings: Settings) -> Row:
    """Time runs of 30 images with the default model, before and after, in turns."""
    if settings.before is None:
        return _nothing_before("start of a run of 30 images")
    with tempfile.TemporaryDirectory() as folder:
        trees = Contest(Path(folder), settings.before)
        ratios = [now / then for now, then in trees.times(_images(Path(folder), FEW), 16, [])]
    row = "benchmarks/hostile.py start --before TREE"
    return Row(
        "start of a run of 30 images", len(ratios), Counter(), row, value=f"CPU time {_spread(ratios)} of before"
    )


def image(settings: Settings) -> Row:
    """Time reading, decoding and preparing the sample images, before and after, in turns."""
    if settings.before is None:
        return _nothing_before("CPU time of an image")
    with tempfile.TemporaryDirectory() as folder:
        said = _each_image(Contest(Path(folder), settings.before))
    return Row("CPU time of an image", TURNS, Counter(), "benchmarks/hostile.py image --before TREE", value=said)


def protection(_: Settings) -> Row:
    """Time a run of 30 images, and images, with the protection and without it, in turns: its own share."""
    with tempfile.TemporaryDirectory() as folder:
        contest = Contest(Path(folder), None)
        ratios = [now / then for now, then in contest.times(_images(Path(folder), FEW), 16, [])]
        said = f"start {_spread(ratios)} of without; {_each_image(contest)}"
    return Row("the same without protection", TURNS, Counter(), "benchmarks/hostile.py protection", value=said)


class Contest:
    """Two programs whose times are compared: this tree, and another one, or this one without its protection."""

    def __init__(self, folder: Path, before: Path | None) -> None:
        self.folder = folder
        self._programs = [(ROOT, ""), (before, "")] if before else [(ROOT, LOADED), (ROOT, LOADED + BARE)]
        self._environment = compiled(folder)

    def times(self, images: Path, turns: int, options: list[str]) -> list[tuple[float, float]]:
        """Return the seconds of the processor of a run by both in each turn. A turn before compiles."""
        return list(self._turns(turns, lambda which: self._run(images, which, options)))

    def images(self) -> list[tuple[Mapping[str, float], Mapping[str, float]]]:
        """Return the milliseconds that an image takes both in each turn, alone decoded and by recipe."""
        return list(self._turns(TURNS, self._prepare))

    def _turns(self, turns: int, measured: Callable[[int], T]) -> Iterator[tuple[T, T]]:
        """Yield what is measured of both in each turn but the first. Which comes first changes."""
        for turn in range(turns):
            found = {which: measured(which) for which in ((0, 1) if turn % 2 else (1, 0))}
            if turn:
                yield found[0], found[1]

    def _run(self, images: Path, which: int, options: list[str]) -> float:
        tree, changes = self._programs[which]
        labels = ["--label-pattern", "^(?P<label>[0-9])-"]
        arguments = ["run", str(images), *labels, "--out", str(self.folder / "out"), "--quiet", *options]
        program = ["-c", changes + COMMAND_LINE]
        done = command(arguments, images, tree=tree, program=program, environment=self._environment)
        assert done.code == 0, done.said
        return done.seconds

    def _prepare(self, which: int) -> Mapping[str, float]:
        tree, changes = self._programs[which]
        arguments = [sys.executable, "-c", changes + IMAGES, *map(str, sorted(SAMPLES.glob("*.png")))]
        environment = self._environment | {"PYTHONPATH": environment_path(tree)}
        found: dict[str, float] = json.loads(
            subprocess.check_output(arguments, env=environment, cwd=self.folder)  # Python looks for modules there first
        )
        return found


def _each_image(contest: Contest) -> str:
    """Return what an image costs compared with the other program: alone decoded, and prepared by each recipe."""
    turns = contest.images()
    return "; ".join(
        f"{name} {_spread([now[name] / then[name] for now, then in turns])}, "
        f"{median(now[name] for now, _ in turns):.2f} ms"
        for name in turns[0][0]
    )


def _spread(ratios: Sequence[float]) -> str:
    """Return the median, and the quartiles."""
    low, middle, high = quantiles(ratios, n=4)
    return f"{middle:.3f} ({low:.3f} to {high:.3f})"


def _nothing_before(inputs: str) -> Row:
    """Return the row of a comparison that lacks the other tree."""
    return Row(inputs, 0, Counter(), "", value="give --before TREE to compare with")


def _images(folder: Path, count: int) -> Path:
    """Write as many images as wanted, no two of the same bytes, and return their folder."""
    target = folder / str(count)
    target.mkdir(exist_ok=True)
    samples = sorted(SAMPLES.glob("*.png"))
    for i in range(count):
        sample = samples[i % len(samples)]
        # what stands behind a PNG's end is not read
        (target / f"{sample.stem}-{i}.png").write_bytes(sample.read_bytes() + str(i).encode())
    return target
