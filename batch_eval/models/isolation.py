"""Run a model in a child process, where it can neither harm this one nor the machine.

Models that our own reader converts are safe: nothing of the file but numbers reaches a runtime. ONNX and TensorFlow
Lite files and the rest of Keras' go to the parsers and interpreters of others. Some of these loop for ever, take all
memory, crash, or read and write files, if a file is made for it. So they run in a fresh Python process:

- The kernel limits its memory. This process limits its time.
- On Linux, Landlock (``landlock.py``) denies it all files but those of Python, and the network.
- What it prints goes nowhere. When it dies, that is one ModelError.

Nothing that it sends is executed: it answers in JSON and in numbers.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import weakref
from collections.abc import Mapping
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from threading import Lock
from typing import IO, Any

import numpy as np

from batch_eval import interrupts
from batch_eval.errors import ModelError, ModelProcessError, UntrustedModelError
from batch_eval.models.budget import GIGABYTE, OUT_OF_MEMORY, Limits
from batch_eval.models.runtime import Batch, Runtime

_START_SECONDS = 120.0
"""Time for starting Python and importing a runtime. TensorFlow takes 2 to 4 s on an idle machine."""
_IDLE_FACTORS = {"onnx": 2, "layers": 2}
"""How much longer than the limit a child may take that computes less than that: others may use the cores. ONNX Runtime
opens a usual model in a twentieth of the limit, and a loop without end in it must end soon on a busy machine too."""
_IDLE_FACTOR = 6
"""The same for other runtimes, which take longer."""
_POLL_SECONDS = 0.2
"""Time between two looks at the clock."""
_MAX_HEADER = 1 << 20
"""Bytes of an answer's JSON."""
_BOOT = "import sys; sys.path[:] = sys.argv[3:]; from batch_eval.models.child import main; main(*sys.argv[1:3])"


@dataclass(frozen=True)
class Job:
    """What a child opens."""

    kind: str
    """``onnx``, ``layers``, ``tflite``, ``keras``, ``saved_model`` or ``hdf5``."""
    payload: bytes
    """The checked file."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Arguments of the opener, which JSON can hold."""
    trusted: bool = False
    """Whether it may use files and the network: ``--trust-model``."""


def open_isolated(job: Job, file: Path, limits: Limits, *, notes: tuple[str, ...] = ()) -> Runtime:
    """Open a model in a child process.

    Raises:
        ModelError: The child cannot open it, died, or took too much memory or time.

    """
    child = _Child(job, file, limits)
    found = child.description
    return Runtime(
        str(found["name"]),
        child.run,
        tuple(int(size) for size in found["input_shape"]),
        str(found["activation"]),
        found["pixel_range"],
        found["batch"],
        (*map(str, found["notes"]), *notes),
        one_process=job.kind not in ("onnx", "layers"),
        clock=child.clock,
        seconds=limits.seconds,
    )


def plain_hdf5(data: bytes, file: Path, limits: Limits) -> bytes:
    """Return an HDF5 file rewritten as ``hdf5_file.py`` reads it, by HDF5's library in a child process.

    Raises:
        ModelError: The file is damaged, refers to other files, or takes too much memory or time.

    """
    child = _Child(Job("hdf5", data), file, limits)
    try:
        return child.ask({}, b"")[1]
    finally:
        child.stop()


