"""Hand files that are made to harm, or damaged at random, to batch_eval, and print what came of them as a table.

Run as `python benchmarks/hostile.py [ROW …]`, with the options of `--help`. A row is one kind of input; without any,
all are measured. Every failure is printed with the number or the name that repeats it.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from random import Random
from threading import Lock
from typing import IO

import costs
import hostile_images
import kills
import messages
from commands import command, in_time
from crafted_models import CRAFTED
from mutants import mutated
from rows import (
    CHARACTERS,
    CONTROL,
    KINDS,
    MEGABYTES,
    ROOT,
    SAMPLES,
    SECONDS,
    Row,
    Settings,
    environment_path,
)

MODELS = 6000
"""How many mutants of models, if nothing else is said."""


def crafted_models(settings: Settings) -> Row:
    """Give each crafted model to the command line."""
    failures: Counter[str] = Counter()
    outcomes: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(settings.jobs) as pool:
        work = [Path(folder) / name for name in CRAFTED]
        for name, (code, found) in zip(CRAFTED, pool.map(_try_crafted, CRAFTED, work), strict=True):
            outcomes[f"exit code {code}"] += 1
            failures.update(found)
            if found:
                print(f"crafted model {name}: {', '.join(found)}", flush=True)
    return Row("crafted models", len(CRAFTED), failures, "benchmarks/hostile.py crafted-models", outcomes)


def _try_crafted(name: str, folder: Path) -> tuple[int, list[str]]:
    """Run the command line on a crafted model; return the exit code and the ways in which it failed."""
    here = folder / "here"
    here.mkdir(parents=True)
    (here / "ext.bin").write_bytes(bytes(31360))
    (here / "secret").write_text("a\nb\n")
    file = folder / name
    file.write_bytes(CRAFTED[name]())
    before = set(here.iterdir())
    done = command(["run", str(SAMPLES), "--model", str(file), "--out", str(folder / "out")], here)
    code, said = done.code, done.said
    is_bug = code not in (0, 2) or "is a bug" in said or "Traceback" in said
    found = ["signal"] * (code < 0) + ["hang"] * (done.seconds > SECONDS)
    found += ["memory"] * (done.megabytes > MEGABYTES) + ["uncaught"] * (code >= 0 and is_bug)
    found += ["unnamed"] * (code == 2 and name not in re.sub(r"\s+", "", said))
    found += ["message"] * (bool(CONTROL.search(said)) or (code == 2 and len(said) > CHARACTERS))
    found += ["left files"] * (set(here.iterdir()) != before)
    return code, found


def mutated_models(settings: Settings) -> Row:
    """Open each mutant, and let it read a few images if it opens."""
    seeds = _seeds(settings.seeds)
    count = settings.count or MODELS
    outcomes: Counter[str] = Counter()
    failures: Counter[str] = Counter()
    numbers = iter(range(settings.first, settings.first + count))
    lock = Lock()

    def work() -> None:
        with tempfile.TemporaryDirectory() as folder, _Worker() as worker:
            while True:
                with lock:
                    number = next(numbers, None)
                if number is None:
                    return
                random = Random(number)
                name = random.choice(sorted(seeds))
                file = Path(folder) / f"mutant-{number}{Path(name).suffix}"
                file.write_bytes(mutated(seeds[name], random))
                answer = worker.ask(file)
                file.unlink()
                with lock:
                    outcomes[answer.outcome] += 1
                    failures.update(answer.failures)
                    if settings.verbose or answer.failures:
                        print(
                            f"mutant {number} of {name}: {answer.outcome} {answer.failures} {answer.message[:300]!r}",
                            flush=True,
                        )

    with ThreadPoolExecutor(settings.jobs) as pool:
        for job in [pool.submit(work) for _ in range(settings.jobs)]:
            job.result()
    return Row("mutated models", count, failures, "benchmarks/hostile.py mutated-models", outcomes)


def _seeds(folder: Path | None) -> dict[str, bytes]:
    """Return sound models by name."""
    if folder is not None:
        return {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()}
    from hostile_models import small_models

    return small_models()


@dataclass(frozen=True)
class Answer:
    """What came of one mutant."""

    outcome: str
    failures: list[str]
    message: str = ""


class _Worker:
    """A process that opens models, one after the other; it is started again after it died."""

    def __enter__(self) -> _Worker:
        self._process: subprocess.Popen[bytes] | None = None
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    def ask(self, file: Path) -> Answer:
        """Let the process open a file."""
        process = self._process or self._start()
        stdin, stdout = _pipes(process)
        stdin.write(f"{file}\n".encode())
        stdin.flush()
        if not in_time(process.pid, stdout.fileno(), SECONDS):
            self._stop()
            return Answer("hang", ["hang"])
        line = stdout.readline()
        if not line:
            code = process.wait()
            self._stop()
            return Answer("signal", ["signal" if code < 0 else "uncaught"], _signal_name(code))
        found = json.loads(line)
        if found["megabytes"] > MEGABYTES:
            self._stop()  # the figure is the largest so far
        return Answer(found["outcome"], _failures(found, file), found["message"])

    def _start(self) -> subprocess.Popen[bytes]:
        environment = os.environ | {"PYTHONPATH": environment_path(), "TF_CPP_MIN_LOG_LEVEL": "3"}
        self._process = subprocess.Popen(
            [sys.executable, __file__, "--worker"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
        )
        return self._process

    def _stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            for pipe in _pipes(self._process):
                pipe.close()
        self._process = None


def _pipes(process: subprocess.Popen[bytes]) -> tuple[IO[bytes], IO[bytes]]:
    assert process.stdin is not None
    assert process.stdout is not None
    return process.stdin, process.stdout


def _signal_name(code: int) -> str:
    return signal.Signals(-code).name if code < 0 else f"exit code {code}"


def _failures(found: Mapping[str, object], file: Path) -> list[str]:
    message = str(found["message"])
    failures = ["uncaught"] if found["outcome"] == "uncaught" else []
    failures += ["memory"] * (float(str(found["megabytes"])) > MEGABYTES)
    if found["outcome"] == "refused":
        failures += ["unnamed"] * (file.name not in message)
        failures += ["message"] * (not message.isprintable() or len(message) > CHARACTERS)
    return failures


def serve_worker() -> None:
    """Open the models that stdin names, one a line, and write what came of each to stdout."""
    import numpy as np

    from batch_eval.errors import ModelError
    from batch_eval.models import ModelOptions, open_model

    images = np.random.default_rng(0).integers(0, 256, (3, 28, 28), np.uint8)
    fixed = {"input_range": "0..1", "ink": "bright", "transposed": False}
    for line in sys.stdin:
        outcome, message = "opened", ""
        try:
            # a convention that is given leaves out the self-test, which has rows of its own in the tests
            classifier = open_model(ModelOptions(Path(line.rstrip("\n")), class_names=None, **fixed), threads=1)
            classifier.predict(images)
        except ModelError as error:
            outcome, message = "refused", str(error)
        except BaseException as error:  # noqa: BLE001 - anything else is a finding
            outcome, message = "uncaught", f"{type(error).__name__}: {error}"
        used = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        print(json.dumps({"outcome": outcome, "message": message, "megabytes": used / 1024}), flush=True)


ROWS: dict[str, Callable[[Settings], Row]] = {
    "crafted-models": crafted_models,
    "mutated-models": mutated_models,
    "mutated-images": hostile_images.mutated_images,
    "kills": kills.kills,
    "messages": messages.messages,
    "start": costs.start,
    "image": costs.image,
    "protection": costs.protection,
}
"""What can be measured. Each row is independent of the others."""


def table(rows: Sequence[Row]) -> Iterator[str]:
    """Yield the lines of the table in Markdown."""
    yield f"| inputs | number | {' | '.join(KINDS)} | came of them | command |"
    yield f"|---|---:|{'---:|' * len(KINDS)}---|---|"
    for row in rows:
        counts = " | ".join(str(row.failures[kind]) for kind in KINDS)
        outcomes = row.value or ", ".join(f"{count} {name}" for name, count in row.outcomes.most_common())
        yield f"| {row.inputs} | {row.count:,} | {counts} | {outcomes} | `{row.command}` |"


def main() -> None:
    """Measure the rows that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", nargs="*", metavar="ROW", help=", ".join(ROWS))
    parser.add_argument("--seeds", type=Path, help="folder of sound models to mutate; default: small ones made here")
    parser.add_argument(
        "--count", type=int, help="number of mutants or kills; default: 6,000 models, 10,000 images, 170 kills"
    )
    parser.add_argument("--first", type=int, default=0, help="number of the first mutant or kill at random")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--before", type=Path, help="tree of sources to compare the time with")
    parser.add_argument("--files", type=Path, help="folder of hostile files: images, labels, saved, models")
    parser.add_argument("--verbose", action="store_true", help="print what came of every mutant")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.worker:
        serve_worker()
        return
    sys.path.insert(0, str(ROOT))  # what is measured is this tree
    settings = Settings(given.seeds, given.count, given.first, given.jobs, given.before, given.verbose, given.files)
    rows = [ROWS[name](settings) for name in given.rows or ROWS]
    print("\n".join(table(rows)))


if __name__ == "__main__":
    main()
