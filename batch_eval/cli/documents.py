"""Reports of what is no run: one document on stdout, or files in a folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from batch_eval.reports.registry import Kind, format_names

if TYPE_CHECKING:
    from batch_eval.reports.context import ReportContext

DEFAULTS = ("html", "json", "csv", "markdown")
"""Formats written into a folder by default, where the kind of report has them."""
_PRINTED = "printed text"
"""Stands among the formats for the text on stdout, beside files in a folder."""


def formats_for(given: Sequence[str] | None, out: Path, kind: Kind) -> tuple[str, ...]:
    """Return the formats to write, when they and the place for them are right."""
    from batch_eval.cli.finish import checked_for

    if str(out) != "-" and not given:
        return (*checked_for([name for name in DEFAULTS if name in format_names(kind)], out, kind), _PRINTED)
    return checked_for(given or ["text"], out, kind)


def prints_text(formats: Sequence[str], out: Path) -> bool:
    """Whether `write` prints the text, alone or beside files."""
    return _PRINTED in formats or (str(out) == "-" and formats[0] == "text")


def write(subject: Any, formats: Sequence[str], out: Path, kind: Kind, shown: ReportContext) -> None:
    """Print one document, or write files and print their paths.

    Without --format the text is printed too. ``formats`` are those of `formats_for`.
    """
    from batch_eval.cli.console import tell
    from batch_eval.reports.writing import write_report, write_reports

    if str(out) == "-":
        write_report(subject, formats[0], "-", kind=kind, context=shown)
        return
    files = [name for name in formats if name != _PRINTED]
    written = write_reports(subject, out, files, kind=kind, context=shown)
    if _PRINTED in formats:
        write_report(subject, "text", "-", kind=kind, context=shown)
        tell("")
    for path in written:
        tell(str(path))
