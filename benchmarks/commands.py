"""Run the command line, and measure what it took."""

from __future__ import annotations

import math
import os
import select
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from rows import PATIENCE, ROOT, SECONDS, environment_path


@dataclass(frozen=True)
class Done:
    """What came of a command. ``seconds`` are of the processor, with child processes; ``said`` is stderr."""

    code: int
    said: str
    seconds: float
    megabytes: float


def compiled(folder: Path) -> dict[str, str]:
    """Return an environment in which modules are compiled once, into a folder, as an installation has them."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return environment | {"PYTHONPYCACHEPREFIX": str(folder / "compiled")}


def command(
    arguments: Sequence[str],
    folder: Path,
    *,
    tree: Path = ROOT,
    patience: float = 2 * SECONDS,
    program: Sequence[str] = ("-m", "batch_eval"),
    environment: Mapping[str, str] = os.environ,
) -> Done:
    """Run `batch-eval` of a tree of sources in a folder; it is killed when it computes for ``patience`` seconds.

    ``program`` is what Python runs.
    """
    with (folder.parent / f"stderr-{folder.name}").open("w+b") as errors:
        process = subprocess.Popen(
            [sys.executable, *program, *arguments],
            stdout=subprocess.DEVNULL,
            stderr=errors,
            stdin=subprocess.DEVNULL,
            cwd=folder,
            env={**environment, "PYTHONPATH": environment_path(tree)},
        )
        ended = os.pidfd_open(process.pid)
        hung = not in_time(process.pid, ended, patience)
        os.close(ended)
        if hung:
            process.kill()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        errors.seek(0)
        said = errors.read().decode("utf-8", "replace")
    seconds = math.inf if hung else used.ru_utime + used.ru_stime
    return Done(process.returncode, said, seconds, used.ru_maxrss / 1024)


def in_time(process: int, event: int, seconds: float) -> bool:
    """Wait until a descriptor can be read. False where the process computes too long, or does nothing at all for long.

    The clock alone tells nothing where other programs have the cores, or stop this one.
    """
    started = computed = _computed(process)
    moved = monotonic()
    while not select.select([event], [], [], 1)[0]:
        before, computed = computed, _computed(process)
        moved = monotonic() if computed != before else moved
        if computed - started > seconds or monotonic() - moved > PATIENCE * SECONDS:
            return False
    return True


def _computed(process: int) -> float:
    """Return the seconds of the processor that a process and its living children have had."""
    from batch_eval.models.isolation import cpu_seconds

    children = Path(f"/proc/{process}/task/{process}/children")
    found = [process, *map(int, children.read_text().split() if children.exists() else ())]
    return sum(cpu_seconds(one) or 0.0 for one in found)
