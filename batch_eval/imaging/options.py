"""How images are prepared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class PreprocessingOptions:
    """A recipe, and what is changed in it.

    ``recipe`` is `photo`, `mnist`, `simple` or `none`. ``skip`` names steps to switch off, ``adjust`` sets numbers of
    steps, such as ``{"stroke.thickest": 3}``.
    """

    recipe: str = "photo"
    skip: tuple[str, ...] = ()
    adjust: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, preprocess: PreprocessingOptions | str) -> PreprocessingOptions:
        """Return the options, where a name alone is a recipe."""
        return preprocess if isinstance(preprocess, PreprocessingOptions) else cls(preprocess)
