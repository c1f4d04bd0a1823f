"""Defaults of the options, from environment variables and a configuration file.

- The file is the nearest ``batch_eval.toml``, or ``pyproject.toml`` with ``[tool.batch_eval]``, here or above.
- Keys are option names. Top-level keys are options of `run`, and apply to every command that shares them.
- A table named after a command applies to that command alone.
- ``BATCH_EVAL_JOBS`` and ``BATCH_EVAL_TRAIN_EPOCHS`` do the same from the environment, and win over the file.
- `preprocess` is both an option and a command: with a table as its value, it is the command.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from batch_eval.errors import ConfigError

PREFIX = "BATCH_EVAL"
FILE = "batch_eval.toml"
MAIN = "run"
"""The command whose options stand at the top."""
_WORDS = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}


@dataclass(frozen=True, slots=True)
class Option:
    """An option as configuration sees it. Two commands share it if all but ``parameter`` and ``default`` are equal."""

    parameter: str
    key: str
    help: str
    kind: type = str
    many: bool = False
    default: Any = None

    def same_as(self, other: Option) -> bool:
        """Whether both commands mean the same."""
        return (self.key, self.help, self.kind, self.many) == (other.key, other.help, other.kind, other.many)


Commands = Mapping[str, Mapping[str, Option]]
"""The options of each command by their key."""


@dataclass(frozen=True, slots=True)
class Setting:
    """An option's default, and its source in words."""

    value: Any
    source: str


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """The table of a configuration file. Without a file, ``path`` is None and the table empty."""

    path: Path | None
    table: Mapping[str, Any]


def find_file(start: Path) -> ConfigFile:
    """Return the nearest configuration, here or above; raises ConfigError where it is invalid."""
    for folder in (start, *start.parents):
        own, shared = folder / FILE, folder / "pyproject.toml"
        if own.is_file():
            return ConfigFile(own, _toml(own))
        if shared.is_file():
            # a project of another kind has no such table: then the search goes on above
            tools = _toml(shared).get("tool")
            if isinstance(tools, dict) and "batch_eval" in tools:
                return ConfigFile(shared, _table(tools["batch_eval"], f"{shared}: tool.batch_eval"))
    return ConfigFile(None, {})


def _toml(path: Path) -> dict[str, Any]:
    import tomllib

    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))  # Windows' Notepad writes a byte order mark
    except (OSError, ValueError) as error:
        raise ConfigError(f"cannot read {path}: {error}. Fix or delete the file.") from error


def _table(value: Any, what: str) -> dict[str, Any]:
    """Return a value that must be a table; ``what`` names it in the error."""
    if not isinstance(value, dict):
        raise ConfigError(f"{what} = {value!r} is invalid: a table of options is expected.")
    return value


def settings(commands: Commands, name: str, file: ConfigFile, environ: Mapping[str, str]) -> dict[str, Setting]:
    """Return the settings of a command's options by key: environment, else file, else default.

    Raises ConfigError for keys in the file that are no option, and for values of the wrong type.
    """
    # A misspelt key would silently change nothing, so every key is checked before any is used.
    _check_keys(commands, file)
    return {
        key: next(_settings(commands, name, option, file, environ), Setting(option.default, "default"))
        for key, option in commands[name].items()
    }


def _settings(
    commands: Commands, name: str, option: Option, file: ConfigFile, environ: Mapping[str, str]
) -> Iterator[Setting]:
    """Yield the settings that are given for an option, the strongest first."""
    # Equal names are not enough: an option is shared only where it means the same as in `run`.
    main = commands[MAIN].get(option.key)
    shared = main is not None and main.same_as(option)
    variables = [f"{PREFIX}_{name}_{option.key}", *([f"{PREFIX}_{option.key}"] if shared else [])]
    for variable in (v.upper().replace("-", "_") for v in variables):
        if environ.get(variable):
            yield Setting(_from_environment(option, environ[variable], variable), variable)
    # The command's own table wins over the top level, which holds options of `run` and what is shared with it.
    top = {key: value for key, value in file.table.items() if not isinstance(value, dict)}
    own = file.table.get(name)
    for table in (own if isinstance(own, dict) else {}, top if shared else {}):
        # keys may be written with underscores, as in `fail_under`
        for key, value in table.items():
            if _spelled(key) == option.key:
                yield Setting(_from_file(option, value, file), f"{file.path}, key {key}")


def _spelled(key: str) -> str:
    return key.replace("_", "-")


def _check_keys(commands: Commands, file: ConfigFile) -> None:
    """Raise ConfigError for an unknown option, and for a table of an unknown command."""
    for key, value in file.table.items():
        if isinstance(value, dict):
            if key not in commands:
                raise ConfigError(f"{file.path}: unknown command {key!r}. {_hint(key, commands)}")
            for inner in value:
                _check_key(inner, commands[key], f"{file.path}, table {key}")
        # `train = 3` is no option of `run`: the error says that a table is expected
        elif key in commands and key not in commands[MAIN]:
            _table(value, f"{file.path}: {key}")
        else:
            _check_key(key, commands[MAIN], str(file.path))


def _check_key(key: str, known: Mapping[str, Any], where: str) -> None:
    if _spelled(key) not in known:
        raise ConfigError(f"{where}: unknown option {key!r}. {_hint(key, known)}")


def _hint(key: str, known: Mapping[str, Any]) -> str:
    """Return what may have been meant by an unknown key."""
    close = get_close_matches(_spelled(key), known, n=1)
    return f"Did you mean {close[0]!r}?" if close else f"There are {', '.join(known)}."


def _from_environment(option: Option, text: str, variable: str) -> Any:
    """Return the value of a variable; several values are separated by commas."""
    parts = [part.strip() for part in text.split(",")] if option.many else [text]
    values = [_converted(option, part, f"{variable}={text}") for part in parts]
    return values if option.many else values[0]


def _converted(option: Option, text: str, where: str) -> Any:
    if option.kind is bool:
        if text.lower() not in _WORDS:
            raise ConfigError(f"{where} is invalid: write 1 or 0.")
        return _WORDS[text.lower()]
    if option.kind in (int, float):
        try:
            return option.kind(text)
        except ValueError:
            raise ConfigError(f"{where} is invalid: {_NAMES[option.kind]} is expected.") from None
    return text


_NAMES = {bool: "true or false", int: "a whole number", float: "a number", str: "text", Path: "a path"}


def _from_file(option: Option, value: Any, file: ConfigFile) -> Any:
    values = value if option.many and isinstance(value, list) else [value]
    found = [_checked(option, one, file) for one in values]
    return found if option.many else found[0]


def _checked(option: Option, value: Any, file: ConfigFile) -> Any:
    """Return a value as the command takes it. Paths are relative to the file; ~ is the home folder."""
    # in Python True is an int, but `jobs = true` is a mistake
    number = isinstance(value, int | float) and not isinstance(value, bool)
    fits = {
        bool: isinstance(value, bool),
        int: number and isinstance(value, int),
        float: number,
        str: number or isinstance(value, str),
        Path: isinstance(value, str),
    }
    if not fits[option.kind]:
        raise ConfigError(f"{file.path}: {option.key} = {value!r} is invalid: {_NAMES[option.kind]} is expected.")
    if option.kind is Path and value != "-" and file.path:
        return str(file.path.parent / os.path.expanduser(value))
    return option.kind(value)
