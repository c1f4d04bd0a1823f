"""Compare parts on a Ray of this machine with parts of the local engine: `python benchmarks/ray_engine.py 40000`.

Draws images of 28 × 28 px, and runs the command line with both engines in turns, on the same cores. Ray starts and
ends with each command: a run of few images tells what that takes. Prints seconds by the clock and by the processor, of
all processes, and the images a second that Ray reads as a share of the local engine's. The share by the processor is
that of a core, and other programs disturb it less.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import resource
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from statistics import median

from command_costs import Cost, measured, shown
from objects import draw

from batch_eval.cores import available_cores

ENGINES = ("local", "ray")
FEW = 64
"""Images of a run that mostly starts."""
PR_SET_CHILD_SUBREAPER = 36
"""Of Linux, prctl(2): this process becomes the parent of processes that have lost theirs, as Ray's workers do."""


def main() -> None:
    """Print the table and the shares."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("images", type=int, nargs="?", default=200_000)
    parser.add_argument("--pairs", type=int, default=3, help="runs of each engine")
    parser.add_argument("--preprocess", default="photo", help="the recipe; `none` costs least, and shows engines most")
    arguments = parser.parse_args()
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        sizes = (FEW, arguments.images)
        for count in sizes:
            draw(Path(str(count)), count)
            measured(["index", str(count), "--out", f"{count}.parquet"])
        costs: dict[tuple[str, int], list[Cost]] = {(engine, count): [] for engine in ENGINES for count in sizes}
        for _ in range(arguments.pairs):
            for (engine, count), found in costs.items():
                found.append(_run(engine, count, arguments.preprocess))
        print(f"{available_cores()} cores\n\n| engine and images | seconds | CPU s | MB |\n|---|---|---|---|")
        for (engine, count), found in costs.items():
            shown(f"{engine}, {count:,}", found)
        for name in ("seconds", "cpu"):
            local, ray = ([getattr(one, name) for one in costs[engine, arguments.images]] for engine in ENGINES)
            start, ray_start = (median(getattr(one, name) for one in costs[engine, FEW]) for engine in ENGINES)
            whole = [one / other for one, other in zip(local, ray, strict=True)]
            rest = [(one - start) / (other - ray_start) for one, other in zip(local, ray, strict=True)]
            print(f"Ray's share by {name}: {_said(whole)} of whole commands, {_said(rest)} without start")


def _run(engine: str, count: int, recipe: str) -> Cost:
    """Evaluate a set in parts, from the first on. The processor's time is that of all processes, however they ended."""
    shutil.rmtree("parts", ignore_errors=True)
    options = ["--engine", engine, "--shard", "1/1", "--preprocess", recipe, "--out", "parts", "--quiet"]
    before = _spent()
    cost = measured(["run", f"{count}.parquet", *options])
    return replace(cost, cpu=_spent() - before)


def _spent() -> float:
    """Return the processor's seconds of all child processes, which have ended or end now."""
    try:
        while True:
            os.wait()
    except ChildProcessError:  # none is left
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _said(shares: list[float]) -> str:
    return f"{median(shares):.2f} ({min(shares):.2f} to {max(shares):.2f})"


if __name__ == "__main__":
    main()
