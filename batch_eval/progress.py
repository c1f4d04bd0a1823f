"""Progress of long work: what it calls, and the bar that a notebook shows by itself."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from time import monotonic
from typing import Any, Literal

Progress = Callable[[int], None]
"""Called with the number of images finished since its last call, as `tqdm().update` takes it."""
ProgressOption = Progress | Literal[False] | None
"""None shows a bar in a notebook, and nothing elsewhere. False never shows one."""
PAUSE_SECONDS = 0.1
"""Least time between two updates. Each is a message to the browser."""


@contextmanager
def notebook_progress(progress: ProgressOption, total: int, unit: str = "images") -> Iterator[Progress | None]:
    """Yield the caller's function, else one that advances a bar in a notebook, else None."""
    if progress is None and total and in_notebook():
        bar = NotebookBar(total, unit)
        yield bar.advance
        bar.draw()
    else:
        yield progress or None


def in_notebook() -> bool:
    """Return whether this process is a notebook's kernel. A terminal's IPython has no kernel."""
    # A kernel has imported IPython. Importing it here would cost every script half a second.
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return getattr(shell, "kernel", None) is not None


class NotebookBar:
    """A bar below the running cell. When all is done, it says how long that took."""

    def __init__(self, total: int, unit: str) -> None:
        self._total, self._unit, self._done = total, unit, 0
        self._began = self._drawn = monotonic()
        self._handle: Any = None

    def advance(self, finished: int) -> None:
        """Count images, and draw the bar again after a while."""
        self._done += finished
        if self._handle is None or monotonic() - self._drawn >= PAUSE_SECONDS:
            self.draw()

    def draw(self) -> None:
        """Show how far it is."""
        # not an import statement: its types differ from version to version, and no other module needs it
        display: Any = import_module("IPython.display").display
        self._drawn = monotonic()
        if self._handle is None:
            self._handle = display(self._content(), raw=True, display_id=True)
        else:
            self._handle.update(self._content(), raw=True)

    def _content(self) -> dict[str, str]:
        """Return the bar by MIME type, as Jupyter takes it."""
        seconds = self._drawn - self._began
        text = f"{self._done:,} of {self._total:,} {self._unit}, {seconds:.1f} s"
        bar = f'<progress value="{self._done}" max="{self._total}"></progress>'
        return {"text/plain": text, "text/html": f"{bar} {text}"}
