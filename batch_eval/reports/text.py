"""Text: the summary that a run prints, laid out by Rich."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator, Sequence
from io import StringIO
from typing import IO

from rich import box
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from batch_eval.evaluation import Evaluation, Outcome
from batch_eval.evaluation.advice import advice
from batch_eval.evaluation.baseline import compare_with_baseline
from batch_eval.evaluation.conformal import sets_line
from batch_eval.evaluation.confusions import errors_by_confidence, worst_confusions
from batch_eval.evaluation.data_card import CARD, data_card
from batch_eval.evaluation.diagnosis import WHY, diagnosis
from batch_eval.evaluation.recipes import recipes_line
from batch_eval.evaluation.unscored import unreadable
from batch_eval.gates import gates_line
from batch_eval.reports.context import NO_CONTEXT, ReportContext
from batch_eval.wording import percent, percent_range, printable, utf8

TITLE = "text report"
CONFUSIONS_SHOWN = 5
"""Confusions listed, worst first."""
ERRORS_SHOWN = 10
"""Errors listed, most confident first."""
_FILE_WIDTH = 100
"""Columns of the text file. A terminal has its own width."""
_CHANGE_STYLES = {"better": "green", "worse": "bold red", "unclear": "", "same": ""}


def document(evaluation: Evaluation, context: ReportContext = NO_CONTEXT) -> bytes:
    """Return the summary as plain text, 100 columns wide."""
    console = Console(file=StringIO(), width=_FILE_WIDTH, color_system=None, force_terminal=False)
    return utf8(_draw(evaluation, context, console))


def files(evaluation: Evaluation, context: ReportContext = NO_CONTEXT) -> Iterator[tuple[str, bytes]]:
    """Yield ``report.txt``."""
    yield "report.txt", document(evaluation, context)


def print_summary(
    evaluation: Evaluation,
    file: IO[str] | None = None,
    context: ReportContext = NO_CONTEXT,
    *,
    said: Collection[str] = (),
) -> None:
    """Print the summary in the terminal's width and colours. Characters it cannot show become ``?``."""
    stream = file or sys.stdout
    drawn = _draw(evaluation, context, Console(file=stream), said=said)
    # A terminal with a legacy code page raises on characters outside it. One odd file name must not end the run.
    encoding = getattr(stream, "encoding", None) or "utf-8"
    stream.write(drawn.encode(encoding, "replace").decode(encoding))


def _draw(evaluation: Evaluation, context: ReportContext, console: Console, *, said: Collection[str] = ()) -> str:
    with console.capture() as capture:
        console.print(summary(evaluation, context, said=said))
    # Rich pads lines to full width. Trailing spaces would show up in diffs of the text file.
    return "".join(f"{line.rstrip()}\n" for line in capture.get().splitlines())


def summary(evaluation: Evaluation, context: ReportContext = NO_CONTEXT, *, said: Collection[str] = ()) -> Group:
    """Return the parts of the summary, from the accuracy down to single files.

    Notes that were ``said`` are left out.
    """
    parts: list[RenderableType] = [_headline(evaluation)]
    if recipes := recipes_line(evaluation):
        parts.append(Text(printable(recipes)))
    # Everything from outside goes into Text: Rich would read markup such as [red] in a plain string.
    if change := compare_with_baseline(evaluation, context.baseline):
        parts.append(Text(change.sentence, style=_CHANGE_STYLES[change.direction]))
    if context.gates:
        parts.append(_gates(context))
    if evaluation.calibration:
        parts.append(Text(sets_line(evaluation, evaluation.calibration)))
    if causes := diagnosis(evaluation):
        parts.append(_diagnosis(causes))
    if lines := advice(evaluation):
        parts.append(Text("\n".join(lines), style="yellow"))
    if evaluation.explanations:
        parts.append(Text("\n".join(evaluation.error_reasons)))
    parts += [_origin(evaluation, said=said), _outcomes(evaluation)]
    if data_card(evaluation):
        parts.append(_card(evaluation))
    if evaluation.counts[Outcome.UNREADABLE]:
        parts.append(_unreadable(evaluation))
    if evaluation.scored:
        parts.append(_classes(evaluation))
    if worst_confusions(evaluation):
        parts += [_confusions(evaluation), _errors(evaluation)]
    return Group(*(Padding(part, (0, 0, 1, 0), expand=False) for part in parts))


def _headline(evaluation: Evaluation) -> Text:
    if not evaluation.scored:
        return Text("No image could be scored.", style="bold red")
    line = Text.assemble(("Accuracy ", "bold"), (percent(evaluation.accuracy, 2), "bold green"))
    correct = evaluation.counts[Outcome.CORRECT]
    line.append(f"   {correct:,} of {evaluation.scored:,} scored images correct")
    line.append(f"\n95 % interval {percent_range(evaluation.accuracy_interval)} (Wilson, n = {evaluation.scored:,})")
    return line


