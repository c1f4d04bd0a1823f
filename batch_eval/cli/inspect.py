"""batch-eval inspect: a model from inside."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from batch_eval.cli import options
from batch_eval.cli.grouping import grouped
from batch_eval.reports.registry import Kind, format_names


@grouped
def inspect(
    model: Annotated[
        Path | None,
        typer.Argument(help="A saved model. Default: the model that ships with batch_eval.", show_default=False),
    ] = None,
    *,
    opening: options.ModelFlags,
    image: Annotated[
        Path | None,
        typer.Option(
            help="An image to show the model, for its feature maps. Default: one of the program's own digits.",
            show_default=False,
        ),
    ] = None,
    preparing: options.PreprocessingFlags,
    format: Annotated[  # noqa: A002 - the option's name
        list[str] | None,
        typer.Option(
            "--format",
            "-f",
            help=f"{', '.join(format_names(Kind.INSPECTION))}; repeatable with --out. Default: text; with --out json "
            "and html.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path, typer.Option("--out", "-o", help="The folder for the files, or - for stdout, which takes one format.")
    ] = Path("-"),
    self_contained: options.SelfContained = False,
) -> None:
    """Show what a model file holds: layers, parameters, convention, filters and feature maps.

    Lists the layers with output shapes and parameters, as Keras' `summary()` does, and says how well the model reads
    the program's own digits. `html` and `plots` draw the network as SVG and PNG.

    **Examples**

    `batch-eval inspect mnist.keras`

    `batch-eval inspect mnist.keras --image photos/7.jpg --out inspection`
    """
    from batch_eval.api import open_reader
    from batch_eval.cli.finish import checked_for
    from batch_eval.engines.model_view import view_model
    from batch_eval.reports.context import ReportContext
    from batch_eval.reports.writing import write_report, write_reports

    to_stdout = str(out) == "-"
    formats = checked_for(format or (["text"] if to_stdout else ["json", "html"]), out, Kind.INSPECTION)
    model_options = opening.options(model)
    reader = open_reader(model_options, preparing.options())
    view = view_model(model_options, reader.classifier, reader.recipe, image)
    shown = ReportContext(self_contained=self_contained)
    if to_stdout:
        write_report(view, formats[0], "-", kind=Kind.INSPECTION, context=shown)
        return
    for path in write_reports(view, out, formats, kind=Kind.INSPECTION, context=shown):
        typer.echo(path)
