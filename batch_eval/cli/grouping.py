"""Groups of options.

A command takes one object. Its users see the single options.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import MISSING, Field, fields, is_dataclass
from functools import wraps
from inspect import Parameter, Signature, signature
from typing import Any, get_type_hints

import typer


def grouped(command: Callable[..., None]) -> Callable[..., None]:
    """Return a command for Typer, with each dataclass replaced by its fields.

    Typer reads options from a command's signature. A group's fields are annotated as parameters are. So the new
    signature lists them in the group's place.
    """
    hints = get_type_hints(command, include_extras=True)
    groups: dict[str, type[Any]] = {
        name: hint for name, hint in hints.items() if isinstance(hint, type) and is_dataclass(hint)
    }

    @wraps(command)
    def flat(**values: Any) -> None:
        made = {name: group(**{f.name: values.pop(f.name) for f in fields(group)}) for name, group in groups.items()}
        command(**values, **made)

    parameters = list(_parameters(command, hints))
    flat.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
    flat.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return flat


def typed_options(context: typer.Context, but: Collection[str]) -> list[str]:
    """Return the options that stand on the command line, rather than in the configuration, but for some parameters."""
    return [
        parameter.opts[0]
        for parameter in context.command.params
        if parameter.param_type_name == "option" and parameter.name not in but and _is_typed(context, parameter.name)
    ]


def _is_typed(context: typer.Context, name: str | None) -> bool:
    source = context.get_parameter_source(name or "")
    return source is not None and source.name == "COMMANDLINE"  # Typer exports the names of sources nowhere


def _parameters(command: Callable[..., None], hints: dict[str, Any]) -> Iterator[Parameter]:
    """Yield the command's parameters, and the fields of its groups, as keywords."""
    for name, parameter in signature(command).parameters.items():
        hint = hints[name]
        if is_dataclass(hint):
            own = get_type_hints(hint, include_extras=True)
            for field in fields(hint):
                yield Parameter(field.name, Parameter.KEYWORD_ONLY, default=_default(field), annotation=own[field.name])
        else:
            yield parameter.replace(kind=Parameter.KEYWORD_ONLY, annotation=hint)


def _default(field: Field[Any]) -> Any:
    return Parameter.empty if field.default is MISSING else field.default
