"""batch_eval against what people do today: whole processes, same machine, same run, medians of pairs.

Run as `python benchmarks/peers.py DATA`, where DATA holds `mnist.npz`, `fullres/` and `models/plain_cnn.keras`.
Copies its own data into a temporary folder, prints a table with ratios and writes it to `benchmarks/RESULTS.md`.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
RESULTS = HERE / "RESULTS.md"


@dataclass(frozen=True)
class Measured:
    """A run of one command, or medians over several: seconds from start to exit, and the peak of its memory in MiB.

    That is what the process has resident or, where it is more, what it and its copies have together, shared pages
    counted once (the kernel's proportional set size, looked at every 0.2 s).
    """

    seconds: float
    mib: float
    accuracy: str = ""

    def __str__(self) -> str:
        return f"{self.seconds:.2f} s, {self.mib:.0f} MiB" + (f", accuracy {self.accuracy}" if self.accuracy else "")


@dataclass(frozen=True)
class Work:
    """A folder of images in class folders, and how ours evaluates it."""

    name: str
    folder: Path
    images: int
    preprocess: str


MODEL = "plain_cnn.keras"
OUT = "out-"
OURS = "ours"
LOOP, DATASET = "predict_loop.py", "keras_dataset.py"


def main() -> None:
    """Measure and write the table, anew after each row: the last one takes most of an hour."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--runs", type=int, default=5, help="runs of each command (median)")
    parser.add_argument("--long-runs", type=int, help="runs of a loop over 10,000 images, which take ten minutes each")
    parser.add_argument(
        "--add-10000", action="store_true", help="measure 10,000 images against the peers only, and add their row"
    )
    options = parser.parse_args()
    long_runs = options.long_runs or options.runs
    if options.add_10000:
        with tempfile.TemporaryDirectory(prefix="peers-") as temporary, open(RESULTS, "a") as file:
            many, model = _many(options.data, Path(temporary)), options.data / "models" / MODEL
            file.write(_compare(many, model, Path(temporary), options.runs, long_runs) + "\n")
        return
    lines: list[str] = []
    with tempfile.TemporaryDirectory(prefix="peers-") as temporary:
        for line in _measure(options.data, options.runs, long_runs, Path(temporary)):
            print(line, flush=True)
            lines.append(line)
            RESULTS.write_text("\n".join(lines) + "\n")


def _measure(data: Path, runs: int, long_runs: int, temporary: Path) -> Iterator[str]:
    model = data / "models" / MODEL
    few = Work("30 PNG 28×28", _digits(data, temporary, 30), 30, "none")
    many = _many(data, temporary)
    photos = Work("200 photos, 7 to 14 Mpx", _photos(data, temporary, 200), 200, "photo")
    yield "# batch_eval against what people do today"
    yield ""
    yield (
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, {platform.system()}; model "
        f"`plain_cnn.keras`; whole processes, medians of {runs} runs in turn. Made by "
        "`python benchmarks/peers.py DATA`, which runs ours and the dataset twice in each turn and counts the second, "
        "so that both find their files in memory; a row that names the loop's runs had as many of it (`--long-runs`). "
        "Ours writes all default reports; the peers only print an accuracy. "
        "The limit is the slower of decoding alone and inference alone, plus start-up: each of the two on all cores, "
        "which no program reaches that does both, and each on one core, side by side."
    )
    yield ""
    yield "| files | seconds | peak memory | against 10,000 |"
    yield "|---|---|---|---|"
    yield from _growth(many, model, temporary, runs)
    yield ""
    yield "| work | ours | loop of `imread` + `predict` | `image_dataset_from_directory` | limit |"
    yield "|---|---|---|---|---|"
    for work in (few, photos):
        yield _compare(work, model, temporary, runs, runs)
    yield _compare(many, model, temporary, runs, long_runs)


def _many(data: Path, temporary: Path) -> Work:
    return Work("10,000 PNG 28×28", _digits(data, temporary, 10_000), 10_000, "none")


