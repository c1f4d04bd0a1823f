"""The keys of a configuration file, from the options of the commands."""

from batch_eval.cli.app import all_commands
from batch_eval.cli.configuration import MAIN, PREFIX, Option
from batch_eval.cli.defaults import command_options

from .tables import code, table

_KINDS = {bool: "true or false", int: "a whole number", float: "a number"}


def main_keys() -> str:
    """Return the keys that stand at the top of the file."""
    return _table(MAIN, list(command_options(all_commands())[MAIN].values()))


def other_keys() -> str:
    """Return the keys of the other commands' tables: the options that they do not share with the main one."""
    commands = command_options(all_commands())
    parts = []
    for name, options in commands.items():
        own = [o for o in options.values() if not (o.key in commands[MAIN] and o.same_as(commands[MAIN][o.key]))]
        if name != MAIN and own:
            parts.append(f"### `[{name}]`\n\n{_table(name, own)}")
    return "\n\n".join(parts)


def _table(command: str, options: list[Option]) -> str:
    rows = [(code(o.key), _kind(o), code(_variable(command, o)), o.help) for o in options]
    return table(["key", "value", "environment", "meaning"], rows)


def _kind(option: Option) -> str:
    kind = _KINDS.get(option.kind, "text or a number" if option.kind is str else "a path")
    return f"{kind}, or a list" if option.many else kind


def _variable(command: str, option: Option) -> str:
    name = option.key if command == MAIN else f"{command}_{option.key}"
    return f"{PREFIX}_{name}".upper().replace("-", "_")
