"""Open a set of images, whatever it is: each kind is told by what is there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from batch_eval.dataset.names import suffix
from batch_eval.dataset.sources.core import Source
from batch_eval.dataset.sources.folder import is_folder, open_folder
from batch_eval.errors import DatasetError
from batch_eval.wording import listing, printable

Place = str | Path
"""A folder or file that holds a set."""


def open_source(place: Place) -> Source:
    """Return the set at a place; raises DatasetError where there is none."""
    path = Path(place)
    if not is_folder(path):
        raise DatasetError(f"{printable(str(path))} is a file; expected a folder with images.")
    folder = open_folder(path)
    if not folder.images:
        raise _no_images(path, folder.others)
    return folder


def _no_images(root: Path, others: Sequence[str]) -> DatasetError:
    """Return the error for a folder without images, which says what is there instead."""
    shown = printable(str(root))
    expected = "Expected images (png, jpg, webp, bmp, tiff, gif, avif, heic, …) in it or in its subfolders"
    if not others:
        return DatasetError(f"The folder {shown} holds no files. {expected}.")
    kinds = Counter(suffix(path.rpartition("/")[2]) or "without suffix" for path in others)
    counted = listing([f"{n} {kind}" for kind, n in kinds.most_common()], most=5)
    return DatasetError(f"The folder {shown} holds no images; its files are: {counted}. {expected}.")
