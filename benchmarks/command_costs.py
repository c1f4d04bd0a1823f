"""What a command of the command line costs: seconds, CPU seconds and the peak of memory."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Cost:
    """What a phase took: seconds, CPU seconds of all its processes, and MB of the largest process."""

    seconds: float
    cpu: float
    megabytes: float


def measured(arguments: Sequence[str]) -> Cost:
    """Run the command line and return what it cost."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "batch_eval", *arguments]
    start = time.perf_counter()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(arguments)} ended with {os.waitstatus_to_exitcode(status)}")
    return Cost(time.perf_counter() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def shown(phase: str, costs: Sequence[Cost]) -> None:
    """Print the medians of a phase."""
    seconds, cpu, megabytes = (
        median(getattr(cost, name) for cost in costs) for name in ("seconds", "cpu", "megabytes")
    )
    print(f"| {phase} | {seconds:.1f} | {cpu:.1f} | {megabytes:,.0f} |", flush=True)
