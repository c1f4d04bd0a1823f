"""batch-eval config: see each default, and where it comes from."""

from __future__ import annotations

from typing import Annotated

import typer

from batch_eval.errors import ConfigError


def config(
    command: Annotated[str, typer.Argument(help="The command whose options to show.")] = "run",
) -> None:
    """Show the default of each option, and where it comes from.

    Options win over the environment (`BATCH_EVAL_JOBS=4`), which wins over the file: `batch_eval.toml`, or
    `[tool.batch_eval]` in `pyproject.toml`.

    **Example**

    `batch-eval config`
    """
    from batch_eval.cli.app import all_commands
    from batch_eval.cli.console import tell
    from batch_eval.cli.defaults import settings

    group = all_commands()
    if command not in group.commands:
        raise ConfigError(f"unknown command {command!r}. Must be one of {', '.join(group.commands)}.")
    found = settings(group, command)
    for key, setting in found.items():
        tell(f"{key:<{max(map(len, found))}}  {_shown(setting.value):<24}  {setting.source}".rstrip())


def _shown(value: object) -> str:
    if value is None or value == []:
        return "–"
    if isinstance(value, bool):
        return str(value).lower()
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
