"""What the rows of `hostile.py` have in common."""

from __future__ import annotations

import os
import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[1]
SAMPLES = ROOT / "sample_images"
SECONDS = 20
"""Time of the processor that a command may take, with its child processes. The clock says little on a busy machine."""
MEGABYTES = 2000
"""Memory that a process may take."""
CHARACTERS = 1000
"""Length of a message."""
PATIENCE = 6
"""How many times ``SECONDS`` may pass by the clock while a program does nothing at all."""
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\x80-\x9f\u202a-\u202e\u2066-\u2069]")
KINDS = ("signal", "hang", "uncaught", "memory", "unnamed", "message", "lost", "mixed")
"""Ways to fail: ended by a signal, too slow, an unexpected exception, too much memory, a message that does not name the
file, one that is unprintable or too long, rows that are missing, and a folder with files of two runs."""


@dataclass(frozen=True)
class Settings:
    """What the command line says."""

    seeds: Path | None
    count: int | None
    first: int
    jobs: int
    before: Path | None
    verbose: bool
    files: Path | None


@dataclass(frozen=True)
class Row:
    """A row of the table."""

    inputs: str
    count: int
    failures: Counter[str]
    command: str
    outcomes: Counter[str] = field(default_factory=Counter)
    value: str = ""
    """What was measured, where it is no count of failures."""


def environment_path(tree: Path = ROOT) -> str:
    """Return where Python looks for modules: first in a tree of sources."""
    return os.pathsep.join(filter(None, (str(tree), os.environ.get("PYTHONPATH"))))
