"""The commands of ``batch-eval``, one module each; no logic lives here."""

from __future__ import annotations

import gc
import io
import os
import signal
import sys
from contextlib import suppress
from types import FrameType

from batch_eval.errors import BatchEvalError, ConfigError, ExitCode

ALLOCATIONS = 100_000
"""Allocations between two garbage collections; Python's default is 700."""
STOPPED = "Stopped."
"""The message after Ctrl-C."""


def main() -> None:
    """Run the command line and exit. User errors are one message; bugs show a traceback with --debug."""
    code: int | str | None = ExitCode.OK
    _open_closed_output()
    if isinstance(sys.stdout, io.TextIOWrapper):  # which it is; type checkers cannot know
        sys.stdout.reconfigure(errors="backslashreplace")  # as stderr has it; documents are written as bytes
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # else numpy's BLAS starts threads, which spin and find no work
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # nohup and shells have it ignored
        signal.signal(signal.SIGINT, _interrupted)
    gc.set_threshold(ALLOCATIONS)  # what importing makes is no garbage, and looking at it again and again takes time
    try:
        code = _run([argument for argument in sys.argv[1:] if argument != "--debug"])  # it may stand anywhere
        sys.stdout.flush()
    except BatchEvalError as error:
        print(f"Error: {error}", file=sys.stderr)  # noqa: T201 - the last word, when rich may be the one that failed
        code = ExitCode.USER_ERROR
    except KeyboardInterrupt:
        print(STOPPED, file=sys.stderr)  # noqa: T201 - as above
        code = ExitCode.INTERRUPTED
    except BrokenPipeError:  # whoever read our stdout has closed it, as `head` does: not an error
        _end_output()
    except Exception as error:
        if "--debug" in sys.argv[1:]:
            raise
        code, message = _unexpected(error)
        print(message, file=sys.stderr)  # noqa: T201 - as above
        _end_output()
    gc.freeze()  # else Python, as it ends, looks for garbage in all that was imported, for a tenth of a second
    sys.exit(code)


def _unexpected(error: Exception) -> tuple[ExitCode, str]:
    """Return the exit code and message of an unexpected error. What the system refuses is no bug."""
    if isinstance(error, OSError):
        return ExitCode.USER_ERROR, (
            f"Error: the system refused: {error}. Look whether the disk is full, and whether what it names exists and "
            "may be used; --debug shows where it happened."
        )
    return ExitCode.BUG, (
        f"This is a bug in batch_eval: {type(error).__name__}: {error}\n"
        "Run the same command with --debug for the traceback, and please report it."
    )


def _open_closed_output() -> None:
    """Send output to the null device where a parent has closed our stdout or stderr."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            nowhere = open(os.devnull, "w", encoding="utf-8", errors="backslashreplace")  # noqa: SIM115 - kept open
            setattr(sys, name, nowhere)


def _end_output() -> None:
    """Flush stdout if it still works, then drop its output, or Python would fail again as it exits."""
    with suppress(OSError):
        sys.stdout.flush()
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _interrupted(_signal: int, frame: FrameType | None) -> None:
    """Raise KeyboardInterrupt on Ctrl-C; during an import, exit at once.

    An exception would get lost there. Some libraries turn it into an ImportError. In code that a dataclass generates,
    Python ends by the signal, without an exit code. Half-written files are removed.
    """
    while frame:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            try:
                if output := sys.modules.get("batch_eval.publishing"):
                    output.discard_begun()
                os.write(2, f"{STOPPED}\n".encode())  # sys.stderr may be in the middle of a line of its own
            finally:
                os._exit(ExitCode.INTERRUPTED)
        frame = frame.f_back
    raise KeyboardInterrupt


def _run(arguments: list[str]) -> int | str | None:
    """Run a command and return its exit code."""
    try:
        os.getcwd()
    except FileNotFoundError:
        raise ConfigError("the folder that this was started in no longer exists. Change to one that does.") from None
    from batch_eval.cli.app import app

    try:
        app(arguments, prog_name="batch-eval")
    except SystemExit as leaving:
        if isinstance(leaving.__context__, BrokenPipeError):  # Typer exits with 1, which means a failed gate here
            raise leaving.__context__ from None
        if leaving.code == ExitCode.INTERRUPTED:  # Typer has made this of KeyboardInterrupt
            raise KeyboardInterrupt from None
        return leaving.code
    return ExitCode.OK
