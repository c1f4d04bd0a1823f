"""batch-eval train --network ink: train what finds a digit's ink."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from batch_eval.cli.training_options import SettingsFlags

APPLICABLE = frozenset({"network", "data", "out", "epochs", "learning_rate", "seed", "checkpoints", "resume"})
"""Options of `train` that an ink network takes."""


def given_options(context: typer.Context) -> set[str]:
    """Return the options that the user has typed or set in the environment. A configuration file may serve others."""
    sources = {name: context.get_parameter_source(name) for name in context.params}
    return {name for name, source in sources.items() if source and source.name in ("COMMANDLINE", "ENVIRONMENT")}


def train_ink(data: Path | None, out: Path, training: SettingsFlags, given: Collection[str]) -> None:
    """Train an ink network and save it with its card.

    ``given`` are the names of the options that the user has set. Raises TrainingError if one does not apply.
    """
    from batch_eval.cli.console import say
    from batch_eval.cores import available_cores
    from batch_eval.errors import TrainingError
    from batch_eval.publishing import check_writable
    from batch_eval.training.data import load_training_data
    from batch_eval.training.ink.saving import check_name, save_ink
    from batch_eval.training.ink.training import EPOCH, InkSettings
    from batch_eval.training.ink.training import train_ink as train_network

    foreign = sorted(set(given) - APPLICABLE)
    if foreign:
        names = ", ".join("--" + name.replace("_", "-") for name in foreign)
        raise TrainingError(f"--network ink does not take {names}. It learns from scenes that the program draws.")
    check_name(out)
    check_writable(out.parent)
    loaded = load_training_data(data, seed=training.seed)
    if not loaded.are_digits:
        raise TrainingError(f"{loaded.source} does not hold digits. --network ink draws its scenes with digits.")
    if training.checkpoints:
        check_writable(training.checkpoints, "--checkpoints")
        training.checkpoints.mkdir(parents=True, exist_ok=True)
    usual = InkSettings()
    settings = InkSettings(
        steps=training.epochs * EPOCH if training.epochs else usual.steps,
        seed=training.seed,
        learning_rate=training.learning_rate or usual.learning_rate,
        start=training.resume,
        checkpoint=training.checkpoints / "ink.keras" if training.checkpoints else None,
        processes=max(1, available_cores() - 1),
    )
    say(f"Data: {loaded.source}, {len(loaded.train):,} digits to draw scenes with, beside those that are drawn")
    result = train_network(loaded.train, settings, say)
    card = save_ink(result, loaded, settings, out, say)
    parts = ", ".join(f"{share:.3f} at {side} px" for side, share in card.overlap.items())
    typer.echo(
        f"Mean overlap of found and true ink, on drawn scenes: {parts}; {card.blank:.1%} of blank ones stay blank"
    )
