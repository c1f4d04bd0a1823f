"""Fills the page's templates."""

from __future__ import annotations

from functools import cache

from jinja2 import BytecodeCache, Environment, FileSystemBytecodeCache, FileSystemLoader, StrictUndefined

from batch_eval.reports.html.assets import SOURCES, Assets
from batch_eval.reports.html.page import Page
from batch_eval.reports.wording import percent, percent_range, printable, utf8


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(SOURCES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        bytecode_cache=_bytecode_cache(),
    )
    environment.filters |= {
        "percent": percent,
        "percent_range": percent_range,
        "printable": printable,
        "count": "{:,}".format,
    }
    return environment


def _bytecode_cache() -> BytecodeCache | None:
    """Keep compiled templates in the user's temporary folder, as compiling takes longer than filling them.

    Where there is no safe temporary folder, they are compiled each time.
    """
    try:
        return FileSystemBytecodeCache()
    except (OSError, RuntimeError):
        return None


def render(page: Page, assets: Assets) -> bytes:
    """Return the page as UTF-8."""
    return utf8(_environment().get_template("report.html.jinja").render(page=page, assets=assets))
