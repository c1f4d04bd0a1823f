"""Compare parts on a Ray of this machine with parts of the local engine: `python benchmarks/ray_engine.py 40000`.

Draws images of 28 × 28 px, and runs the command line with both engines in turns, on the same cores. Ray starts and
ends with each command: a run of few images tells how long that takes. Prints seconds, and images a second of Ray as a
share of the local engine's, of whole commands and without starting.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
from pathlib import Path
from statistics import median

from command_costs import Cost, measured, shown
from objects import draw

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
            draw(Path(str(count)), count)
            measured(["index", str(count), "--out", f"{count}.parquet"])
        costs: dict[tuple[str, int], list[Cost]] = {(engine, count): [] for engine in ENGINES for count in sizes}
        for _ in range(arguments.pairs):
            for (engine, count), found in costs.items():
                found.append(_run(engine, count, arguments.preprocess))
        print(f"{available_cores()} cores\n\n| engine and images | seconds | CPU s | MB |\n|---|---|---|---|")
        for (engine, count), found in costs.items():
            shown(f"{engine}, {count:,}", found)
        local, ray = (_seconds(costs[engine, arguments.images]) for engine in ENGINES)
        starts = [median(_seconds(costs[engine, FEW])) for engine in ENGINES]
        whole = [one / other for one, other in zip(local, ray, strict=True)]
        rest = [(one - starts[0]) / (other - starts[1]) for one, other in zip(local, ray, strict=True)]
        print(
            f"\nRay's rate as a share of the local one: {_said(whole)} of whole commands, {_said(rest)} without start"
        )


def _run(engine: str, count: int, recipe: str) -> Cost:
    """Evaluate a set in parts, from the first on."""
    shutil.rmtree("parts", ignore_errors=True)
    options = ["--engine", engine, "--shard", "1/1", "--preprocess", recipe, "--out", "parts", "--quiet"]
    return measured(["run", f"{count}.parquet", *options])


def _seconds(costs: list[Cost]) -> list[float]:
    return [cost.seconds for cost in costs]


def _said(shares: list[float]) -> str:
    return f"{median(shares):.2f} ({min(shares):.2f} to {max(shares):.2f})"


if __name__ == "__main__":
    main()
