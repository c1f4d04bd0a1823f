"""The options of every command as configuration knows them, read from the commands themselves."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from inspect import signature
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

from batch_eval.cli import configuration


def command_options(group: Any) -> dict[str, dict[str, configuration.Option]]:
    """Return the options of each command of the application, by key."""
    return {name: {option.key: option for option in _options(command)} for name, command in group.commands.items()}


def _options(command: Any) -> Iterator[configuration.Option]:
    # From the signature: Python 3.14 does not copy annotations that were set by hand, as `grouped` does, to wrappers.
    hints = {p.name: p.annotation for p in signature(command.callback, eval_str=True).parameters.values()}
    for parameter in command.params:
        # Typer adds options of its own, such as --help, which have no annotation of ours
        if parameter.param_type_name == "option" and parameter.name in hints:
            key = next(opt for opt in parameter.opts if opt.startswith("--")).removeprefix("--")
            kind, many = _kind(hints[parameter.name])
            yield configuration.Option(parameter.name, key, parameter.help or "", kind, many, parameter.default)


def _kind(hint: Any) -> tuple[type, bool]:
    """Return the type of a value, and whether there are several."""
    # three layers are taken off: Annotated, then None, then list. `list[str] | None` gives (str, True).
    hint = get_args(hint)[0] if get_origin(hint) is Annotated else hint
    plain = [part for part in get_args(hint) if part is not type(None)] if type(None) in get_args(hint) else [hint]
    item = get_args(plain[0])
    return (item[0], True) if item else (plain[0], False)


def settings(group: Any, name: str) -> dict[str, configuration.Setting]:
    """Return the settings of a command in the current folder and environment."""
    return configuration.settings(command_options(group), name, configuration.find_file(Path.cwd()), os.environ)


def default_map(group: Callable[[], Any], name: str) -> dict[str, dict[str, Any]]:
    """Return a command's configured defaults as Click's ``default_map``.

    ``group`` returns the application with all its commands, as in `settings`.
    """
    file = configuration.find_file(Path.cwd())
    # the usual case, without any configuration, need not import all commands and read their signatures
    if not file.table and not any(variable.startswith(configuration.PREFIX) for variable in os.environ):
        return {}
    options = command_options(group())
    found = configuration.settings(options, name, file, os.environ)
    return {name: {options[name][key].parameter: s.value for key, s in found.items() if s.source != "default"}}
