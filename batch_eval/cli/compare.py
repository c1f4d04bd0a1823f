"""batch-eval compare: what one model fixed and broke against another, on the same images."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from batch_eval.cli import options

if TYPE_CHECKING:
    from batch_eval.evaluation import Evaluation
    from batch_eval.paired import Comparison


_FOR_SAVED = ("model", "format", "out", "self_contained")
"""The options that a comparison of saved evaluations takes; the others are about running models."""


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
    labels: options.Labels = None,
    path_column: options.PathColumn = None,
    label_column: options.LabelColumn = None,
    label_pattern: options.LabelPattern = None,
    preprocess: options.Preprocess = "photo",
    skip: options.Skip = None,
    adjust: options.Adjust = None,
    classes: options.Classes = None,
    input_range: options.InputRange = "auto",
    trust_model: options.TrustModel = False,
    jobs: options.Jobs = None,
    format: Annotated[  # noqa: A002 - the option's name
        list[str] | None,
        typer.Option(
            "--format",
            "-f",
            help="text, json, markdown or html; repeatable with --out. Default: text.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path, typer.Option("--out", "-o", help="The folder for the files, or - for stdout, which takes one format.")
    ] = Path("-"),
    self_contained: options.SelfContained = False,
) -> None:
    """Compare evaluations of the same images: every other one with the first.

    Shows what the second model fixed and broke, McNemar's exact test, and the difference of the accuracies with its
    interval, for all images and for each class and slice.

    **Examples**

    `batch-eval compare reports/old reports/new`

    `batch-eval compare photos --model old.keras --model new.keras --format html --out comparison`
    """
    from batch_eval.api import evaluate
    from batch_eval.cli.console import say
    from batch_eval.imaging import parse_adjustments
    from batch_eval.paired import compare as compare_evaluations

    formats = _checked_formats(format or ["text"], out)
    if model:
        folder = _one_folder(inputs, model)
        evaluations = [
            evaluate(
                folder,
                model=path,
                labels=labels,
                path_column=path_column,
                label_column=label_column,
                label_pattern=label_pattern,
                preprocess=preprocess,
                skip=skip or (),
                adjust=parse_adjustments(adjust or ()),
                classes=options.class_names(classes),
                input_range=input_range,
                trust_model=trust_model,
                jobs=jobs,
            )
            for path in model
        ]
        for note in dict.fromkeys(note for one in evaluations for note in one.provenance.notes):
            say(f"Note: {note}")
    else:
        _check_for_saved(context)
        evaluations = _load(inputs)
    _write(compare_evaluations(evaluations, _names(evaluations, model or inputs)), formats, out, self_contained)


def _checked_formats(given: Sequence[str], out: Path) -> tuple[str, ...]:
    """Return the formats to write, when they and the place for them are right."""
    from batch_eval.comparison.formats import check_format
    from batch_eval.errors import ConfigError
    from batch_eval.output import check_writable

    formats = tuple(dict.fromkeys(given))
    for name in formats:
        check_format(name)
    if str(out) != "-":
        check_writable(out)
    elif len(formats) > 1:
        raise ConfigError(f"stdout takes one format, but {len(formats)} were given. Name a folder with --out.")
    return formats


def _check_for_saved(context: typer.Context) -> None:
    """Raise ConfigError for options of the command line that saved evaluations have no use for."""
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
    """Return the models' names where they tell the evaluations apart, else the paths as they were given."""
    names = [evaluation.provenance.model for evaluation in evaluations]
    return names if len(set(names)) == len(names) else [str(path) for path in paths]


def _write(comparison: Comparison, formats: Sequence[str], out: Path, self_contained: bool) -> None:
    """Write the documents into a folder, or the only one to stdout."""
    from batch_eval.comparison.formats import document, files
    from batch_eval.output import publish, to_stdout

    if str(out) == "-":
        to_stdout(document(comparison, formats[0]))
        return
    contents = (
        ("comparison", path, data)
        for name in formats
        for path, data in files(comparison, name, self_contained=self_contained)
    )
    for path in publish(out, contents, say=None):
        typer.echo(path)
