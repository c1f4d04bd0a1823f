"""Time what starting worker processes costs, and what it gains.

``python benchmarks/workers.py FOLDER`` reads a folder of small images in turns by threads and by started processes, as
`evaluate()` does where forking is unsafe. It prints images a second, and how long it takes to the second chunk.
"""

from __future__ import annotations

import sys
import threading
import time
from statistics import median

from batch_eval.api import open_task
from batch_eval.engines import local
from batch_eval.engines.local import Task

ROUNDS = 5


def main(folder: str) -> None:
    """Print the medians of some rounds."""
    task = open_task(folder)
    done = threading.Event()
    threading.Thread(target=done.wait, daemon=True).start()  # as libraries have them: forking is unsafe
    images = len(task.dataset.samples)
    rounds = [(seconds(task, processes=False), seconds(task, processes=True)) for _ in range(ROUNDS)]
    for name, column in zip(("threads", "started processes"), zip(*rounds, strict=True), strict=True):
        rate = images / median(total for total, _ in column)
        print(f"{name}: {rate:,.0f} images/s, second chunk after {median(second for _, second in column):.2f} s")
    done.set()


def seconds(task: Task, *, processes: bool) -> tuple[float, float]:
    """Return the seconds of a run, and those until its second chunk was there: the first is read before the start."""
    local.STARTING_SECONDS = 0 if processes else float("inf")
    arrivals: list[float] = []
    start = time.perf_counter()
    local.run(task, progress=lambda _: arrivals.append(time.perf_counter() - start))
    return arrivals[-1], arrivals[1]


if __name__ == "__main__":
    main(sys.argv[1])
