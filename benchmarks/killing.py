"""Programs that kill themselves before they call certain functions once more: a fault at every point in turn."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from typing import Any

COUNTED = """
import os, pkgutil, signal, sys
left = int(sys.argv.pop(1))
def counted(function):
    def call(*arguments, **options):
        global left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*arguments, **options)
    return call
for name in sys.argv.pop(1).split():
    owner, _, attribute = name.rpartition(".")
    owner = pkgutil.resolve_name(owner)
    setattr(owner, attribute, counted(getattr(owner, attribute)))
"""
COMMAND_LINE = "from batch_eval.cli import main; main()"
"""A program that is `batch-eval`."""


def killed(
    calls: int, functions: Sequence[str], *arguments: object, program: str = COMMAND_LINE, **options: Any
) -> int:
    """Run a program with arguments and return its exit code.

    It is killed when it calls one of the functions, named like ``os.rename``, after as many calls. Options are those of
    `subprocess.run`.
    """
    command = [sys.executable, "-c", COUNTED + program, str(calls), " ".join(functions), *map(str, arguments)]
    return subprocess.run(command, check=False, capture_output=True, **options).returncode
