"""What the protection costs: processor time of a run, in turns with one of another tree of sources, or without it.

Modules are compiled beforehand, as an installation compiles them.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from statistics import median, quantiles

from commands import command, compiled
from killing import COMMAND_LINE
from rows import ROOT, SAMPLES, Row, Settings, environment_path

FEW, MANY = 30, 1000
"""Images of a run that mostly starts, and of one that mostly reads."""
DECODING = """
import pathlib, sys, time
from batch_eval.imaging.decode import decode
try:
    from batch_eval.files import read
    from batch_eval.imaging.guard import one_image
except ImportError:  # an older tree has neither limits nor a net
    read, one_image = lambda path: pathlib.Path(path).read_bytes(), lambda work, data: work(data)
times, paths = [], sys.argv[1:]
for _ in range(40):
    started = time.process_time()
    for path in paths:
        one_image(decode, read(path))
    times.append(time.process_time() - started)
print(1000 * min(times) / len(paths))
"""
"""A program that prints how many milliseconds of the processor reading and decoding an image takes."""
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
RECIPES = ("mnist", "photo")
"""What is compared; both have had new steps, so `decoding` and `protection` tell what the protection costs."""


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
    """Time images, before and after, in turns: a run of many less a run of few."""
    if settings.before is None:
        return _nothing_before("CPU time of an image")
    with tempfile.TemporaryDirectory() as folder:
        said = [_each_image(Contest(Path(folder), settings.before), recipe) for recipe in RECIPES]
    row = "benchmarks/hostile.py image --before TREE"
    return Row("CPU time of an image", MANY, Counter(), row, value="; ".join(said))


def protection(_: Settings) -> Row:
    """Time a run of 30 images, and images, with the protection and without it, in turns: its own share."""
    with tempfile.TemporaryDirectory() as folder:
        contest = Contest(Path(folder), None)
        ratios = [now / then for now, then in contest.times(_images(Path(folder), FEW), 16, [])]
        said = [f"start {_spread(ratios)} of without", *(_each_image(contest, recipe) for recipe in RECIPES)]
    return Row(
        "the same without protection", len(ratios), Counter(), "benchmarks/hostile.py protection", value="; ".join(said)
    )


class Contest:
    """Two programs whose times are compared: this tree, and another one, or this one without its protection."""

    def __init__(self, folder: Path, before: Path | None) -> None:
        self.folder = folder
        if before:
            self._programs = [(ROOT, ["-m", "batch_eval"]), (before, ["-m", "batch_eval"])]
        else:
            self._programs = [(ROOT, ["-c", LOADED + COMMAND_LINE]), (ROOT, ["-c", LOADED + BARE + COMMAND_LINE])]
        self._environment = compiled(folder)

    def times(self, images: Path, turns: int, options: list[str]) -> list[tuple[float, float]]:
        """Return the seconds of the processor of both in each turn. Which is first changes; a turn before compiles."""
        found = []
        for turn in range(turns):
            order = (0, 1) if turn % 2 else (1, 0)
            seconds = {i: self._time(images, i, options) for i in order}
            found.append((seconds[0], seconds[1]))
        return found[1:]

    def _time(self, images: Path, which: int, options: list[str]) -> float:
        tree, program = self._programs[which]
        labels = ["--label-pattern", "^(?P<label>[0-9])-"]
        arguments = ["run", str(images), *labels, "--out", str(self.folder / "out"), "--quiet", *options]
        done = command(arguments, images, tree=tree, program=program, environment=self._environment)
        assert done.code == 0, done.said
        return done.seconds


def _each_image(contest: Contest, recipe: str) -> str:
    """Return what a recipe's images cost compared with the other program."""
    options = ["--preprocess", recipe, "--jobs", "1", "--format", "csv"]
    many, few = (contest.times(_images(contest.folder, count), 8, options) for count in (MANY, FEW))
    each = [[(large[i] - small[i]) / (MANY - FEW) for i in range(2)] for large, small in zip(many, few, strict=True)]
    own = 1000 * median(now for now, _ in each)
    return f"an image with {recipe} {_spread([now / then for now, then in each])}, {own:.2f} ms"


def _spread(ratios: Sequence[float]) -> str:
    """Return the median, and the quartiles."""
    low, middle, high = quantiles(ratios, n=4)
    return f"{middle:.3f} ({low:.3f} to {high:.3f})"


def decoding(settings: Settings) -> Row:
    """Time reading and decoding the sample images, which is where files are checked, before and after in turns."""
    if settings.before is None:
        return _nothing_before("reading and decoding an image")
    ratios = []
    for i in range(7):
        times = {tree: _decoding_time(tree) for tree in _trees(settings.before, i)}
        ratios.append(times[ROOT] / times[settings.before])
    value = f"CPU time {median(ratios):.3f} of before ({min(ratios):.3f} to {max(ratios):.3f})"
    row = "benchmarks/hostile.py decoding --before TREE"
    return Row("reading and decoding an image", 7, Counter(), row, value=value)


def _nothing_before(inputs: str) -> Row:
    """Return the row of a comparison that lacks the other tree."""
    return Row(inputs, 0, Counter(), "", value="give --before TREE to compare with")


def _trees(before: Path, turn: int) -> list[Path]:
    """Return both trees of sources; which is first changes with the turn."""
    return [before, ROOT] if turn % 2 else [ROOT, before]


def _decoding_time(tree: Path) -> float:
    environment = os.environ | {"PYTHONPATH": environment_path(tree)}
    samples = [str(file) for file in sorted(SAMPLES.glob("*.png"))]
    return float(subprocess.check_output([sys.executable, "-c", DECODING, *samples], env=environment))


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
