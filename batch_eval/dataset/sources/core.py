"""The protocol of a source: named images in order, the files beside them, and how to read each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, Union

from batch_eval.dataset.labels.named import NamedFiles
from batch_eval.dataset.labels.reading import Reading

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Content = Union[bytes, "NDArray[np.uint8]"]
"""An image: the bytes of a file, or decoded, (H, W) or (H, W, 3) BGR uint8."""


class Source(NamedFiles, Protocol):
    """A set of images in one place, of which each is read by its name."""

    @property
    def name(self) -> str:
        """What reports call the set."""

    @property
    def labels(self) -> Reading | None:
        """The labels that the source itself has; None where they are to be found in its files and paths."""

    @property
    def notes(self) -> tuple[str, ...]:
        """Remarks for the user."""

    def read(self, file: str) -> Content:
        """Return an image; raises UnreadableImageError with the reason."""
