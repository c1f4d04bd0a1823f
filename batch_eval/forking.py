"""Whether this process can be forked, and functions that run in a fork."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, TypeVar

from batch_eval import interrupts

Result = TypeVar("Result")


def can_fork() -> bool:
    """Whether forking is safe."""
    # Only the forking thread lives on in the child, so there must be no other, but for the one that waits for signals.
    # Linux lists them in /proc.
    try:
        return len(os.listdir("/proc/self/task")) == 1 + interrupts.watching()
    except OSError:  # not Linux
        return False


def apart(function: Callable[..., Result], *arguments: Any) -> Result:
    """Return what a function returns in a forked process, so that what it imports starts no thread in this one.

    Where forking is unsafe, the function is called here. Arguments and result are pickled. Raises what it raises.
    """
    if not can_fork():
        return function(*arguments)
    import multiprocessing

    receiver, sender = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("fork").Process(target=_answer, args=(sender, function, arguments))
    process.start()
    sender.close()
    try:
        result, error = receiver.recv()
    except EOFError:  # it was killed, perhaps because memory ran out
        result, error = function(*arguments), None
    finally:
        receiver.close()
        process.join()
    if error is not None:
        raise error
    found: Result = result
    return found


def _answer(sender: Any, function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    interrupts.forget()
    try:
        answer: tuple[Any, Exception | None] = function(*arguments), None
    except Exception as error:  # noqa: BLE001 - the parent raises it
        answer = None, error
    sender.send(answer)
