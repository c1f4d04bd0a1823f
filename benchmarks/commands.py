"""Run the command line, and measure what it took."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Timer

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
    patience: float = PATIENCE * SECONDS,
    program: Sequence[str] = ("-m", "batch_eval"),
    environment: Mapping[str, str] = os.environ,
) -> Done:
    """Run `batch-eval` of a tree of sources in a folder; it is killed after ``patience`` seconds by the clock.

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
        killer = Timer(patience, process.kill)
        killer.start()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        killer.cancel()
        hung = process.returncode == -signal.SIGKILL
        errors.seek(0)
        said = errors.read().decode("utf-8", "replace")
    seconds = patience if hung else used.ru_utime + used.ru_stime
    return Done(process.returncode, said, seconds, used.ru_maxrss / 1024)
