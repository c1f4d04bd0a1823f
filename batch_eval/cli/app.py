"""The application: its commands, and the options that stand before them."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperCommand
from typer.main import get_command

from batch_eval import __version__
from batch_eval.cli.defaults import default_map
from batch_eval.cli.single_model import SingleModelCommand

COMMANDS: Mapping[str, type[TyperCommand]] = {
    "run": SingleModelCommand,
    "index": TyperCommand,
    "merge": TyperCommand,
    "report": TyperCommand,
    "compare": TyperCommand,
    "predict": TyperCommand,
    "explain": TyperCommand,
    "stress": SingleModelCommand,
    "serve": TyperCommand,
    "preprocess": TyperCommand,
    "inspect": TyperCommand,
    "train": TyperCommand,
    "config": TyperCommand,
}
"""The commands in the order of the help, and what parses each. A command is the function of that name in its module."""


def application(arguments: Sequence[str] = ()) -> typer.Typer:
    """Return the application for the arguments of a command line: with the command that they begin with, else with all.

    Importing the other commands, and reading their options, would take a twentieth of a run's start.
    """
    app = typer.Typer(
        name="batch-eval",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode="markdown",
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(batch_eval)
    for name in COMMANDS.keys() & arguments[:1] or COMMANDS:
        command = getattr(import_module(f"batch_eval.cli.{name}"), name)
        app.command(cls=COMMANDS[name])(command)
    return app


@cache
def all_commands() -> Any:
    """Return the group of all commands, as Typer makes it."""
    return get_command(application())


def _show_version(value: bool) -> None:
    if value:
        typer.echo(f"batch-eval {__version__}")
        raise typer.Exit


def batch_eval(
    context: typer.Context,
    version: Annotated[  # noqa: ARG001 - its callback has done the work
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
    debug: Annotated[  # noqa: ARG001 - main has looked at it
        bool, typer.Option("--debug", help="Show the traceback of an unexpected error.")
    ] = False,
) -> None:
    """How good is my digit model on real photos?

    Takes a folder of handwritten digit images with labels, makes each look like MNIST, runs a saved Keras model, and
    writes the accuracy, the list of misclassified images, and CSV, JSON and HTML reports.

    Example: `batch-eval run photos --model mnist.keras`
    """
    command = context.invoked_subcommand
    if command and not {"-h", "--help"} & set(sys.argv):  # help must work when the configuration does not
        context.default_map = default_map(all_commands, command)
