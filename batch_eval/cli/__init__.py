"""The commands of ``batch-eval``, one module each; no logic lives here."""

from __future__ import annotations

import gc
import os
import select
import signal
import sys
import traceback
from types import FrameType

from batch_eval import interrupts
from batch_eval.errors import BatchEvalError, ConfigError, ExitCode
from batch_eval.streams import make_lenient
from batch_eval.wording import message

ALLOCATIONS = 100_000
"""Allocations between two garbage collections; Python's default is 700."""
STOPPED = "Stopped."
"""The message after Ctrl-C."""
CLEAR_LINE = "\r\x1b[2K\x1b[?25h"
"""Clears the line of a progress bar, and shows the cursor (ECMA-48 EL, DECTCEM)."""

_stderr = 2
"""Where the last message goes.

Once signals are handled it is a copy, as descriptor 2 is silenced while TensorFlow loads."""


def main() -> None:
    """Run the command line and exit. User errors are one message; bugs show a traceback with --debug."""
    make_lenient()
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # else numpy's BLAS starts threads, which spin and find no work
    _handle_signals()
    gc.set_threshold(ALLOCATIONS)  # what importing makes is no garbage, and looking at it again and again takes time
    try:
        code = _run([argument for argument in sys.argv[1:] if argument != "--debug"])  # it may stand anywhere
    except BatchEvalError as error:
        if "--debug" in sys.argv[1:]:
            traceback.print_exception(error)
        code = _said(f"Error: {error}", ExitCode.USER_ERROR)
    except Stopped as stopped:
        code = _said(STOPPED, stopped.code)
    except KeyboardInterrupt:
        code = _said(STOPPED, ExitCode.INTERRUPTED)
    except Exception as error:
        if "--debug" in sys.argv[1:]:
            raise
        code = _said(*_unexpected(error))
    gc.freeze()  # else Python, as it ends, looks for garbage in all that was imported, for a tenth of a second
    sys.exit(code)


def _said(text: str, code: int) -> int:
    """Print a last message without rich, and return the exit code.

    Rich may be what failed.
    """
    print(message(text), file=sys.stderr)  # noqa: T201 - as said
    return code


def _unexpected(error: Exception) -> tuple[str, ExitCode]:
    """Return the message and exit code of an unexpected error. What the system refuses is no bug."""
    if isinstance(error, OSError):
        return (
            f"Error: the system refused: {error}. Check that the disk has space, and that what it names exists and "
            "may be used; --debug shows where it happened."
        ), ExitCode.USER_ERROR
    return (
        f"This is a bug in batch_eval: {type(error).__name__}: {error}\n"
        "Run the same command with --debug for the traceback, and please report it."
    ), ExitCode.BUG


class Stopped(BaseException):
    """SIGTERM or SIGHUP asked the program to end.

    Like Ctrl-C, it unwinds, so half-written files are removed.
    """

    code = ExitCode.TERMINATED


def _handle_signals() -> None:
    """Let Ctrl-C, SIGTERM and SIGHUP end the program through its `finally` clauses, or else soon.

    A signal that was ignored stays so. nohup ignores SIGHUP. Shells ignore SIGINT for background jobs.
    """
    global _stderr  # noqa: PLW0603 - signals are the process's
    _stderr = os.dup(2)
    handled = set()
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):  # Windows has no SIGHUP
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
            signal.signal(number, _interrupted)
            handled.add(int(number))
    interrupts.watch(_end, frozenset(handled))


def _interrupted(number: int, frame: FrameType | None) -> None:
    """Raise KeyboardInterrupt on Ctrl-C, Stopped on other signals; during an import, exit at once.

    An exception would get lost there. Some libraries turn it into an ImportError. In code that a dataclass generates,
    Python ends by the signal, without an exit code.
    """
    # from the interrupted line outwards: an import anywhere among the callers counts
    while frame:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            _end(number)
        frame = frame.f_back
    raise KeyboardInterrupt if number == signal.SIGINT else Stopped


def _end(number: int) -> None:
    """End the process after a signal, without its `finally` clauses. Half-written files are removed."""
    try:
        interrupts.discard()
        # sys.stderr may be in the middle of a line of its own, and the progress bar hides the cursor
        is_terminal = os.isatty(_stderr) and os.environ.get("TERM", "dumb") != "dumb"
        # a reader that is stuck would let the writing wait; Windows can ask that of sockets only
        if os.name == "nt" or select.select([], [_stderr], [], 0)[1]:
            os.write(_stderr, f"{CLEAR_LINE if is_terminal else ''}{STOPPED}\n".encode())
    finally:
        os._exit(ExitCode.INTERRUPTED if number == signal.SIGINT else ExitCode.TERMINATED)


def _run(arguments: list[str]) -> int:
    """Run a command and return its exit code."""
    try:
        os.getcwd()
    except FileNotFoundError:
        raise ConfigError("the folder that this was started in no longer exists. Change to one that does.") from None
    # late: signals are handled by now, and errors of importing become messages
    from batch_eval.cli.app import application

    try:
        application(arguments)(arguments, prog_name="batch-eval")
    except SystemExit as leaving:
        if leaving.code == ExitCode.INTERRUPTED:  # Typer has made this of KeyboardInterrupt
            raise KeyboardInterrupt from None
        return int(leaving.code or 0)
    return ExitCode.OK
