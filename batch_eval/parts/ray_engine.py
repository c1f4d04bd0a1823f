"""Evaluate parts on a Ray cluster, or on a Ray of this machine: each part is a task of one core.

Workers get the work once, and check it before their first part. Ray runs a task again whose worker or node was lost.
The files are those of a local run, to the byte.
"""

from __future__ import annotations

import logging
import os
import pickle
import signal
import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from importlib.metadata import version
from importlib.util import find_spec
from itertools import islice
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from batch_eval import __version__
from batch_eval.cores import available_cores
from batch_eval.engines.local import Part
from batch_eval.errors import ConfigError, WorkerError
from batch_eval.installation import missing
from batch_eval.parts.running import PartFiles, PartWork
from batch_eval.progress import Progress

RETRIES = 3
"""How often Ray runs a part again whose worker or node was lost."""
AHEAD = 2
"""Parts per core that Ray has at once. The next one waits, so that no core does."""
OBJECTS_BYTES = 512 << 20
"""Memory of a Ray of this machine for the work and for finished parts."""
ADDRESS = "RAY_ADDRESS"
"""Variable with the address of the cluster."""
ANSWER_SECONDS = 5
"""Time in which a cluster must answer. Ray itself tries for minutes."""
SETTINGS = {"RAY_worker_niceness": "0", "RAY_task_oom_retries": str(RETRIES), "RAY_USAGE_STATS_ENABLED": "0"}
"""Ray's own choices are the lowest priority but four, retries for ever where memory runs out, and a report home."""


@dataclass(frozen=True, slots=True)
class Shipment:
    """What workers get once.

    ``content`` is the pickled `PartWork`, ``digest`` its SHA-256. ``versions`` must be those of the worker, and
    ``paths`` must exist there: those of the set, none for a bucket. Relative paths start from ``folder``.
    """

    digest: str
    versions: tuple[tuple[str, str], ...]
    paths: tuple[str, ...]
    folder: str
    content: NDArray[np.uint8] = field(compare=False, repr=False)  # Ray's workers share an array's memory

    @classmethod
    def of(cls, work: PartWork) -> Shipment:
        """Pack the work. Raises ConfigError for a set that cannot be sent, such as an open archive."""
        dataset = work.task.dataset
        try:
            content = pickle.dumps(work, pickle.HIGHEST_PROTOCOL)
        except (pickle.PicklingError, TypeError, AttributeError) as error:
            raise ConfigError(
                f"{dataset.name} cannot be sent to Ray's workers ({error}). Unpack it into a folder that all nodes "
                "share, or use --engine local."
            ) from error
        paths = tuple(path for path in dataset.source.roots if os.path.exists(path))
        packed = np.frombuffer(content, np.uint8)
        return cls(sha256(content).hexdigest(), versions(), paths, os.getcwd(), packed)

    def opened(self) -> PartWork:
        """Return the work. Raises ConfigError where this machine cannot do it as the one that sent it would."""
        host = f"the Ray worker on {socket.gethostname()}"
        for (name, theirs), (_, own) in zip(self.versions, versions(), strict=True):
            if theirs != own:
                raise ConfigError(
                    f"{host} has {name} {own}, and the machine that started the run {theirs}. Install the same "
                    "versions on all of them."
                )
        for path in self.paths:
            if not os.path.exists(path):
                raise ConfigError(
                    f"{host} cannot see {path}. Put the images on a file system that all nodes share, or into a bucket."
                )
        if sha256(self.content.data).hexdigest() != self.digest:
            raise ConfigError(f"the work did not arrive whole: {host} got something else. Run again with --resume.")
        if os.path.isdir(self.folder):
            os.chdir(self.folder)
        work: PartWork = pickle.loads(self.content.data)  # noqa: S301 - from the machine that started the run
        if work.task.preprocessor.settings_sha256 != work.job.provenance.preprocess_sha256:
            raise ConfigError(
                f"{host} has another recipe {work.task.preprocessor}. Install the same code on all nodes."
            )
        return work


_opened = lru_cache(maxsize=1)(Shipment.opened)  # once in each worker


def versions() -> tuple[tuple[str, str], ...]:
    """Return the versions of what decides about pixels and probabilities."""
    return (
        ("batch_eval", __version__),
        ("OpenCV", cv2.__version__),
        ("NumPy", np.__version__),
        ("ONNX Runtime", version("onnxruntime")),
    )


