"""Which labels a set is read with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

Labels = Mapping[str, object] | Iterable[object]
"""Labels from Python: one for each image in order, or by the image's name."""


@dataclass(frozen=True, slots=True)
class LabelOptions:
    """Where the labels are. With nothing given, all that is there is looked at and chosen by evidence.

    ``file`` is a label file, or ``-`` for stdin; ``given`` are labels from Python. ``path_column`` and ``label_column``
    name two columns of the file, ``encoding`` how its text is encoded. ``pattern`` is a regular expression for image
    paths, whose group ``label`` is the label. ``offset`` is added to every label that is a number. ``split`` takes the
    images of one part of the set, such as ``test``.
    """

    file: Path | None = None
    path_column: str | None = None
    label_column: str | None = None
    pattern: str | None = None
    encoding: str | None = None
    offset: int | None = None
    split: str | None = None
    given: Mapping[str, object] | tuple[object, ...] | None = None

    @classmethod
    def of(cls, labels: LabelOptions | str | Path | Labels | None) -> LabelOptions:
        """Return the options. A path alone is a label file. Anything else is the labels themselves."""
        if isinstance(labels, LabelOptions):
            return labels
        if labels is None or isinstance(labels, str | Path):
            return cls(Path(labels) if labels else None)
        return cls(given=labels if isinstance(labels, Mapping) else tuple(labels))
