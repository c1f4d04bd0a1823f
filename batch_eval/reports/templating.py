"""Fills Jinja templates. HTML templates escape every value; other formats escape with filters of their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from jinja2 import (
    BytecodeCache,
    Environment,
    FileSystemBytecodeCache,
    FileSystemLoader,
    StrictUndefined,
    select_autoescape,
)

from batch_eval.wording import markdown_text, percent, percent_range, printable, utf8

NO_FILTERS: Mapping[str, Callable[..., str]] = MappingProxyType({})


@cache
def _environment(folder: Path) -> Environment:
    # Names of files and classes come from strangers. With autoescape a template cannot forget to escape one; only
    # `|safe` turns it off, which the page uses for its own style sheet and scripts. StrictUndefined makes a misspelt
    # name an error rather than an empty cell.
    environment = Environment(
        loader=FileSystemLoader(folder),
        autoescape=select_autoescape(["html.jinja"], default=False),
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
        "markdown": markdown_text,
        "count": "{:,}".format,
    }
    return environment


def _bytecode_cache() -> BytecodeCache | None:
    """Return a cache of compiled templates in the user's temporary folder.

    It is None where there is no safe folder.
    """
    # Compiling the templates takes longer than filling them. Jinja checks that the folder belongs to the user, as
    # bytecode that others can write would run as code.
    try:
        return FileSystemBytecodeCache()
    except (OSError, RuntimeError):
        return None


def fill(
    folder: Path, template: str, filters: Mapping[str, Callable[..., str]] = NO_FILTERS, /, **values: Any
) -> bytes:
    """Return a filled template of the folder as UTF-8. ``filters`` are added to the common ones."""
    # The environment is cached by folder, as its templates are; a folder always brings the same filters.
    environment = _environment(folder)
    environment.filters |= filters
    return utf8(environment.get_template(template).render(**values))