def _diagnosis(causes: Sequence[str]) -> Table:
    table = Table.grid(padding=(0, 1), expand=False)
    table.title, table.title_justify, table.title_style = WHY, "left", "bold yellow"
    for cause in causes:
        table.add_row(Text("•"), Text(cause, style="yellow", overflow="fold"))
    return table


def _gates(context: ReportContext) -> Table:
    table = _table(gates_line(context.gates), "gate", "", "")
    for gate in context.gates:
        verdict = Text("passed", style="green") if gate.passed else Text("FAILED", style="bold red")
        table.add_row(Text(printable(gate.name)), verdict, Text(printable(gate.message)))
    return table


def _origin(evaluation: Evaluation, *, said: Collection[str]) -> Table:
    p = evaluation.provenance
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim")
    grid.add_column(overflow="fold")
    lines = [("Images", p.folder), ("Labels", p.label_source), ("Model", p.model), ("Preprocessing", p.preprocess)]
    if p.convention:
        lines.insert(3, ("Convention", p.convention.sentence))
    for name, value in lines:
        grid.add_row(name, Text(printable(value)))
    if p.missing:
        grid.add_row("Missing", Text(f"label rows without an image file: {len(p.missing):,}"))
    for note in p.notes:
        if note not in said:
            grid.add_row("Note", Text(printable(note)))
    return grid


def _outcomes(evaluation: Evaluation) -> Table:
    table = _table(f"Outcomes of {evaluation.files:,} files", "outcome", "files>", "")
    for outcome, count in evaluation.counts.items():
        table.add_row(outcome.value, f"{count:,}", Text(outcome.meaning, style="dim"), style="" if count else "dim")
    return table


def _card(evaluation: Evaluation) -> Table:
    table = Table.grid(padding=(0, 2))
    table.title, table.title_justify, table.title_style = CARD, "left", "bold"
    table.add_column(style="dim")
    table.add_column(overflow="fold")
    for fact in data_card(evaluation):
        table.add_row(fact.name, Text(fact.words))
    return table


def _unreadable(evaluation: Evaluation) -> Table:
    found = unreadable(evaluation)
    title, total = "Unreadable files", evaluation.counts[Outcome.UNREADABLE]
    table = _table(_showing(title, ERRORS_SHOWN, total) if total > ERRORS_SHOWN else title, "file", "reason")
    for name, reason in found[:ERRORS_SHOWN]:
        table.add_row(Text(printable(name), overflow="fold"), Text(printable(reason), overflow="fold"))
    return table


def _classes(evaluation: Evaluation) -> Table:
    table = _table("Classes", "class", "precision>", "recall>", "F1>", "support>")
    for name, s in zip(evaluation.class_names, evaluation.per_class, strict=True):
        shares = (percent(s.precision), percent(s.recall), percent(s.f1))
        table.add_row(Text(printable(name)), *shares, f"{s.support:,}")
    table.add_row("macro F1", "", "", percent(evaluation.macro_f1), "", style="bold")
    return table


def _confusions(evaluation: Evaluation) -> Table:
    found = worst_confusions(evaluation)
    table = _table(
        _showing("Worst confusions", CONFUSIONS_SHOWN, len(found)), "truth", "read as", "images>", "of class>"
    )
    for c in found[:CONFUSIONS_SHOWN]:
        share = percent(c.count / c.support)
        table.add_row(Text(printable(c.truth)), Text(printable(c.predicted)), f"{c.count:,}", share)
    return table


def _errors(evaluation: Evaluation) -> Table:
    rows = errors_by_confidence(evaluation)
    sampled = "" if evaluation.sums is None else " of a sample"
    title = _showing(f"Misclassified{sampled}, most confident first", ERRORS_SHOWN, evaluation.error_count)
    table = _table(title, "truth", "read as", "confidence>", "file")
    for record in map(evaluation.record, rows[:ERRORS_SHOWN].tolist()):
        table.add_row(
            Text(printable(record.truth or "")),
            Text(printable(record.predicted or Outcome.BLANK.value)),
            percent(record.confidence) if record.predicted else "–",
            Text(printable(record.id), overflow="fold"),
        )
    return table


def _showing(title: str, limit: int, total: int) -> str:
    return f"{title} (showing {min(limit, total):,} of {total:,})"


def _table(title: str, *columns: str) -> Table:
    """Return an empty table. Columns whose name ends with ``>`` are aligned right."""
    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        right = column.endswith(">")
        table.add_column(column.rstrip(">"), justify="right" if right else "left", no_wrap=right)
    return table
