"""Which labels a folder is read with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class LabelOptions:
    """Where the labels are. With nothing given, label files, class folders and file names are looked at in turn.

    ``file`` is a label file, ``path_column`` and ``label_column`` name two of its columns. ``pattern`` is a regular
    expression for image paths, whose group ``label`` is the label.
    """

    file: Path | None = None
    path_column: str | None = None
    label_column: str | None = None
    pattern: str | None = None

    @classmethod
    def of(cls, labels: LabelOptions | str | Path | None) -> LabelOptions:
        """Return the options, where a path alone is a label file."""
        if isinstance(labels, LabelOptions):
            return labels
        return cls(Path(labels) if labels else None)