def run_part(shipment: Shipment, part: Part, *, apart: bool = False) -> PartFiles:
    """Evaluate a part in a worker of Ray. With ``apart``, processes of its own read the images and may die."""
    (files,) = _opened(shipment).evaluate([part], len(part.rows), jobs=1, apart=apart)
    return files


def check_installed() -> None:
    """Raise ConfigError where Ray is not installed."""
    if not find_spec("ray"):
        raise ConfigError(f"--engine ray needs Ray. {missing('ray', 'ray')}")


def evaluate(
    work: PartWork, parts: Iterable[Part], _count: int, /, *, jobs: int | None = None, progress: Progress | None = None
) -> Iterator[PartFiles]:
    """Evaluate parts on the Ray of RAY_ADDRESS, or on one of ``jobs`` cores of this machine: an `Engine`.

    Raises ConfigError where Ray does not answer or a worker differs, WorkerError where a part is lost again and again,
    and what evaluating raises.
    """
    with _connected(jobs) as ray:
        shipment = ray.put(Shipment.of(work))
        task = ray.remote(num_cpus=1, max_retries=RETRIES)(run_part)
        remaining = iter(parts)
        pending: dict[Any, tuple[Part, bool]] = {}
        try:
            while True:
                # asked again and again, as a cluster grows and shrinks
                most = AHEAD * max(1, int(ray.cluster_resources().get("CPU", 1)))
                for part in islice(remaining, max(0, most - len(pending))):
                    pending[task.remote(shipment, part)] = part, False
                if not pending:
                    return
                (done,), _ = ray.wait(list(pending))
                part, apart = pending.pop(done)
                files = _result(ray, done)
                if files is not None:
                    yield files
                    if progress:
                        progress(len(part.rows))
                elif apart:
                    raise WorkerError(
                        f"images {part.rows.start:,} to {part.rows.stop - 1:,} ended Ray's workers again and again, "
                        "perhaps because memory ran out. Index the set with fewer --rows a part, or give the workers "
                        "more memory."
                    )
                else:  # as a local run, which finds the image that does it
                    pending[task.remote(shipment, part, apart=True)] = part, True
        finally:
            for reference in pending:
                ray.cancel(reference, force=True)


def _result(ray: Any, reference: Any) -> PartFiles | None:
    """Return the files of a part. Return None where its workers were lost as often as Ray tries; raises its error."""
    gone = ray.exceptions
    try:
        files: PartFiles = ray.get(reference)
    except gone.RayTaskError as error:
        raise error.cause from error
    except (gone.WorkerCrashedError, gone.NodeDiedError, gone.OutOfMemoryError, gone.ObjectLostError):
        return None
    except gone.RayError as error:
        raise WorkerError(f"Ray gave up: {_first_line(error)}. Run again with --resume.") from error
    return files


@contextmanager
def _connected(jobs: int | None) -> Iterator[Any]:
    """Connect to the cluster of RAY_ADDRESS, or start a Ray on this machine for the time of the run."""
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    import ray

    if ray.is_initialized():  # by the program that calls this
        yield ray
        return
    address = os.environ.get(ADDRESS)
    where: dict[str, Any] = {"address": address}
    if not address:
        cores = jobs or available_cores()
        where = {
            "address": "local",
            "num_cpus": cores,
            "object_store_memory": OBJECTS_BYTES,
            "include_dashboard": False,
        }
    before = signal.getsignal(signal.SIGTERM)
    try:
        _check_answers(address or "")
        ray.init(**where, log_to_driver=False, logging_level=logging.ERROR)
    except Exception as error:  # Ray raises a plain Exception where a node does not start in time
        if address:
            raise ConfigError(
                f"no Ray answers at {ADDRESS}={address}: {_first_line(error)}. Check the address, or unset {ADDRESS} "
                "to use this machine."
            ) from error
        raise WorkerError(
            f"Ray cannot be started: {_first_line(error)}. Try again when this machine has less to do, or leave out "
            "--engine ray: the parts are the same."
        ) from error
    signal.signal(signal.SIGTERM, before)  # Ray's own would leave with another code
    try:
        yield ray
    finally:
        ray.shutdown()


def _check_answers(address: str) -> None:
    """Raise OSError where nothing listens at an address with a port; ``auto`` has none."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if host and port.isdigit():
        socket.create_connection((host.strip("[]"), int(port)), ANSWER_SECONDS).close()


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0].rstrip(".")
