"""batch-eval compare: what one model fixed and broke against another, on the same images."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from batch_eval.cli import options
from batch_eval.cli.grouping import grouped
from batch_eval.reports.registry import Kind, format_names

if TYPE_CHECKING:
    from batch_eval.evaluation import Evaluation


_FOR_SAVED = ("model", "format", "out", "self_contained")
"""Options that apply to saved evaluations; the others are about running models."""


@grouped
def compare(
    context: typer.Context,
    inputs: Annotated[
        list[Path],
        typer.Argument(
            help="Saved evaluations (evaluation.json, or the folders that hold them); or, with several --model, one "
            "folder of images.",
            show_default=False,
        ),
    ],
    model: Annotated[
        list[Path] | None,
        typer.Option("--model", "-m", help="A saved model to run on the folder; repeatable.", show_default=False),
    ] = None,
    *,
    opening: options.ModelFlags,
    labels: options.LabelFlags,
    preparing: options.PreprocessingFlags,
    jobs: options.Jobs = None,
    format: Annotated[  # noqa: A002 - the option's name
        list[str] | None,
        typer.Option(
            "--format",
            "-f",
            help=f"{', '.join(format_names(Kind.COMPARISON))}; repeatable with --out. Default: text.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path, typer.Option("--out", "-o", help="The folder for the files, or - for stdout, which takes one format.")
    ] = Path("-"),
    self_contained: options.SelfContained = False,
) -> None:
    """Compare evaluations of the same images: every other one with the first.

    Shows what the second model fixed and broke, and the difference of the accuracies with its interval. McNemar's exact
    test says whether chance can explain it. All of it for the whole set and for each class and slice.

    **Examples**

    `batch-eval compare reports/old reports/new`

    `batch-eval compare photos --model old.keras --model new.keras --format html --out comparison`
    """
    from batch_eval.api import evaluate
    from batch_eval.cli.console import say, tell
    from batch_eval.cli.finish import checked_for
    from batch_eval.evaluation.paired import compare as compare_evaluations
    from batch_eval.reports.context import ReportContext
    from batch_eval.reports.writing import write_report, write_reports

    formats = checked_for(format or ["text"], out, Kind.COMPARISON)
    if model:
        folder = _one_folder(inputs, model)
        evaluations = [
            evaluate(folder, opening.options(path), labels.options(), preparing.options(), jobs=jobs) for path in model
        ]
        for note in dict.fromkeys(note for one in evaluations for note in one.provenance.notes):
            say(f"Note: {note}")
    else:
        _check_for_saved(context)
        evaluations = _load(inputs)
    comparison = compare_evaluations(evaluations, _names(evaluations, model or inputs))
    shown = ReportContext(self_contained=self_contained)
    if str(out) == "-":
        write_report(comparison, formats[0], "-", kind=Kind.COMPARISON, context=shown)
        return
    for path in write_reports(comparison, out, formats, kind=Kind.COMPARISON, context=shown):
        tell(str(path))


def _check_for_saved(context: typer.Context) -> None:
    """Raise ConfigError for command-line options that do not apply to saved evaluations."""
    from batch_eval.errors import ConfigError

    idle = [
        parameter.opts[0]
        for parameter in context.command.params
        if parameter.param_type_name == "option"
        and parameter.name not in _FOR_SAVED
        and _is_typed(context, parameter.name)
    ]
    if idle:
        raise ConfigError(
            f"saved evaluations are compared as they are, so that {', '.join(idle)} would change nothing. "
            "Leave it out, or name a folder of images and several --model."
        )


def _is_typed(context: typer.Context, name: str | None) -> bool:
    """Whether an option stands on the command line, rather than in the configuration."""
    source = context.get_parameter_source(name or "")
    return source is not None and source.name == "COMMANDLINE"  # Typer exports the names of sources nowhere


def _one_folder(inputs: Sequence[Path], models: Sequence[Path]) -> Path:
    from batch_eval.errors import ConfigError

    if len(inputs) != 1 or len(models) < 2:
        raise ConfigError(
            f"{len(models)} --model and {len(inputs)} folders were given. "
            "Name one folder of images and two models or more, or saved evaluations without --model."
        )
    return inputs[0]


def _load(inputs: Sequence[Path]) -> list[Evaluation]:
    from batch_eval.cli.finish import load_saved
    from batch_eval.errors import ConfigError

    if len(inputs) < 2:
        raise ConfigError("one evaluation cannot be compared. Name two or more, or a folder and several --model.")
    return [load_saved(path) for path in inputs]


def _names(evaluations: Sequence[Evaluation], paths: Sequence[Path]) -> list[str]:
    """Return the models' names if they differ, else the paths as given."""
    # Two runs of one model under different recipes have the same model name; their paths differ.
    names = [evaluation.provenance.model for evaluation in evaluations]
    return names if len(set(names)) == len(names) else [str(path) for path in paths]
