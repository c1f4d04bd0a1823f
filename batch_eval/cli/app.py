"""The application: its commands, and the options that stand before them."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from batch_eval import __version__
from batch_eval.cli.compare import compare
from batch_eval.cli.config import config
from batch_eval.cli.defaults import default_map
from batch_eval.cli.explain import explain
from batch_eval.cli.index import index
from batch_eval.cli.inspect import inspect
from batch_eval.cli.merge import merge
from batch_eval.cli.predict import predict
from batch_eval.cli.preprocess import preprocess
from batch_eval.cli.report import report
from batch_eval.cli.run import run
from batch_eval.cli.serve import serve
from batch_eval.cli.single_model import SingleModelCommand
from batch_eval.cli.stress import stress
from batch_eval.cli.train import train

app = typer.Typer(
    name="batch-eval",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(value: bool) -> None:
    if value:
        typer.echo(f"batch-eval {__version__}")
        raise typer.Exit


@app.callback()
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
        context.default_map = default_map(context.command, command)


app.command(cls=SingleModelCommand)(run)
app.command()(index)
app.command()(merge)
app.command()(report)
app.command()(compare)
app.command()(predict)
app.command()(explain)
app.command(cls=SingleModelCommand)(stress)
app.command()(serve)
app.command()(preprocess)
app.command()(inspect)
app.command()(train)
app.command()(config)
