"""Text of a model: what it is, and its layers as Keras' ``summary()`` lists them."""

from __future__ import annotations

from collections.abc import Iterator
from io import StringIO

from rich import box
from rich.console import Console, Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from batch_eval.engines.model_view import ModelView
from batch_eval.reports.context import NO_CONTEXT, ReportContext
from batch_eval.reports.inspection.facts import facts
from batch_eval.wording import percent, printable, shape_text, utf8

TITLE = "text inspection"
_FILE_WIDTH = 100


def document(view: ModelView, context: ReportContext = NO_CONTEXT) -> bytes:  # noqa: ARG001 - same in all formats
    """Return the facts and the table of layers, 100 columns wide."""
    console = Console(file=StringIO(), width=_FILE_WIDTH, color_system=None, force_terminal=False)
    with console.capture() as capture:
        console.print(_drawn(view))
    return utf8("".join(f"{line.rstrip()}\n" for line in capture.get().splitlines()))


def files(view: ModelView, context: ReportContext = NO_CONTEXT) -> Iterator[tuple[str, bytes]]:
    """Yield ``inspection.txt``."""
    yield "inspection.txt", document(view, context)


def _drawn(view: ModelView) -> Group:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, value in facts(view):
        grid.add_row(name, Text(value))
    if view.shown:
        guesses = ", ".join(f"{guess.name} ({percent(guess.confidence)})" for guess in view.shown.guesses)
        grid.add_row("Reads", Text(printable(f"{view.shown.name} as {guesses}")))
    parts = [grid, _layers(view)] if view.description.layers else [grid]
    return Group(*(Padding(part, (0, 0, 1, 0), expand=False) for part in parts))


def _layers(view: ModelView) -> Table:
    table = Table(title="Layers", title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("layer", "settings", "output shape"):
        table.add_column(column, overflow="fold")
    table.add_column("parameters", justify="right", no_wrap=True)
    for layer in view.description.layers:
        name = f"{printable(layer.name)} ({printable(layer.class_name)})"
        shape = shape_text(layer.output_shape)
        table.add_row(Text(name), Text(printable(layer.detail)), shape, f"{layer.parameters:,}")
    table.add_row("total", "", "", f"{view.description.parameters:,}", style="bold")
    return table
