"""How images are prepared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class PreprocessingOptions:
    """A recipe and its changes."""

    recipe: str = "photo"
    """`photo`, `mnist`, `simple` or `none`."""
    skip: tuple[str, ...] = ()
    """Steps to skip."""
    adjust: Mapping[str, float] = field(default_factory=dict)
    """Numbers of steps to set, such as ``{"stroke.thickest": 3}``."""

    @classmethod
    def of(cls, preprocess: PreprocessingOptions | str) -> PreprocessingOptions:
        """Return the options. A string is the name of a recipe."""
        return preprocess if isinstance(preprocess, PreprocessingOptions) else cls(preprocess)
