"""What many small files take by phase, in one run and in parts: `python benchmarks/scale.py 100000`.

Writes files of 28 × 28 px into a temporary folder and runs the command line: index, run, run in parts, resume, merge.
All phases take turns, so that a busy machine slows them alike. Prints the medians of seconds, CPU seconds of all
processes, and the peak of memory of the largest one. Then what a row costs beyond the start, and what a hundred million
rows would take at that.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
from pathlib import Path
from statistics import median

from command_costs import Cost, measured, shown
from small_files import write_small_files

from batch_eval.cores import available_cores

FEW = 1000
"""Files of a set that shows what the start of a phase takes."""
MANY = 100_000_000
PARTS = ("--shard", "1/1", "--out", "parts", "--quiet")
MERGE = ("merge", "parts", "--quiet")
PHASES = {
    "index": ["index", "SET", "--out", "SET.parquet"],
    "one run": ["run", "SET", "--format", "json", "--out", "one", "--quiet"],
    "parts of the folder": ["run", "SET", *PARTS],
    "parts of the manifest": ["run", "SET.parquet", *PARTS],
    "resume, all parts done": ["run", "SET.parquet", *PARTS, "--resume"],
    "merge": [*MERGE, "--format", "json", "--out", "merged"],
    "merge as a large set": [*MERGE, "--whole-up-to", "0", "--format", "json", "--out", "large"],
}
"""Commands in their order. ``SET`` stands for the folder of files."""
AT_SCALE = ("index", "parts of the manifest", "merge as a large set")
"""The phases of a set of ``MANY`` rows."""


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("files", type=int, nargs="?", default=100_000)
    parser.add_argument("--rounds", type=int, default=3, help="runs of each phase")
    arguments = parser.parse_args()
    sizes = (FEW, arguments.files)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for count in sizes:
            write_small_files(Path(str(count)), count)
        costs: dict[int, dict[str, list[Cost]]] = {count: {phase: [] for phase in PHASES} for count in sizes}
        for _ in range(arguments.rounds):
            for count, found in costs.items():
                for phase in PHASES:
                    found[phase].append(_cost(phase, count))
        size = sum(file.stat().st_size for file in Path("parts").iterdir()) / arguments.files
    few, many = costs.values()
    print(
        f"{arguments.files:,} files, {available_cores()} cores\n\n| phase | seconds | CPU s | MB |\n|---|---|---|---|"
    )
    for phase, measurements in many.items():
        shown(phase, measurements)
    _show_rows(few, many, arguments.files)
    print(f"\nParts hold {size:.0f} bytes a row: {size * MANY / 1e9:,.0f} GB for {MANY:,}.")


def _cost(phase: str, count: int) -> Cost:
    """Return what a phase takes for a set."""
    if phase.startswith("parts"):
        shutil.rmtree("parts", ignore_errors=True)
    return measured([argument.replace("SET", str(count)) for argument in PHASES[phase]])


def _show_rows(few: dict[str, list[Cost]], many: dict[str, list[Cost]], files: int) -> None:
    """Print what a row costs in each phase, and what ``MANY`` cost."""
    print(f"\n| phase | start, s | CPU of a row, µs | {MANY:,} rows, h of CPU |\n|---|---|---|---|")
    for phase, costs in many.items():
        start = median(cost.seconds for cost in few[phase])
        seconds = median(cost.cpu for cost in costs) - median(cost.cpu for cost in few[phase])
        row = 1e6 * seconds / (files - FEW)
        hours = f"{row * MANY / 3.6e9:.1f}" if phase in AT_SCALE else ""
        print(f"| {phase} | {start:.1f} | {row:.1f} | {hours} |")
    one, parts = ([cost.cpu for cost in many[phase]] for phase in ("one run", "parts of the manifest"))
    ratios = [part / whole for whole, part in zip(one, parts, strict=True)]
    print(f"\nCPU of parts against one run: {median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f})")


if __name__ == "__main__":
    main()
