"""The card that ``batch-eval train`` writes beside a model. It states the classes, and so the usual convention."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

ENDINGS = (".weights.h5", ".keras", ".h5", ".hdf5")
"""Endings of the models that have cards."""
_MAX_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class StatedCard:
    """What a card says that the model file does not."""

    class_names: tuple[str, ...]


def card_beside(model: Path, sha256: str) -> StatedCard | None:
    """Return the card of exactly this model file. It is None if missing, or about another file."""
    ending = next((ending for ending in ENDINGS if model.name.endswith(ending)), "")
    file = model.with_name(f"{model.name.removesuffix(ending)}.card.json")
    if not ending or not file.is_file() or file.stat().st_size > _MAX_BYTES:
        return None
    try:
        content = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError):  # a card is a courtesy: without it the model is tested
        return None
    if not isinstance(content, dict) or content.get("model_sha256") != sha256:
        return None
    names = content.get("class_names")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        return None
    return StatedCard(tuple(names))