def _growth(work: Work, model: Path, temporary: Path, runs: int) -> Iterator[str]:
    """Yield the rows of ten times as many files against the work's own."""
    small = _median([_run(_ours(work, model, temporary)) for _ in range(runs)])
    ten_times = Work("100,000", _copies(work.folder, temporary, 10), 100_000, work.preprocess)
    large = _median([_run(_ours(ten_times, model, temporary)) for _ in range(runs)])
    yield f"| 10,000 | {small.seconds:.2f} | {small.mib:.0f} MiB | |"
    ratios = f"{large.seconds / small.seconds:.1f} × time, {large.mib / small.mib:.2f} × memory"
    yield f"| 100,000 | {large.seconds:.2f} | {large.mib:.0f} MiB | {ratios} |"


def _compare(work: Work, model: Path, temporary: Path, runs: int, loop_runs: int) -> str:
    """Return the table row of one work: ours, both peers with the ratio, and the share of the limit reached."""
    os.sync()  # what was copied before is not written to the disk meanwhile
    measured: dict[str, list[Measured]] = {OURS: [], LOOP: [], DATASET: []}
    for i in range(runs):  # in turn: the machine is at times slower for minutes
        measured[OURS].append(_run_warm(lambda: _ours(work, model, temporary)))
        measured[DATASET].append(_run_warm(lambda: _peer(DATASET, work, model)))
        if i < loop_runs:
            measured[LOOP].append(_run(_peer(LOOP, work, model)))
    ours, *peers = map(_median, measured.values())
    ours = replace(ours, accuracy=_accuracy(max(temporary.glob(f"{OUT}*/metrics.json"), key=os.path.getmtime)))
    on_all, on_one = _limits(work, model)
    cells = [
        str(ours),
        *(
            f"{peer}: **{peer.seconds / ours.seconds:.1f} × faster**, memory {ours.mib / peer.mib:.2f} ×"
            for peer in peers
        ),
        f"on all cores {on_all:.2f} s: {on_all / ours.seconds:.0%} reached, "
        f"on one each {on_one:.2f} s: {on_one / ours.seconds:.0%}",
    ]
    name = work.name if loop_runs == runs else f"{work.name} (loop: runs {loop_runs})"
    return f"| {name} | " + " | ".join(cells) + " |"


def _accuracy(metrics: Path) -> str:
    return f"{json.loads(metrics.read_text())['accuracy']:.4f}"


def _ours(work: Work, model: Path, temporary: Path) -> list[str]:
    out = tempfile.mkdtemp(prefix=OUT, dir=temporary)  # anew: ext4 makes files slowly where some were just deleted
    command = [sys.executable, "-m", "batch_eval", "run", str(work.folder), "--model", str(model)]
    return [*command, "--preprocess", work.preprocess, "--out", out]


def _peer(script: str, work: Work, model: Path) -> list[str]:
    return [sys.executable, str(HERE / "peers" / script), str(work.folder), str(model)]


def _run(arguments: Sequence[str]) -> Measured:
    """Run a command; its accuracy is the number that it printed last."""
    start = time.perf_counter()
    process = subprocess.Popen(
        arguments, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=_environment(), text=True
    )
    with _watched(process.pid) as peaks, process.stdout as stream:
        printed = stream.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    if status:
        raise SystemExit(f"failed: {' '.join(arguments)}")
    last = printed.strip().rpartition("\n")[2]
    mib = max(usage.ru_maxrss / 1024, *peaks)
    return Measured(seconds, mib, f"{float(last):.4f}" if last.replace(".", "").isdigit() else "")


def _run_warm(command: Callable[[], Sequence[str]]) -> Measured:
    """Run a command twice and return the second: during a loop of a quarter of an hour, files leave the page cache."""
    _run(command())
    return _run(command())


@contextmanager
def _watched(pid: int) -> Iterator[list[float]]:
    """Yield what a process and its descendants have in memory together, in MiB, a number more every 0.2 s."""
    found, ended = [0.0], threading.Event()

    def look() -> None:
        while not ended.wait(0.2):
            found.append(sum(map(_proportional, _descendants(pid))))

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield found
    finally:
        ended.set()
        watcher.join()


