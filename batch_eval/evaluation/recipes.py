"""How a model reads these images under each recipe, side by side."""

from __future__ import annotations

from typing import NamedTuple

from batch_eval.engines.rows import TrialKind
from batch_eval.evaluation.records import Evaluation
from batch_eval.wording import percent

FEWEST_RECIPES = 2
"""Other recipes that must have read the sample. A single one is a trial that explains a low accuracy."""


class RecipeShare(NamedTuple):
    """How many images of the sample a recipe gets right."""

    name: str
    right: int
    images: int


def recipe_shares(evaluation: Evaluation) -> list[RecipeShare]:
    """Return the run's own recipe and the others, the best first. Empty where they were not compared."""
    trials = [trial for trial in evaluation.trials if trial.kind is TrialKind.RECIPE]
    # all were read on the same images, except for one that was tried alone
    images = max((trial.images for trial in trials[:FEWEST_RECIPES]), default=0)
    compared = [trial for trial in trials if trial.images == images]
    if len(compared) < FEWEST_RECIPES:
        return []
    own = RecipeShare(evaluation.provenance.preprocess, compared[0].right_now, images)
    others = (RecipeShare(trial.option.removeprefix("--preprocess "), trial.right, images) for trial in compared)
    return sorted([own, *others], key=lambda share: -share.right)


def recipes_line(evaluation: Evaluation) -> str:
    """Return the shares in one sentence; empty where recipes were not compared.

    ``Recipes side by side on a sample of 80 images: photo 97.5 % (this run), mnist 61.2 %, simple 40.0 %.``
    """
    shares = recipe_shares(evaluation)
    if not shares:
        return ""
    own, images = evaluation.provenance.preprocess, shares[0].images
    which = f"these {images:,} images" if images == evaluation.scored else f"a sample of {images:,} images"
    parts = [
        f"{share.name} {percent(share.right / images)}{' (this run)' if share.name == own else ''}" for share in shares
    ]
    return f"Recipes side by side on {which}: {', '.join(parts)}."
