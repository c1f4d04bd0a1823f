"""batch-eval compare: which model reads the same images best.

Of two models it says what the second fixed and broke.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from batch_eval.cli import options
from batch_eval.cli.documents import formats_for, write
from batch_eval.cli.grouping import grouped, typed_options
from batch_eval.reports.registry import Kind

if TYPE_CHECKING:
    from batch_eval.evaluation import Evaluation
    from batch_eval.studies.ranking import Candidate


_FOR_SAVED = ("model", "format", "out", "self_contained", "ranking")
"""Options that apply to saved evaluations; the others are about running models."""
PAIR = 2
"""Models that are compared with each other by default; more are ranked."""


@grouped
def compare(
    context: typer.Context,
    inputs: Annotated[
        list[Path],
        typer.Argument(
            help="A folder of images, then models: files, folders of models, or patterns such as 'models/*.keras'. Or "
            "saved evaluations of the same images (evaluation.json, or the folders that hold them).",
            show_default=False,
        ),
    ],
    model: Annotated[
        list[Path] | None,
        typer.Option("--model", "-m", help="A further model to run on the folder; repeatable.", show_default=False),
    ] = None,
    *,
    ranking: Annotated[
        bool | None,
        typer.Option(
            "--ranking/--pairs",
            help="Rank the models, or compare each with the first. Default: two are compared, more are ranked.",
            show_default=False,
        ),
    ] = None,
    anonymous: Annotated[
        bool, typer.Option("--anonymous", help="Call models by the beginning of their SHA-256, not by their names.")
    ] = False,
    opening: options.ModelFlags,
    labels: options.LabelFlags,
    preparing: options.PreprocessingFlags,
    jobs: options.Jobs = None,
    format: options.RankingFormat = None,  # noqa: A002 - the option's name
    out: options.DocumentOut = Path("-"),
    self_contained: options.SelfContained = None,
) -> None:
    """Rank models on the same images, or compare evaluations of them.

    A leaderboard has the accuracy of each model with its interval, its size and its speed. Models that the images
    cannot tell apart share a rank: McNemar's exact test, corrected for the number of pairs. A model that cannot be
    opened is listed with the reason. The images are decoded and prepared once for all models.

    Two models, or two saved evaluations, are compared as a pair: what the second fixed and broke, and the difference of
    the accuracies with its interval, for the whole set and for each class and slice.

    **Examples**

    `batch-eval compare photos models/ --out leaderboard`

    `batch-eval compare photos old.keras new.keras --format html --out comparison`

    `batch-eval compare reports/old reports/new`
    """
    from batch_eval.cli.console import progress_bar, say
    from batch_eval.dataset import load_dataset
    from batch_eval.evaluation.ranking import Entry, rank
    from batch_eval.models.model_files import find_models, model_names
    from batch_eval.reports.context import ReportContext
    from batch_eval.studies.ranking import (
        all_classes,
        anonymous_names,
        candidates_on,
        open_readers,
        pair_up,
        rank_candidates,
    )

    shown = ReportContext(self_contained=self_contained)
    # two commands in one: saved evaluations only are compared as they are; else the first input holds the images
    if not model and all(map(_is_saved, inputs)):
        _check_for_saved(context)
        ranked = len(inputs) > PAIR if ranking is None else ranking
        formats = formats_for(format, out, _kind(ranked))
        evaluations = _load(inputs)
        names = _names(evaluations, inputs)
        entries = [Entry(name, evaluation) for name, evaluation in zip(names, evaluations, strict=True)]
        subject = rank(entries) if ranked else _paired(evaluations, names)
        write(subject, formats, out, _kind(ranked), shown)
        return
    folder, *others = inputs
    _check_not_saved(folder, others, model or ())
    models = [opening.options(path) for path in find_models([*others, *(model or ())])]
    ranked = len(models) != PAIR if ranking is None else ranking
    formats = formats_for(format, out, _kind(ranked))
    names = anonymous_names(models) if anonymous else model_names([one.file for one in models])
    with progress_bar(len(models), "models opened") as progress:
        opened = open_readers(models, preparing.options(), progress)
    dataset = load_dataset(folder, labels.options(), all_classes(opened))
    say(f"Labels: {dataset.label_source}")
    candidates = candidates_on(dataset, opened)
    _say_failed(candidates, names)
    with progress_bar(len(dataset.samples), f"images, {len(models)} models") as progress:
        found = rank_candidates(candidates, names, jobs=jobs, progress=progress)
    # a pair needs two evaluations: where a model failed, only a leaderboard can name the reason
    if ranked or found.failed:
        write(found, formats, out, Kind.RANKING, shown)
        return
    for note in dict.fromkeys(note for place in found.places for note in place.evaluation.provenance.notes):
        say(f"Note: {note}")  # a leaderboard holds them
    write(pair_up(found, names, candidates), formats, out, Kind.COMPARISON, shown)


def _kind(ranked: bool) -> Kind:
    return Kind.RANKING if ranked else Kind.COMPARISON


def _paired(evaluations: Sequence[Evaluation], names: Sequence[str]) -> Any:
    from batch_eval.evaluation.paired import compare as compare_evaluations

    return compare_evaluations(evaluations, names)


def _check_for_saved(context: typer.Context) -> None:
    """Raise ConfigError for command-line options that do not apply to saved evaluations."""
    from batch_eval.errors import ConfigError

    idle = typed_options(context, _FOR_SAVED)
    if idle:
        raise ConfigError(
            f"saved evaluations are compared as they are, so that {', '.join(idle)} would change nothing. "
            "Leave it out, or name a folder of images and models."
        )


def _is_saved(path: Path) -> bool:
    """Whether a path is a saved evaluation, or would be one if it existed."""
    from batch_eval.publishing import EVALUATION_FILE, finish_swaps

    if path.is_dir() and not (path / EVALUATION_FILE).exists():
        finish_swaps(path)
    return path.suffix == ".json" or (path / EVALUATION_FILE).exists()


def _check_not_saved(folder: Path, others: Sequence[Path], models: Sequence[Path]) -> None:
    """Raise ConfigError where models are missing, or where a saved evaluation stands among them."""
    from batch_eval.errors import ConfigError

    for path in [*others, *models]:
        if _is_saved(path):
            raise ConfigError(
                f"{path} is a saved evaluation, but others are not. Name saved evaluations only, or a folder of images "
                "and models."
            )
    if not others and not models:
        raise ConfigError(f"no models were named. Name those to run on {folder}, or two saved evaluations.")


def _load(inputs: Sequence[Path]) -> list[Evaluation]:
    from batch_eval.cli.finish import load_saved
    from batch_eval.errors import ConfigError

    if len(inputs) < PAIR:
        raise ConfigError("one evaluation cannot be compared. Name two or more, or a folder of images and models.")
    return [load_saved(path) for path in inputs]


def _names(evaluations: Sequence[Evaluation], paths: Sequence[Path]) -> list[str]:
    """Return the models' names if they differ, else the paths as given."""
    # Two runs of one model under different recipes have the same model name; their paths differ.
    names = [evaluation.provenance.model for evaluation in evaluations]
    return names if len(set(names)) == len(names) else [str(path) for path in paths]


def _say_failed(candidates: Sequence[Candidate], names: Sequence[str]) -> None:
    """Say at once which models could not be opened; the leaderboard has the reasons."""
    from batch_eval.cli.console import say
    from batch_eval.errors import BatchEvalError
    from batch_eval.wording import listing

    failed = [name for one, name in zip(candidates, names, strict=True) if isinstance(one.task, BatchEvalError)]
    if failed:
        say(f"Not opened, {len(failed)} of {len(names)}: {listing(failed)}. The leaderboard has the reasons.")