def _descendants(pid: int) -> Iterator[int]:
    """Yield a process and those that it or its descendants have begun."""
    yield pid
    for listed in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in _read(listed).split():
            yield from _descendants(int(child))


def _proportional(pid: int) -> float:
    """Return the MiB of a process, of shared pages its share; 0 when it has ended."""
    lines = _read(Path(f"/proc/{pid}/smaps_rollup")).splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def _read(file: Path) -> str:
    try:
        return file.read_text()
    except OSError:  # the process has ended
        return ""


def _median(runs: Sequence[Measured]) -> Measured:
    seconds, mib = (statistics.median(column) for column in zip(*((run.seconds, run.mib) for run in runs), strict=True))
    return replace(runs[-1], seconds=seconds, mib=mib)


def _environment() -> dict[str, str]:
    """Return the environment of all commands; ours keeps its compiled modules, as pip installs them for all."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"}


def _limits(work: Work, model: Path) -> list[float]:
    """Seconds of the slower of decoding alone and inference alone, plus the start-up of ours: on all cores, and one."""
    from concurrent.futures import ThreadPoolExecutor

    from batch_eval.imaging import decode, preprocessor
    from batch_eval.models import open_model

    cv2.setNumThreads(1)
    paths = sorted(path for path in work.folder.rglob("*.*") if path.is_file())
    reduce_to = preprocessor(work.preprocess).work_side
    classifier = open_model(model, threads=1)
    chunks = [paths[i : i + 64] for i in range(0, len(paths), 64)] if work.images > 1000 else [[p] for p in paths]
    images = np.zeros((64, 28, 28), np.uint8)

    def decode_all(chunk: Sequence[Path]) -> None:
        for path in chunk:
            decode(path.read_bytes(), reduce_to=reduce_to)

    def infer(chunk: Sequence[Path]) -> None:
        classifier.predict(images[: len(chunk)])

    batches = [paths[i : i + 64] for i in range(0, len(paths), 64)]
    start_up = _median([_run([sys.executable, "-c", _START_UP.format(model=str(model))]) for _ in range(5)]).seconds
    limits = []
    for cores in (os.cpu_count(), 1):
        with ThreadPoolExecutor(cores) as pool:
            decoding = statistics.median(_timed(lambda: list(pool.map(decode_all, chunks))) for _ in range(3))
            inference = statistics.median(_timed(lambda: list(pool.map(infer, batches))) for _ in range(3))
        limits.append(max(decoding, inference) + start_up)
    return limits


_START_UP = (
    "import gc, typer, cv2, batch_eval.api; from batch_eval.models import open_model; "
    "open_model({model!r}, threads=1); gc.freeze()"
)


def _timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _digits(data: Path, temporary: Path, count: int) -> Path:
    """Write MNIST test images as PNG files in class folders."""
    folder = _class_folders(temporary / f"digits-{count}")
    with np.load(data / "mnist.npz") as mnist:
        images, labels = mnist["x_test"][:count], mnist["y_test"][:count]
    for i, (image, label) in enumerate(zip(images, labels, strict=True)):
        cv2.imwrite(str(folder / str(label) / f"{i}.png"), image)
    return folder


def _photos(data: Path, temporary: Path, count: int) -> Path:
    """Copy the full-resolution photos, each several times, into class folders."""
    folder = _class_folders(temporary / "photos")
    with open(data / "fullres" / "labels.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    for i in range(count):
        row = rows[i % len(rows)]
        shutil.copyfile(data / "fullres" / row["filename"], folder / row["label"] / f"{i}.jpg")
    return folder


def _class_folders(folder: Path) -> Path:
    """Make a folder for every digit: Keras insists on all of them, even when one has no image."""
    for digit in range(10):
        (folder / str(digit)).mkdir(parents=True)
    return folder


def _copies(folder: Path, temporary: Path, times: int) -> Path:
    """Copy a folder of images several times over."""
    target = temporary / "copies"
    for path in folder.rglob("*.png"):
        (target / path.parent.name).mkdir(parents=True, exist_ok=True)
        for i in range(times):
            shutil.copyfile(path, target / path.parent.name / f"{path.stem}-{i}.png")
    return target


if __name__ == "__main__":
    main()
