"""Messages and progress, on stderr; only results go to stdout."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from batch_eval.wording import message


def say(line: str) -> None:
    """Print a line to stderr. Characters that a file brought and no terminal should get are escaped."""
    print(message(line), file=sys.stderr)  # noqa: T201 - this is where


def tell(line: str) -> None:
    """Print a line to stdout, escaped as `say` does, at once: whoever started `serve` waits for its address."""
    print(message(line), flush=True)  # noqa: T201 - this is where


@contextmanager
def progress_bar(total: int, unit: str = "images", *, hidden: bool = False) -> Iterator[Callable[[int], None] | None]:
    """Show a progress bar if stderr is a terminal.

    Yields the function that advances it, or None. The bar draws in a thread. It starts with
    the first advance, as workers are forked before that.
    """
    if hidden or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(unit),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(compact=True),
    )
    bar = Progress(*columns, console=Console(stderr=True), transient=True)
    task = bar.add_task("", total=total, rate="")

    def advance(finished: int) -> None:
        bar.start()
        bar.advance(task, finished)
        speed = bar.tasks[0].speed  # None until the second report
        bar.update(task, rate=f"{speed:,.0f}/s" if speed else "")

    try:
        yield advance
    finally:
        bar.stop()
