"""Runs that are killed while they write, and two runs into one folder: a folder holds the reports of one run."""

from __future__ import annotations

import math
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from random import Random
from threading import Lock

from commands import compiled
from killing import killed
from rows import SAMPLES, Row, Settings, environment_path

AT_RANDOM = 170
"""Runs that are killed at any time."""
AT_RENAMES = 16
"""Runs that are killed before their first rename, their second, and so on."""
DOUBLE = 10
"""Pairs of runs that write into one folder."""
POLL_SECONDS = 0.002
"""Time between two looks at a process that is to be killed. Writing the reports takes some 50 ms."""
Files = Mapping[str, bytes]
Fault = Callable[["_Place"], str]
"""Does something to a place, and returns whose reports its folder holds then."""


class _Place:
    """Two sets of images, and the reports of a run of each: the same every time, as the clock is fixed."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.out = folder, folder / "out"
        self.environment = {**compiled(folder), "PYTHONPATH": environment_path(), "SOURCE_DATE_EPOCH": "1700000000"}
        self.reports: list[Files] = []
        samples = sorted(SAMPLES.glob("*.png"))
        for name, some in (("one", samples[::4]), ("two", samples[::3])):
            (folder / name).mkdir()
            for file in some:
                shutil.copy(file, folder / name)
            process = self.start(name)
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            assert process.returncode == 0
            self.seconds = used.ru_utime + used.ru_stime
            self.reports.append(self.content())

    def arguments(self, name: str) -> list[str]:
        """Return the arguments of a run of one of the sets."""
        formats = [part for form in ("csv", "json", "html", "markdown", "text", "junit") for part in ("-f", form)]
        labels = ["--label-pattern", "^(?P<label>[0-9])-"]
        return ["run", name, *labels, "--out", str(self.out), "--quiet", *formats]

    def start(self, name: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "batch_eval", *self.arguments(name)],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def content(self) -> Files:
        return {
            str(file.relative_to(self.out)): file.read_bytes() for file in sorted(self.out.rglob("*")) if file.is_file()
        }

    def found(self) -> str:
        """Let the next command look at the folder; return whose reports it holds."""
        from batch_eval.publishing import finish_swaps

        finish_swaps(self.out)
        content = {name: data for name, data in self.content().items() if not name.startswith(".batch_eval-")}
        return ("older", "newer")[self.reports.index(content)] if content in self.reports else "mixed"

    def older(self) -> None:
        """Put the first run's reports there."""
        shutil.rmtree(self.out, ignore_errors=True)
        for name, data in self.reports[0].items():
            file = self.out / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)


def kills(settings: Settings) -> Row:
    """Kill runs, and let two write at once; count the folders that hold files of two runs."""
    at_random = settings.count or AT_RANDOM
    faults: list[tuple[str, Fault]] = [
        *((f"kill at random {i}", partial(_at_random, number=settings.first + i)) for i in range(at_random)),
        *((f"kill at rename {i}", partial(_at_rename, renames=i)) for i in range(AT_RENAMES)),
        *((f"double run {i}", _double) for i in range(DOUBLE)),
    ]
    outcomes: Counter[str] = Counter()
    left, lock = iter(faults), Lock()

    def work() -> None:
        with tempfile.TemporaryDirectory() as folder:
            place = _Place(Path(folder))
            while (fault := _next(left, lock)) is not None:
                name, make = fault
                outcome = make(place)
                with lock:
                    outcomes[outcome] += 1
                    if outcome == "mixed" or settings.verbose:
                        print(f"{name}: {outcome}", flush=True)

    with ThreadPoolExecutor(settings.jobs) as pool:
        for job in [pool.submit(work) for _ in range(settings.jobs)]:
            job.result()
    failures = Counter({"mixed": outcomes["mixed"]})
    name = f"{at_random} kills at random, {AT_RENAMES} at renames, {DOUBLE} double runs"
    return Row(name, len(faults), failures, "benchmarks/hostile.py kills", outcomes)


def _next(left: Iterator[tuple[str, Fault]], lock: Lock) -> tuple[str, Fault] | None:
    with lock:
        return next(left, None)


def _at_random(place: _Place, number: int) -> str:
    """Kill a run; half of them in the last third of their work, where they write."""
    place.older()
    random = Random(number)
    part = random.uniform(0, 1) if random.random() < 0.5 else random.uniform(0.66, 1.05)
    process = place.start("two")
    while _computed(process) < part * place.seconds:
        with suppress(subprocess.TimeoutExpired):
            process.wait(POLL_SECONDS)
    process.kill()
    process.wait()
    return place.found()


def _computed(process: subprocess.Popen[bytes]) -> float:
    """Return the seconds of the processor that a process has had; infinity once it has ended.

    The clock would kill too early where other programs have the cores. Linux makes the number of a process's clock of
    its own (CPUCLOCK_SCHED in linux/posix-timers.h).
    """
    return math.inf if process.poll() is not None else time.clock_gettime(~process.pid << 3 | 2)


def _at_rename(place: _Place, renames: int) -> str:
    place.older()
    code = killed(renames, ["os.rename"], *place.arguments("two"), cwd=place.folder, env=place.environment)
    assert code in (0, -signal.SIGKILL)
    return place.found()


def _double(place: _Place) -> str:
    place.older()
    codes = [process.wait() for process in [place.start("one"), place.start("two")]]
    # the second one waits, or says who writes; neither may be ended by a signal
    assert set(codes) <= {0, 2}
    return place.found()
