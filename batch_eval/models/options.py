"""Which model is opened, and how."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from batch_eval.models.budget import Limits

DEFAULT_MODEL = Path(__file__).parent / "data" / "default.keras"
"""The model that ships with the package."""


@dataclass(frozen=True, slots=True)
class ModelOptions:
    """A model file, and what the file does not say."""

    path: Path | None = None
    """The file or SavedModel folder. None is the model that ships with the package."""
    network: str | None = None
    """Name of the network, for a weights-only file (``.weights.h5``)."""
    class_names: tuple[str, ...] | None = None
    """One name per output. None means the ten digits."""
    input_range: str = "auto"
    """A name in ``RANGES``, ``mean,deviation``, or ``auto``: what the file states, else what the self-test finds."""
    trust: bool = False
    """Whether to open models that are programs: SavedModel folders and Lambda layers."""
    ink: str = "auto"
    """``bright`` (on dark), ``dark`` (on bright), or ``auto`` for the self-test."""
    transposed: bool | None = None
    """Whether the model takes rows for columns, as in EMNIST's files. None for the self-test."""
    only: tuple[str, ...] | None = None
    """Classes to choose from; the model's other outputs are left out. None means all."""
    memory: float = 1.0
    """Gigabytes that the weights and one image may take."""
    timeout: float = 5.0
    """Seconds that opening it, and each batch of images, may take. Converted Keras models of usual size have none."""

    architecture: Path | None = None
    """JSON file with the layers of a weights-only file, as ``model.to_json`` writes it. None is the one beside it."""

    @property
    def limits(self) -> Limits:
        """The limits of memory and time; raises ConfigError where one is invalid."""
        return Limits.of(self.memory, self.timeout)

    @property
    def file(self) -> Path:
        """The model's file, also where it is the one that ships with the package."""
        return self.path or DEFAULT_MODEL

    @classmethod
    def of(cls, model: ModelOptions | str | Path | None) -> ModelOptions:
        """Return the options for a model; a path alone gets the defaults."""
        if isinstance(model, ModelOptions):
            return model
        return cls(Path(model) if model else None)
