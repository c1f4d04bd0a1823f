"""Images that a person names: single files, a list of paths, or a table whose cells are paths."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from batch_eval.dataset.labels.gathering import is_label_file_name
from batch_eval.dataset.labels.paths import forms
from batch_eval.dataset.labels.reading import Reading
from batch_eval.dataset.labels.tables import Table
from batch_eval.dataset.names import is_image
from batch_eval.errors import DatasetError
from batch_eval.files import read
from batch_eval.wording import printable

SAMPLE = 200
"""Rows of a table by which its column of images is found."""


class Listed:
    """Images by their paths, in the order in which they are named."""

    labels: Reading | None = None
    notes: tuple[str, ...] = ()

    def __init__(
        self, name: str, folder: Path, images: Sequence[str], others: Sequence[str] = (), *, whole: bool = True
    ) -> None:
        """``whole`` is False for some images of a folder, which may hold more."""
        self.name = name
        self.whole = whole
        self._folder = folder
        self.images = images
        self.others = others

    @property
    def roots(self) -> tuple[str, ...]:
        """The folder that holds all images."""
        return os.path.abspath(self._folder), os.path.realpath(self._folder)

    def read(self, file: str) -> bytes:
        """Return a file's bytes. Raises UnreadableImageError with the reason."""
        return read(os.path.join(self._folder, file))

    def read_other(self, path: str) -> bytes:
        """Return a file's bytes. Raises UnreadableImageError with the reason."""
        return self.read(path)

    def size(self, file: str) -> int:
        """Return a file's length in bytes, 0 where it cannot be read."""
        try:
            return os.stat(os.path.join(self._folder, file)).st_size
        except OSError:  # the reading will say why
            return 0


def list_paths(paths: Sequence[Path]) -> Listed:
    """Return single files as a set. Each is called by its path from their common folder, whose label files count."""
    absolute = [os.path.abspath(path) for path in paths]
    folder = os.path.commonpath([os.path.dirname(path) for path in absolute])
    images = [os.path.relpath(path, folder).replace(os.sep, "/") for path in absolute]
    name = paths[0].name if len(paths) == 1 else os.path.basename(folder) or folder
    beside = [file.name for file in os.scandir(folder) if is_label_file_name(file.name) and file.is_file()]
    return Listed(name, Path(folder), list(dict.fromkeys(images)), sorted(beside), whole=False)


def list_of_table(path: Path, table: Table) -> Listed | None:
    """Return the images that a table of paths names. Return None if no column names an existing file.

    Paths are relative to the table, or to where the program was started.
    """
    for folder in (path.parent, Path()):
        for position in range(table.width):
            cells = [cells[position] for _, cells in table.rows]
            # A sample is looked for on the disk first. Only for the right column, all cells are.
            sample = cells[:: max(1, len(cells) // SAMPLE)]
            if any(_found(folder, cell) for cell in sample):
                images = list(dict.fromkeys(found for cell in cells if (found := _found(folder, cell))))
                others = [path.name] if folder == path.parent else [os.path.abspath(path)]
                return Listed(path.name, folder, images, others)
    return None


def _found(folder: Path, cell: str) -> str:
    """Return the path of an image that a cell names, from the folder. Return nothing if there is none."""
    for form in forms(cell):
        if is_image(form) and os.path.isfile(os.path.join(folder, form)):
            return os.path.relpath(os.path.join(folder, form), folder).replace(os.sep, "/")
    return ""


def check_images(paths: Sequence[Path]) -> None:
    """Raise DatasetError where a path leads nowhere."""
    for path in paths:
        if not path.exists():
            raise DatasetError(f"{printable(str(path))} does not exist (looked from {printable(os.getcwd())}).")
