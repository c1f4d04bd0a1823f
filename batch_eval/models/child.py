"""The child process of ``isolation.py``: it opens one model and answers with its outputs."""

from __future__ import annotations

import json
import os
import re
import signal
import site
import sys
import threading
from collections.abc import Callable, Mapping
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from batch_eval.errors import ModelError, UntrustedModelError
from batch_eval.models.budget import OUT_OF_MEMORY
from batch_eval.models.landlock import restrict
from batch_eval.models.runtime import Runtime
from batch_eval.wording import one_line

try:
    import resource
except ImportError:  # Windows has no limits of this kind
    resource = None  # type: ignore[assignment]

_FILE_BYTES = 64 << 20
"""Bytes that a file may grow to beyond the model: temporary files of Keras, and messages."""
_THREAD_BYTES = 16 << 20
"""Bytes for the stack and the buffers of a thread."""
_PATIENCE = 10
"""How many times the limit of time a request may take; the parent ends it earlier."""
_SYSTEM_FILES = (
    *("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/etc/ld.so.cache", "/etc/localtime"),
    *("/proc/cpuinfo", "/proc/meminfo", "/proc/self", "/sys/devices/system", "/sys/fs/cgroup", "/dev/urandom"),
)
"""What libraries read when they are loaded and started."""

_BOLD = re.compile(r"\x1b\[[0-9;]*m")
"""What Keras makes a part of its messages bold with."""
Answer = tuple[dict[str, Any], bytes | memoryview]
Opener = Callable[..., Runtime | bytes]


def main(end: str, options: str) -> None:
    """Open the model that the parent sends, and answer requests until the parent ends."""
    limits = json.loads(options)
    connection = _connection(int(end))
    threading.Thread(target=_end_with_parent, daemon=True).start()
    header, payload = _receive(connection)
    if not header["trusted"]:
        _deny_files(limits["folder"])  # before a runtime starts threads: Landlock holds for those started later
    model = _Model(header, payload, Path(limits["folder"]))
    _send(connection, _reported(model.load))  # the runtime is there: from now on time and memory are the model's
    _receive(connection)
    _limit_memory(limits["memory"], len(payload))
    work = model.open
    while True:
        _die_after(_PATIENCE * limits["seconds"])
        answer = _reported(work)
        _die_after(0)
        _send(connection, answer)
        work = partial(model.run, *_receive(connection))


class _Model:
    """The one model of this process."""

    def __init__(self, header: Mapping[str, Any], payload: bytes, folder: Path) -> None:
        self._kind, self._file, self._settings = header["kind"], Path(header["file"]), header["settings"]
        self._payload, self._folder = payload, folder
        self._open: Opener
        self._opened: Runtime | bytes = b""

    def load(self) -> Answer:
        """Import the runtime."""
        self._open = _opener(self._kind, str(self._file))
        return {}, b""

    def open(self) -> Answer:
        """Open the model and describe it."""
        self._opened = self._open(self._payload, self._file, folder=self._folder, **self._settings)
        self._payload = b""
        if isinstance(self._opened, bytes):
            return {}, b""
        names = ("name", "input_shape", "activation", "pixel_range", "batch", "notes")
        return {name: getattr(self._opened, name) for name in names}, b""

    def run(self, header: Mapping[str, Any], payload: bytes) -> Answer:
        """Return the outputs for a batch, or the file that was made."""
        if isinstance(self._opened, bytes):
            return {}, self._opened
        batch = np.frombuffer(payload, np.float32).reshape(header["shape"])
        outputs = np.ascontiguousarray(self._opened.run(batch), np.float32)
        return {"shape": outputs.shape}, outputs.data.cast("B")


def _reported(work: Callable[[], Answer]) -> Answer:
    """Return an answer; an exception becomes one."""
    try:
        return work()
    except Exception as error:  # noqa: BLE001 - runtimes raise exceptions of any class; the parent raises a ModelError
        kinds: dict[type[Exception], str] = {UntrustedModelError: "untrusted", ModelError: "model"}
        kind = "memory" if any(words in f"{type(error)}{error}" for words in OUT_OF_MEMORY) else kinds.get(type(error))
        text = one_line(_BOLD.sub("", str(error)))
        return {"error": text or type(error).__name__, "kind": kind}, b""


def _deny_files(folder: str) -> None:
    """Deny this process the network, and all files but those of Python and of its own folder."""
    own = (sys.prefix, sys.base_prefix, *site.getsitepackages(), str(Path(__file__).parents[1]))
    # the folder in which the program was started is there too after `python -m`; no module of ours needs it
    modules = (path for path in sys.path if Path(path) != Path.cwd())
    restrict(read=(*own, *modules, *_SYSTEM_FILES), write=(folder, os.devnull))


def _limit_memory(memory: int, size: int) -> None:
    """Limit this process's memory, and the size of its files."""
    if resource is None:
        return
    # TensorFlow alone takes more than half a gigabyte: at least half of the limit is for the model
    base = _data_bytes() + 2 * (os.cpu_count() or 1) * _THREAD_BYTES
    data = max(memory, base + memory // 2)
    for kind, limit in (("DATA", data), ("FSIZE", size + _FILE_BYTES), ("CORE", 0)):
        number = getattr(resource, f"RLIMIT_{kind}")
        _, hard = resource.getrlimit(number)
        lower = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        resource.setrlimit(number, (lower, lower))


def _data_bytes() -> int:
    """Return the private memory that this process has already, 0 if unknown. RLIMIT_DATA counts it too."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) << 10 for line in status.splitlines() if line.startswith("VmData:")), 0)


def _die_after(seconds: float) -> None:
    """Let the kernel end this process, should its parent be gone. 0 cancels that.

    It helps where native code never returns.
    """
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, seconds)


def _connection(end: int) -> Connection:
    if os.name == "nt":
        from multiprocessing.connection import PipeConnection  # type: ignore[attr-defined,unused-ignore]

        return PipeConnection(end)  # type: ignore[no-any-return,unused-ignore]
    return Connection(end)


def _end_with_parent() -> None:
    """Wait for the end of stdin: the parent has ended, however that happened."""
    sys.stdin.buffer.read()
    os._exit(1)


def _receive(connection: Connection) -> tuple[dict[str, Any], bytes]:
    try:
        header: dict[str, Any] = json.loads(connection.recv_bytes())
        return header, connection.recv_bytes()
    except (EOFError, OSError):
        os._exit(0)


def _send(connection: Connection, answer: Answer) -> None:
    connection.send_bytes(json.dumps(answer[0]).encode())
    connection.send_bytes(answer[1])


def _opener(kind: str, file: str) -> Opener:
    """Return the function that opens a kind of model, with the runtime that the file needs imported."""
    if kind == "onnx":
        from batch_eval.models.onnx_runtime import import_onnxruntime, load_onnx

        import_onnxruntime()
        return load_onnx
    if kind == "layers":
        from batch_eval.models.onnx_runtime import import_onnxruntime, load_layers

        import_onnxruntime()
        return load_layers
    if kind == "tflite":
        from batch_eval.models.tflite_runtime import import_interpreter, load_tflite

        import_interpreter(file)
        return load_tflite
    if kind == "hdf5":
        from batch_eval.models.hdf5_writing import rewritten

        return rewritten
    from batch_eval.models import tensorflow_runtime

    tensorflow_runtime.import_keras(file)
    return tensorflow_runtime.load_keras if kind == "keras" else tensorflow_runtime.load_saved_model
