"""Talk and progress, on stderr: results alone go to stdout."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


def say(line: str) -> None:
    """Print a line to stderr, whatever it holds: names that are no valid text are escaped."""
    encoding = sys.stderr.encoding or "utf-8"
    print(line.encode(encoding, "backslashreplace").decode(encoding), file=sys.stderr)  # noqa: T201 - this is where


@contextmanager
def progress_bar(total: int, unit: str = "images", *, hidden: bool = False) -> Iterator[Callable[[int], None] | None]:
    """Show a bar with rate and time left where stderr is a terminal; yield what it must be told, or None."""
    if hidden or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(unit),
        TextColumn("{task.speed:.0f}/s"),
        TimeRemainingColumn(compact=True),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=total)
        yield lambda finished: bar.advance(task, finished)
