"""Write a table into a page of the documentation."""

from __future__ import annotations

from pathlib import Path

from batch_eval.publishing import publish


def write_between(page: Path, begin: str, end: str, table: str) -> None:
    """Replace what stands between two marks of a page."""
    before, rest = page.read_text(encoding="utf-8").split(begin)
    after = rest.split(end)[1]
    text = f"{before}{begin}\n\n{table}\n\n{end}{after}"
    publish(page.parent, [("the table", page.name, text.encode())], print)
