"""The command on a set whose images do something to the worker that reads them: kill it, or let it wait."""

import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import batch_eval.dataset
from batch_eval.cli import main
from batch_eval.dataset.sources.folder import Folder
from batch_eval.parts.ray_engine import SETTINGS

Fault = Callable[[], None]
BLOCK = 128 << 20
MOST_BLOCKS = 64


@dataclass(frozen=True)
class Faulty:
    """A folder with something that happens before an image is read, by the image's file."""

    inner: Folder
    faults: Mapping[str, Fault]

    images = others = notes = ()
    labels = None

    @property
    def name(self):
        return self.inner.name

    @property
    def roots(self):
        return self.inner.roots

    def size(self, file):
        return self.inner.size(file)

    def read(self, file):
        self.faults.get(file, nothing)()
        return self.inner.read(file)


def nothing() -> None:
    pass


def once(mark: Path, fault: Fault) -> Fault:
    """Return a fault that happens the first time only, and leaves a mark."""
    return partial(_once, mark, fault)


def _once(mark: Path, fault: Fault) -> None:
    try:
        mark.touch(exist_ok=False)
    except FileExistsError:
        return
    fault()


def kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def fill_memory() -> None:
    """Take memory until somebody ends the process."""
    taken = [b"x" * BLOCK for _ in range(MOST_BLOCKS)]
    raise AssertionError(f"nobody has ended the process, which has {len(taken)} blocks")


def wait(pipe: Path) -> Fault:
    """Return a fault that never ends. The pipe gets the numbers of the node's process and of the worker."""
    return partial(_wait, pipe)


def _wait(pipe: Path) -> None:
    pipe.write_text(f"{os.getppid()} {os.getpid()}")
    threading.Event().wait()


def tell_niceness(file: Path) -> Fault:
    return partial(_tell_niceness, file)


def _tell_niceness(file: Path) -> None:
    file.write_text(str(os.nice(0)))


def run(faults: Mapping[str, Fault], *arguments: str) -> None:
    """Run the command on a folder with faults."""
    load = batch_eval.dataset.load_dataset

    def faulty(*arguments, **options):
        dataset = load(*arguments, **options)
        return replace(dataset, source=Faulty(dataset.source, faults))

    batch_eval.dataset.load_dataset = faulty
    sys.argv[1:] = arguments
    main()


def run_on_cluster(faults: Mapping[str, Fault], *arguments: str) -> None:
    """Run the command on a cluster that others started, at RAY_ADDRESS."""
    from ray.cluster_utils import Cluster

    os.environ |= SETTINGS
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 2})
    os.environ["RAY_ADDRESS"] = cluster.address
    try:
        run(faults, *arguments)
    finally:
        cluster.shutdown()


def lose(pipe: Path) -> None:
    """Kill the processes that the pipe tells, as a machine that is switched off ends all of its own."""
    for number in pipe.read_text().split():
        os.kill(int(number), signal.SIGKILL)


def run_and_lose_a_node(faults: Mapping[str, Fault], pipe: Path, *arguments: str) -> None:
    """Run the command on two nodes, one of which is lost while it reads an image."""
    import ray
    from ray.cluster_utils import Cluster

    os.environ |= SETTINGS
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
    ray.init(cluster.address)  # while there is no other node: this program must not be on the lost one
    for _ in range(2):
        cluster.add_node(wait=False, num_cpus=1)
    thread = threading.Thread(target=lose, args=(pipe,))
    thread.start()
    try:
        run(faults, *arguments)
    finally:
        thread.join()
        ray.shutdown()
        cluster.shutdown()
