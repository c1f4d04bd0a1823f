"""Whatever goes wrong in opening or running a model becomes one ModelError: one line that names the file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from batch_eval.errors import BatchEvalError, ModelError
from batch_eval.wording import one_line, printable

_MAX_NAME = 300
"""Most characters of a path in a message. Of a longer one, only the file's name is given."""
_MAX_MESSAGE = 900
"""Characters of a message, which leaves a hundred for what stands before it."""


@contextmanager
def model_errors(file: Path) -> Iterator[None]:
    """Turn every exception into a ModelError of one printable line that names the file.

    A file may make our own code, or that of a runtime, fail in any way. What is not foreseen is an error of the file
    all the same; ``--debug`` shows where it happened.
    """
    try:
        yield
    except ModelError as error:
        message = _named(str(error), file)
        if message == str(error):
            raise
        raise type(error)(message) from error
    except BatchEvalError:
        raise
    except MemoryError as error:
        raise ModelError(
            _named("there is not enough memory for the model. Close other programs, or use a smaller model.", file)
        ) from error
    except Exception as error:
        reason = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        raise ModelError(
            _named(
                f"the model cannot be used, for a reason that was not foreseen ({one_line(reason, 300)}). "
                "It may be damaged: copy or save it again.",
                file,
            )
        ) from error


def _named(message: str, file: Path) -> str:
    """Return a message as one line that names the file."""
    name = printable(str(file))
    if len(name) > _MAX_NAME:
        name = printable(file.name)[-_MAX_NAME:]
    line = one_line(message, _MAX_MESSAGE)
    if file.name and printable(file.name) in line:
        return line
    return one_line(f"{name}: {line}", _MAX_MESSAGE)
