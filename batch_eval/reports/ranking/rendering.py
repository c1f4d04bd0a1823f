"""Fills the templates of a ranking, and its sentences, the same in every format."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from batch_eval.evaluation.ranking import Place, Ranking
from batch_eval.reports.templating import fill
from batch_eval.wording import counted, file_size

FILES = Path(__file__).with_name("files")
"""Folder of the templates and the style sheet."""
METHOD = (
    "Rank: 1 + the number of models that are significantly better (McNemar's exact test for each pair, with Holm's "
    "correction for all pairs, p < 0.05)."
)


def size_text(place: Place) -> str:
    """Return the size of a model's file; an en dash where unknown."""
    return file_size(place.facts.size) if place.facts else "–"


def parameters_text(place: Place) -> str:
    """Return the number of a model's parameters; an en dash where unknown."""
    return f"{place.facts.parameters:,}" if place.facts and place.facts.parameters is not None else "–"


def milliseconds_text(place: Place) -> str:
    """Return the milliseconds that an image takes; an en dash where unknown."""
    if not place.facts or place.facts.milliseconds is None:
        return "–"
    milliseconds = place.facts.milliseconds
    return f"{milliseconds:.2g}" if milliseconds < 10 else f"{milliseconds:,.0f}"


def basis(ranking: Ranking) -> str:
    """Return the sentence that says what was ranked."""
    models, images = len(ranking.places), len(ranking.shared.ids)
    text = f"{counted(models, 'model')} on {counted(images, 'image')}."
    if ranking.failed:
        text += f" {len(ranking.failed):,} more could not be evaluated."
    if any(place.evaluation.scored > images for place in ranking.places):
        text += " Some models scored more images; these are the ones that all scored under the same label."
    return text


def leaders(ranking: Ranking) -> str:
    """Return the sentence that says who leads."""
    first = sum(place.rank == 1 for place in ranking.places)
    others = len(ranking.places) - 1
    if first > 1:
        return f"The first {first:,} share rank 1: no model is significantly better than any of them."
    if not others:
        return ""
    # Alone at rank 1, the first need not be significantly better than all: others may be beaten by someone else.
    beaten = ranking.beaten_by(0)
    whom = "the other" if others == 1 else "all others" if beaten == others else f"{beaten:,} of {others:,} others"
    return f"The first is significantly better than {whom}."


_FILTERS: Mapping[str, Callable[..., str]] = {
    "size_text": size_text,
    "parameters_text": parameters_text,
    "milliseconds_text": milliseconds_text,
}


def render(template: str, ranking: Ranking, **more: Any) -> bytes:
    """Return a filled template."""
    return fill(
        FILES,
        template,
        _FILTERS,
        ranking=ranking,
        basis=basis(ranking),
        leaders=leaders(ranking),
        method=METHOD,
        **more,
    )