class _Child:
    """A child process with an opened model. It is started again where it died, and in forked processes."""

    def __init__(self, job: Job, file: Path, limits: Limits) -> None:
        self._job, self._file, self._limits = job, file, limits
        self._lock = Lock()
        self._owner = 0
        self.description: dict[str, Any] = {}
        self.taken = 0.0
        """Seconds that it took for all requests; time that it waited for other processes' work does not count."""
        self._start()

    def run(self, batch: Batch) -> Batch:
        """Return the outputs for a batch of inputs. Threads may share a child; they take turns."""
        with self._lock:
            if self._owner != os.getpid():
                self._start()
            header, content = self.ask({"shape": batch.shape}, np.ascontiguousarray(batch, np.float32).data)
            return np.frombuffer(content, np.float32).reshape(header["shape"])

    def __reduce__(self) -> tuple[type[_Child], tuple[Job, Path, Limits]]:
        """Return what pickle makes it of: another child."""
        return _Child, (self._job, self._file, self._limits)

    def clock(self) -> float:
        """Return the seconds that it took so far."""
        return self.taken

    def _start(self) -> None:
        """Start a process and let it open the model."""
        self._connection, theirs = Pipe()
        folder = tempfile.mkdtemp(prefix="batch_eval-")
        interrupts.keep_track(folder)
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `stop`
        self._process = _popen(theirs, self._limits, folder, self._errors)
        theirs.close()
        self._owner = os.getpid()
        self._stop = weakref.finalize(self, _stop, self._owner, self._process, self._connection, folder, self._errors)
        job = self._job
        header = {"kind": job.kind, "settings": job.settings, "trusted": job.trusted, "file": str(self._file)}
        self._answer(header, job.payload, _START_SECONDS, "start")
        self.description, _ = self._answer({}, b"", self._limits.seconds, "open the model")

    def ask(self, header: Mapping[str, Any], payload: bytes | memoryview) -> tuple[dict[str, Any], bytes]:
        """Send a request to the opened model and return the answer."""
        return self._answer(header, payload, self._limits.seconds, "read a few images")

    def stop(self) -> None:
        """End the process."""
        self._stop()
        self._owner = 0

    def _answer(
        self, header: Mapping[str, Any], payload: bytes | memoryview, seconds: float, task: str
    ) -> tuple[dict[str, Any], bytes]:
        """Send a message, and return the answer; on any failure the process is ended."""
        try:
            self._connection.send_bytes(json.dumps(header).encode())
            self._connection.send_bytes(payload)
            self._wait(seconds, task)
            answer = json.loads(self._connection.recv_bytes(_MAX_HEADER))
            content = self._connection.recv_bytes(self._limits.memory)
        except (EOFError, OSError) as error:
            raise ModelProcessError(self._death()) from error
        except BaseException:
            self.stop()  # a process that is in the middle of an answer cannot be asked again
            raise
        if "error" in answer:
            raise self._error(str(answer["error"]), str(answer["kind"]))
        return answer, content

    def _error(self, text: str, kind: str) -> Exception:
        """Return the exception for an error that the child reports."""
        if kind == "memory":
            return ModelProcessError(self._too_large())
        # what a runtime raises, the classifier reports with the image
        return {"untrusted": UntrustedModelError, "model": ModelError}.get(kind, RuntimeError)(text)

    def _wait(self, seconds: float, task: str) -> None:
        """Wait for an answer; raises ModelError where it takes too long."""
        # A busy machine makes a child slow, an endless loop makes it compute. So its own time counts, where the system
        # tells it. One that neither computes nor answers has a longer time.
        started, before = time.monotonic(), cpu_seconds(self._process.pid)
        while True:
            answered = self._connection.poll(_POLL_SECONDS)
            waited, now = time.monotonic() - started, cpu_seconds(self._process.pid)
            computed = waited if before is None or now is None else min(waited, now - before)
            if answered:
                self.taken += computed
                return
            if computed >= seconds or waited > _IDLE_FACTORS.get(self._job.kind, _IDLE_FACTOR) * seconds:
                raise ModelProcessError(
                    f"{self._file} did not {task} within {seconds:g} s. It may be made to run for ever. "
                    "If you trust it, allow more seconds with --model-timeout."
                )

    def _too_large(self) -> str:
        return (
            f"{self._file} needs more memory than the limit of {self._limits.memory / GIGABYTE:,.4g} GB. It may be "
            "damaged or malicious. If you trust it and have the memory, raise the limit with --model-memory."
        )

    def _death(self) -> str:
        """Return the message for a process that ended, after ending it."""
        try:
            code = self._process.wait(10)
        except subprocess.TimeoutExpired:
            code = 0
        self._errors.seek(max(0, self._errors.seek(0, os.SEEK_END) - 4096))
        last_words = self._errors.read().decode("utf-8", "replace")
        self.stop()
        if any(words in last_words for words in OUT_OF_MEMORY):
            return self._too_large()
        how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        return (
            f"{self._file} made the process that runs it crash ({how}). It is damaged, malicious, or needs more memory "
            f"than {self._limits.memory / GIGABYTE:,.4g} GB. If you trust it, raise that with --model-memory."
        )


def _popen(theirs: Connection, limits: Limits, folder: str, errors: IO[bytes]) -> subprocess.Popen[bytes]:
    """Start the child. Its stdin stays open as long as this process lives, and tells it when to end."""
    end = theirs.fileno()
    options = json.dumps({"memory": limits.memory, "seconds": limits.seconds, "folder": folder})
    command = [sys.executable, "-c", _BOOT, str(end), options, *(path or os.getcwd() for path in sys.path)]
    inherited: dict[str, Any] = {"pass_fds": [end]}
    if os.name == "nt":
        os.set_handle_inheritable(end, True)  # type: ignore[attr-defined,unused-ignore]
        inherited = {"startupinfo": subprocess.STARTUPINFO(lpAttributeList={"handle_list": [end]})}  # type: ignore[attr-defined,unused-ignore]
    # Keras' settings in the home folder must not change a model's results, nor be written
    folders = dict.fromkeys(("TMPDIR", "KERAS_HOME", "MPLCONFIGDIR"), folder)  # Keras imports matplotlib
    environment = folders | {"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3"}
    return subprocess.Popen(  # noqa: S603 - this Python, with our own arguments
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=errors,
        env=os.environ | environment,
        start_new_session=True,  # Ctrl-C reaches this process alone, which then ends the child
        **inherited,
    )


def _stop(
    owner: int,
    process: subprocess.Popen[bytes],
    connection: Connection,
    folder: str,
    errors: IO[bytes],
) -> None:
    """End a child and remove its folder."""
    connection.close()
    errors.close()
    if os.getpid() != owner:  # a forked process has a copy of all this; the child is its parent's
        return
    process.kill()
    process.wait()
    if process.stdin:
        process.stdin.close()
    shutil.rmtree(folder, ignore_errors=True)
    interrupts.lose_track(folder)


def cpu_seconds(process: int) -> float | None:
    """Return the time that all threads of a process have computed; None where the system does not tell it."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
