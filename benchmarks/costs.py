"""What the protection costs: processor time of a run, compared with another tree of sources in turns."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from statistics import median

from commands import command
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
RECIPES = ("mnist", "photo")
"""What is compared; both have had new steps, so `decoding` alone tells what the protection costs."""


def start(settings: Settings) -> Row:
    """Time runs of 30 images with the default model, before and after, in turns."""
    if settings.before is None:
        return _nothing_before("start of a run of 30 images")
    ratios = []
    with tempfile.TemporaryDirectory() as folder:
        images = _images(Path(folder), FEW)
        for i in range(16):
            times = _times(settings.before, images, i, [])
            ratios.append(times[ROOT] / times[settings.before])
    value = f"CPU time {median(ratios[1:]):.3f} of before"
    return Row("start of a run of 30 images", 15, Counter(), "benchmarks/hostile.py start --before TREE", value=value)


def image(settings: Settings) -> Row:
    """Time images, before and after, in turns: a run of many less a run of few."""
    if settings.before is None:
        return _nothing_before("CPU time of an image")
    said = []
    with tempfile.TemporaryDirectory() as folder:
        few, many = _images(Path(folder), FEW), _images(Path(folder), MANY)
        for recipe in RECIPES:
            options = ["--preprocess", recipe, "--jobs", "1", "--format", "csv"]
            ratios, each = [], []
            for i in range(8):
                large, small = _times(settings.before, many, i, options), _times(settings.before, few, i, options)
                now, then = ((large[tree] - small[tree]) / (MANY - FEW) for tree in (ROOT, settings.before))
                ratios.append(now / then)
                each.append(1000 * now)
            said.append(f"{recipe}: {median(ratios[1:]):.3f} of before, {median(each[1:]):.2f} ms")
    row = "benchmarks/hostile.py image --before TREE"
    return Row("CPU time of an image", MANY, Counter(), row, value="; ".join(said))


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
    target.mkdir()
    samples = sorted(SAMPLES.glob("*.png"))
    for i in range(count):
        sample = samples[i % len(samples)]
        # what stands behind a PNG's end is not read
        (target / f"{sample.stem}-{i}.png").write_bytes(sample.read_bytes() + str(i).encode())
    return target


def _times(before: Path, images: Path, turn: int, options: list[str]) -> dict[Path, float]:
    """Return the processor time of a run in each tree."""
    labels = ["--label-pattern", "^(?P<label>[0-9])-"]
    arguments = ["run", str(images), *labels, "--out", str(images.parent / "out"), "--quiet", *options]
    times = {}
    for tree in _trees(before, turn):
        done = command(arguments, images, tree=tree)
        assert done.code == 0, done.said
        times[tree] = done.seconds
    return times
