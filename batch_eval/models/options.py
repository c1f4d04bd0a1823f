"""Which model is opened, and how."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class ModelOptions:
    """A model file, and what it cannot say of itself.

    Attributes:
        path: The file or SavedModel folder; None is the model that ships with the package.
        network: The name of the network whose weights alone the file holds (``.weights.h5``).
        class_names: One name for each output; None means ``"0"`` to ``"9"``.
        input_range: ``0..1``, ``0..255``, ``-1..1``, or ``auto``: what a leading Rescaling or Normalization says.
        trust: Open also what is a program by nature: SavedModel folders and Lambda layers.

    """

    path: Path | None = None
    network: str | None = None
    class_names: tuple[str, ...] | None = None
    input_range: str = "auto"
    trust: bool = False

    @classmethod
    def of(cls, model: ModelOptions | str | Path | None) -> ModelOptions:
        """Return the options, where a path alone is a model file."""
        if isinstance(model, ModelOptions):
            return model
        return cls(Path(model) if model else None)
