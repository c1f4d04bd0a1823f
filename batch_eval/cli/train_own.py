"""batch-eval train --network ink or score: train the program's own networks.

One finds a digit's ink. The other tells digits from other things.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from batch_eval.cli.training_options import SettingsFlags
    from batch_eval.training.data import TrainingData

INK, SCORE = "ink", "score"
"""Networks that prepare and judge images. They are trained on drawn pictures, each by a recipe of its own."""
APPLICABLE = {
    INK: frozenset({"network", "data", "out", "epochs", "learning_rate", "seed", "checkpoints", "resume"}),
    SCORE: frozenset({"network", "data", "out", "epochs", "learning_rate", "seed"}),
}
"""Options of `train` that these networks take."""


def given_options(context: typer.Context) -> set[str]:
    """Return the options that the user has typed or set in the environment. A configuration file may serve others."""
    sources = {name: context.get_parameter_source(name) for name in context.params}
    return {name for name, source in sources.items() if source and source.name in ("COMMANDLINE", "ENVIRONMENT")}


def train_own(data: Path | None, out: Path, training: SettingsFlags, given: Collection[str]) -> None:
    """Train an ink or score network and save it with its card.

    ``given`` are the names of the options that the user has set. Raises TrainingError if one does not apply.
    """
    from batch_eval.cli.console import say
    from batch_eval.errors import TrainingError
    from batch_eval.publishing import check_writable
    from batch_eval.training.data import load_training_data
    from batch_eval.training.ink.saving import check_name

    network = training.network
    foreign = sorted(set(given) - APPLICABLE[network])
    if foreign:
        names = ", ".join("--" + name.replace("_", "-") for name in foreign)
        raise TrainingError(f"--network {network} does not take {names}. It learns from what the program draws.")
    # training takes long: where the results go is checked before it
    check_name(out)
    check_writable(out.parent)
    loaded = load_training_data(data, seed=training.seed)
    if not loaded.are_digits:
        raise TrainingError(f"{loaded.source} does not hold digits. --network {network} draws with digits.")
    if training.checkpoints:
        check_writable(training.checkpoints, "--checkpoints")
        training.checkpoints.mkdir(parents=True, exist_ok=True)
    say(f"Data: {loaded.source}, {len(loaded.train):,} digits to draw with, beside those that are drawn")
    if network == SCORE:
        _train_score(loaded, out, training)
    else:
        _train_ink(loaded, out, training)


def _train_ink(data: TrainingData, out: Path, training: SettingsFlags) -> None:
    from batch_eval.cli.console import say
    from batch_eval.cores import available_cores
    from batch_eval.training.ink.saving import save_ink
    from batch_eval.training.ink.training import EPOCH, InkSettings, train_ink

    usual = InkSettings()
    settings = InkSettings(
        steps=training.epochs * EPOCH if training.epochs else usual.steps,
        seed=training.seed,
        learning_rate=training.learning_rate or usual.learning_rate,
        start=training.resume,
        checkpoint=training.checkpoints / "ink.keras" if training.checkpoints else None,
        # one core is left to the training itself; the others draw its pictures
        processes=max(1, available_cores() - 1),
    )
    card = save_ink(train_ink(data.train, settings, say), data, settings, out, say)
    parts = ", ".join(f"{share:.3f} at {side} px" for side, share in card.overlap.items())
    typer.echo(
        f"Mean overlap of found and true ink, on drawn scenes: {parts}; {card.blank:.1%} of blank ones stay blank"
    )


def _train_score(data: TrainingData, out: Path, training: SettingsFlags) -> None:
    from batch_eval.cli.console import say
    from batch_eval.models.ink_model import open_ink_model
    from batch_eval.training.score.saving import save_score
    from batch_eval.training.score.training import ScoreSettings, train_score

    usual = ScoreSettings()
    settings = ScoreSettings(
        epochs=training.epochs or usual.epochs,
        seed=training.seed,
        learning_rate=training.learning_rate or usual.learning_rate,
    )
    model, seconds = train_score(data.train, open_ink_model(), settings, say)
    card = save_score(model, seconds, data, open_ink_model(), settings, out, say)
    typer.echo(f"Area under the ROC curve, digits against other things, on drawn images: {card.auroc:.4f}")
