"""Compare parts on a Ray of this machine with parts of the local engine: `python benchmarks/ray_engine.py 40000`.

Writes digits of 28 × 28 px, and runs the command line with both engines in turns, on the same cores. Ray starts and
ends with each command: a run of few images tells what that takes. Prints seconds by the clock, and the images a second
that Ray reads as a share of the local engine's. The processor's time is not told: the system does not count that
of Ray's workers for the command.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
from pathlib import Path
from statistics import median

from command_costs import measured
from small_files import write_small_files

from batch_eval.cores import available_cores

ENGINES = ("local", "ray")
FEW = 64
"""Images of a run that mostly starts."""


def main() -> None:
    """Print the table and the shares."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("images", type=int, nargs="?", default=200_000)
    parser.add_argument("--pairs", type=int, default=3, help="runs of each engine")
    parser.add_argument("--preprocess", default="photo", help="the recipe; `none` costs least, and shows engines most")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        sizes = (FEW, arguments.images)
        for count in sizes:
            write_small_files(Path(str(count)), count)
            measured(["index", str(count), "--out", f"{count}.parquet"])
        seconds: dict[tuple[str, int], list[float]] = {(engine, count): [] for engine in ENGINES for count in sizes}
        for _ in range(arguments.pairs):
            for (engine, count), found in seconds.items():
                found.append(_seconds(engine, count, arguments.preprocess))
        print(f"{available_cores()} cores\n\n| engine | images | seconds |\n|---|---|---|")
        for (engine, count), found in seconds.items():
            print(f"| {engine} | {count:,} | {median(found):.1f} |")
        local, ray = (seconds[engine, arguments.images] for engine in ENGINES)
        start, ray_start = (median(seconds[engine, FEW]) for engine in ENGINES)
        whole = [one / other for one, other in zip(local, ray, strict=True)]
        rest = [(one - start) / (other - ray_start) for one, other in zip(local, ray, strict=True)]
        print(f"\nRay's share: {_said(whole)} of whole commands, {_said(rest)} without start")


def _seconds(engine: str, count: int, recipe: str) -> float:
    """Return how long a set takes in parts, from the first on."""
    shutil.rmtree("parts", ignore_errors=True)
    options = ["--engine", engine, "--shard", "1/1", "--preprocess", recipe, "--out", "parts", "--quiet"]
    return measured(["run", f"{count}.parquet", *options]).seconds


def _said(shares: list[float]) -> str:
    return f"{median(shares):.2f} ({min(shares):.2f} to {max(shares):.2f})"


if __name__ == "__main__":
    main()
