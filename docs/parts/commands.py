"""The commands as their own definitions have them: options, exit codes, gates."""

import inspect
from pathlib import Path
from typing import Any

from batch_eval.cli.app import all_commands
from batch_eval.cli.defaults import command_options
from batch_eval.errors import ExitCode

from .tables import code, table


def exit_codes() -> str:
    """Return the table of exit codes."""
    return table(["exit code", "meaning"], [(str(member.value), member.meaning) for member in ExitCode])


def summary() -> str:
    """Return the commands with the first sentence of their help."""
    rows = [
        (f"[`batch-eval {name}`](#batch-eval-{name})", _first_line(c)) for name, c in all_commands().commands.items()
    ]
    return table(["command", "what it does"], rows)


def _first_line(command: Any) -> str:
    return inspect.cleandoc(command.help).split("\n\n")[0]


def reference() -> str:
    """Return every command with its usage, help, arguments and options."""
    group = all_commands()
    parts = [_section(name, command) for name, command in group.commands.items()]
    own = [p for p in group.params if p.name in inspect.signature(group.callback).parameters]  # the rest is Typer's
    return "\n\n".join([*parts, "## Before the command", _options("Options", own, {})])


def _section(name: str, command: Any) -> str:
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    shown = [_argument_name(argument) for argument in arguments]
    usage = " ".join([f"batch-eval {name} [OPTIONS]", *shown])
    body = [f"## batch-eval {name}", f"```text\n{usage}\n```", inspect.cleandoc(command.help)]
    if arguments:
        rows = [(code(name), argument.help or "") for name, argument in zip(shown, arguments, strict=True)]
        body.append(table(["argument", "meaning"], rows))
    kinds = {option.parameter: option.kind for option in command_options(all_commands())[name].values()}
    return "\n\n".join([*body, *(_options(panel, some, kinds) for panel, some in _panels(command).items())])


def _argument_name(argument: Any) -> str:
    name = argument.name.upper() + ("…" if argument.nargs != 1 else "")
    return name if argument.required else f"[{name}]"


def _panels(command: Any) -> dict[str, list[Any]]:
    """Return the options under the heading that the help gives them."""
    panels: dict[str, list[Any]] = {}
    for option in command.params:
        if option.param_type_name == "option" and option.name != "help" and not option.hidden:
            panels.setdefault(option.rich_help_panel or "Options", []).append(option)
    return panels


def _options(title: str, options: list[Any], kinds: dict[str, type]) -> str:
    rows = [(_names(option, kinds), option.help or "", _default(option)) for option in options]
    return f"**{title}**\n\n" + table(["option", "meaning", "default"], rows)


def _names(option: Any, kinds: dict[str, type]) -> str:
    """Return the long name with its value, and the other names."""
    long, *short = sorted(option.opts, key=len, reverse=True)
    value = "" if option.is_flag else " " + (option.metavar or _VALUES.get(kinds[option.name], "TEXT"))
    return ", ".join(map(code, [long + value, *short, *option.secondary_opts]))


_VALUES = {str: "TEXT", int: "NUMBER", float: "NUMBER", Path: "PATH"}


def _default(option: Any) -> str:
    """Return the default where the help shows it; flags are off unless they say otherwise."""
    if not option.show_default or option.default in (None, False):
        return ""
    return "on" if option.default is True else code(str(option.default))
