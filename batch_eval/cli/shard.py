"""batch-eval run --shard: evaluate a share of a set, and write its parts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from batch_eval.cli.grouping import typed_options
from batch_eval.cli.options import LOCAL, RAY, LabelFlags, ModelFlags, PartFlags, PreprocessingFlags
from batch_eval.errors import ConfigError

if TYPE_CHECKING:
    from batch_eval.dataset import LabelOptions
    from batch_eval.engines.reader import Reader
    from batch_eval.parts.places import PartPlace
    from batch_eval.parts.running import Engine, PartedSet

_GROUPS = (ModelFlags, LabelFlags, PreprocessingFlags, PartFlags)
_APPLY = frozenset(
    {
        "model",
        "compare_recipes",
        "jobs",
        "out",
        "quiet",
        *(name for group in _GROUPS for name in group.__dataclass_fields__),
    }
)
"""Parameters of `run` that make sense for parts; the others are about reports and gates, which `merge` makes."""


def run_shard(
    context: typer.Context,
    places: Sequence[Path],
    open_reader: Callable[[], Reader],
    labels: LabelOptions,
    *,
    parts: PartFlags,
    compare_recipes: bool,
    out: Path | None,
    jobs: int | None,
    quiet: bool,
) -> None:
    """Evaluate the parts of a shard that are not done, and write them to a folder or a bucket.

    Raises ConfigError for options that apply to reports, and without a place.
    """
    from batch_eval.api import reader_task, task_notes
    from batch_eval.cli.console import progress_bar, say
    from batch_eval.parts.plan import ALL, parse_shard
    from batch_eval.parts.running import prepare

    engine = _engine(parts.engine)
    shard = ALL if parts.shard is None else parse_shard(parts.shard)
    place = _checked_place(context, out)
    reader = open_reader()
    found = _parted(places, labels, reader)
    task = reader_task(found.dataset, reader)
    run = prepare(task, found, shard, place, resume=parts.resume, compare_recipes=compare_recipes)
    wanted = found.plan.shard(shard)
    if not quiet:
        say(f"Labels: {found.dataset.label_source}")
        for note in task_notes(task):
            say(f"Note: {note}")
        done = len(wanted) - len(run.wanted)
        said = f"{len(wanted):,} of {found.plan.parts:,} parts, {done:,} of them done"
        say(f"Shard {shard.number}/{shard.count}: {said}.")
    with progress_bar(run.count, hidden=quiet) as progress:
        for _ in run.evaluate(engine=engine, jobs=jobs, progress=progress):
            pass
    if not quiet:
        said = place.called()
        say(f"Parts in {said}. When all shards are done: batch-eval merge {said} --out results")


def _engine(name: str) -> Engine:
    """Return what evaluates parts. Raises ConfigError for an unknown name, and where Ray is not installed."""
    if name == LOCAL:
        from batch_eval.parts.running import PartWork

        return PartWork.evaluate
    if name != RAY:
        raise ConfigError(f"--engine {name} is unknown. Expected {LOCAL} or {RAY}.")
    from batch_eval.parts.ray_engine import check_installed, evaluate

    check_installed()
    return evaluate


def _checked_place(context: typer.Context, out: Path | None) -> PartPlace:
    """Return the place for parts.

    Raises ConfigError for options that do not apply, ReportError or StoreError if it cannot be written.
    """
    from batch_eval.parts.places import place_of

    idle = typed_options(context, _APPLY)
    if idle:
        raise ConfigError(
            f"--shard, --resume and --engine ray write parts, no reports, so that {', '.join(idle)} would change "
            "nothing. Give reports and gates to `batch-eval merge`."
        )
    if out is None or str(out) == "-":
        raise ConfigError(
            "--shard, --resume and --engine ray write parts, into a folder or a bucket. Name it with --out, such as "
            "--out parts."
        )
    place = place_of(out)
    place.check()
    return place


def _parted(places: Sequence[Path], labels: LabelOptions, reader: Reader) -> PartedSet:
    """Return the set in parts: of a manifest, which is read part by part, or of what is found at the places."""
    from batch_eval.dataset import load_dataset
    from batch_eval.dataset.manifest import as_manifest, checked
    from batch_eval.parts.running import parted, parted_manifest

    names = reader.classifier.class_names
    manifest = as_manifest(places)
    if manifest is not None:
        return parted_manifest(checked(manifest, names, labels))
    return parted(load_dataset(places, labels, names), names)
