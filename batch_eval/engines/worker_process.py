"""One worker process: how it begins, what it is asked and answers, and how it ends."""

from __future__ import annotations

import contextlib
import gc
import os
import pickle
import select
import signal
import subprocess
import sys
import threading
import traceback
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from multiprocessing.connection import Connection, Pipe
from typing import Any

from batch_eval import interrupts

READY = b""
"""A process's first message, before any answer."""
END_SECONDS = 1.0
"""Time in which a process may end by itself."""
_BOOT = (
    "import sys; sys.path[:] = sys.argv[3:]; from batch_eval.engines.worker_process import main; main(*sys.argv[1:3])"
)
_SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


class DiedError(Exception):
    """A worker process has ended before it answered."""


class Process:
    """A worker process, seen from the process that asks it.

    Attributes:
        answers: Where its messages arrive, for `multiprocessing.connection.wait`.
        ready: Whether it has begun: from then on, its death has to do with what it was asked.
        asked: What it was asked and has not answered yet. It works on the first.

    """

    def __init__(
        self, pid: int, requests: Connection, answers: Connection, wait: Callable[[], object] | None = None
    ) -> None:
        self._pid, self._requests, self.answers = pid, requests, answers
        self._wait = wait or partial(os.waitpid, pid, 0)
        self.ready = False
        self.asked: deque[Any] = deque()

    def ask(self, chunk: Any) -> None:
        """Send a chunk. Where the process is dead, the next `receive` says so."""
        self.send(pickle.dumps(chunk, pickle.HIGHEST_PROTOCOL))

    def send(self, pickled: bytes) -> None:
        """Send something that is pickled already."""
        with contextlib.suppress(OSError):
            self._requests.send_bytes(pickled)

    def receive(self) -> tuple[Any, Exception | None] | None:
        """Return the next answer, a result or an error; None for the message that it is ready. Raises DiedError."""
        try:
            message = self.answers.recv_bytes()
        except (EOFError, OSError) as error:
            raise DiedError from error
        if message == READY:
            self.ready = True
            return None
        answer: tuple[Any, Exception | None] = pickle.loads(message)  # noqa: S301 - from our own process
        return answer

    def close(self) -> None:
        """Close the pipes. The process ends when it notices."""
        self._requests.close()
        self.answers.close()

    def end(self) -> None:
        """End the process, whatever it is doing, and wait for that."""
        self._requests.close()
        with contextlib.suppress(EOFError, OSError):  # it has ended
            while self.answers.poll(END_SECONDS):
                self.answers.recv_bytes()
        self.answers.close()
        with contextlib.suppress(ProcessLookupError, ChildProcessError):  # someone else has waited for it
            os.kill(self._pid, signal.SIGKILL)
            self._wait()


def fork(work: Callable[[Any], Any], others: Iterable[Process]) -> Process:
    """Return a copy of this process that does ``work``; raises OSError.

    ``others`` are the copies that there are already.
    """
    requested, requests = Pipe(duplex=False)
    answers, answered = Pipe(duplex=False)
    with _signals_blocked():
        pid = _fork()
        if pid == 0:
            try:
                for other in others:  # whoever holds these pipes keeps the others from noticing our parent's end
                    other.close()
                requests.close()
                answers.close()
                _leave_signals_to_parent()
                answer_requests(work, requested, answered)
            finally:
                os._exit(1)  # never back into the parent's program
    requested.close()
    answered.close()
    return Process(pid, requests, answers)


def start() -> Process:
    """Return a new Python process, which waits for its work, pickled; raises OSError.

    It never imports the caller's program: a script without a guard would run again, and start processes itself.
    """
    requested, requests = Pipe(duplex=False)
    answers, answered = Pipe(duplex=False)
    ends = requested.fileno(), answered.fileno()
    popen = subprocess.Popen(  # noqa: S603 - this Python, with our own arguments
        [sys.executable, "-c", _BOOT, *map(str, ends), *(path or os.getcwd() for path in sys.path)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},
        pass_fds=ends,
        start_new_session=True,  # Ctrl-C reaches the parent alone, which then ends this process
    )
    requested.close()
    answered.close()
    return Process(popen.pid, requests, answers, popen.wait)


def main(requested: str, answered: str) -> None:
    """Be a process that was started: get the work, and do it."""
    requests, answers = Connection(int(requested)), Connection(int(answered))
    try:
        work = pickle.loads(requests.recv_bytes())  # noqa: S301 - from our own process
    except Exception:  # noqa: BLE001 - a class of a program that only the parent has; its threads do the work then
        os._exit(1)
    answer_requests(work, requests, answers)


def answer_requests(work: Callable[[Any], Any], requests: Connection, answers: Connection) -> None:
    """Do what is asked, until nobody asks any more."""
    gc.freeze()  # a collection would write to shared pages and so copy them
    threading.Thread(target=_end_with_parent, args=(requests.fileno(),), daemon=True).start()
    answers.send_bytes(READY)
    while True:
        try:
            chunk = pickle.loads(requests.recv_bytes())  # noqa: S301 - from our own process
        except EOFError:
            threading.Event().wait()  # the thread ends this process
        answers.send_bytes(_answer(work, chunk))


def _answer(work: Callable[[Any], Any], chunk: Any) -> bytes:
    """Return a result or an error, pickled."""
    try:
        answer: tuple[Any, Exception | None] = work(chunk), None
    except MemoryError:
        os._exit(1)  # a fresh process with fewer images may have enough
    except Exception as error:  # noqa: BLE001 - the parent raises it
        error.add_note(f"In a worker process:\n{traceback.format_exc()}")  # which --debug shows
        answer = None, error
    return pickle.dumps(answer, pickle.HIGHEST_PROTOCOL)


def _end_with_parent(requests: int) -> None:
    """Wait until nobody holds the pipe's other end: the parent has ended, or ends this process."""
    # a worker that is in the middle of a chunk would notice only when it is done
    closed = select.poll()
    closed.register(requests, 0)  # an end that is closed is reported without being asked for
    closed.poll()
    interrupts.discard()
    os._exit(0)  # sys.exit would end this thread only


@contextmanager
def _signals_blocked() -> Iterator[None]:
    """Let signals wait: a copy would handle them as this process does."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _leave_signals_to_parent() -> None:
    """Ignore Ctrl-C, which reaches all processes of a terminal: the parent ends this one. Others end it at once."""
    interrupts.forget()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for number in _SIGNALS:
        if callable(signal.getsignal(number)):
            signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)


def _fork() -> int:
    with warnings.catch_warnings():
        # Python warns of any thread. Those that there may be are Python's own, which hold no lock that a copy needs.
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()
