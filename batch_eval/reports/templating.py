"""Fills templates: HTML ones escape every value, all others show what their filters make of it."""

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

NO_MORE: Mapping[str, Callable[..., str]] = MappingProxyType({})


@cache
def _environment(folder: Path) -> Environment:
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
    """Keep compiled templates in the user's temporary folder, as compiling takes longer than filling them.

    Where there is no safe temporary folder, they are compiled each time.
    """
    try:
        return FileSystemBytecodeCache()
    except (OSError, RuntimeError):
        return None


def fill(folder: Path, template: str, filters: Mapping[str, Callable[..., str]] = NO_MORE, /, **values: Any) -> bytes:
    """Return a template of the folder, filled, as UTF-8; ``filters`` are those that only this folder knows."""
    environment = _environment(folder)
    environment.filters |= filters
    return utf8(environment.get_template(template).render(**values))
