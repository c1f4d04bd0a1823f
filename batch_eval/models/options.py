"""Which model is opened, and how."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class ModelOptions:
    """A model file, and what the file does not say."""

    path: Path | None = None
    """The file or SavedModel folder. None is the model that ships with the package."""
    network: str | None = None
    """Name of the network, for a weights-only file (``.weights.h5``)."""
    class_names: tuple[str, ...] | None = None
    """One name per output. None means ``"0"`` to ``"9"``."""
    input_range: str = "auto"
    """``0..1``, ``0..255``, ``-1..1``, or ``auto`` to infer it from a leading Rescaling or Normalization."""
    trust: bool = False
    """Whether to open models that are programs: SavedModel folders and Lambda layers."""

    @classmethod
    def of(cls, model: ModelOptions | str | Path | None) -> ModelOptions:
        """Return the options for a model; a path alone gets the defaults."""
        if isinstance(model, ModelOptions):
            return model
        return cls(Path(model) if model else None)
