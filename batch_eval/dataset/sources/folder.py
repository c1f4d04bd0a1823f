"""A folder of image files: nested folders, links that form a loop, names of any kind."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from batch_eval.dataset.labels.reading import Reading
from batch_eval.dataset.names import FOREIGN_SUFFIXES, is_image, is_junk, natural_key, suffix
from batch_eval.dataset.sources.signatures import LENGTH, is_image_data
from batch_eval.errors import DatasetError
from batch_eval.files import read
from batch_eval.publishing import (
    COMPARISON_FILES,
    EVALUATION_FILE,
    INSPECTION_FILES,
    LEADERBOARD_FILES,
    REPORT_FILES,
    STEPS_ENDING,
)
from batch_eval.wording import listing, printable

_LEFT_OUT = frozenset({REPORT_FILES, COMPARISON_FILES, INSPECTION_FILES, LEADERBOARD_FILES})


@dataclass(frozen=True, slots=True)
class Folder:
    """The files of a folder, as paths relative to it with ``/``, each list in natural order.

    ``images`` are files with the suffix of one. If a suffix does not tell, the first bytes do. ``others`` are the rest.
    Dot-files and what systems leave behind are in neither.
    """

    path: Path
    images: Sequence[str]
    others: Sequence[str]
    notes: tuple[str, ...] = ()
    labels: Reading | None = None

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.path.name or str(self.path)

    @property
    def roots(self) -> tuple[str, ...]:
        """The folder's absolute paths, as it was given and without links."""
        return os.path.abspath(self.path), os.path.realpath(self.path)

    def read(self, file: str) -> bytes:
        """Return a file's bytes. Raises UnreadableImageError with the reason."""
        return read(f"{self.path}/{file}")

    def read_other(self, path: str) -> bytes:
        """Return a file's bytes. Raises UnreadableImageError with the reason."""
        return self.read(path)

    def size(self, file: str) -> int:
        """Return a file's length in bytes, 0 where it cannot be read."""
        try:
            return os.stat(f"{self.path}/{file}").st_size
        except OSError:  # the reading will say why
            return 0


@dataclass(slots=True)
class _Walk:
    """The state of one walk. ``links`` are linked folders still to be read. ``seen`` are real paths of folders read.

    ``devices`` have the name of an image, and are pipes, sockets or devices: reading one may never end.
    """

    root: str
    seen: set[str]
    images: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    repeated: list[str] = field(default_factory=list)
    own: list[str] = field(default_factory=list)
    devices: list[str] = field(default_factory=list)

    def follow(self, prefix: str, real: str) -> None:
        """Read the folder at ``prefix`` (relative, empty or ending in ``/``) and the folders below it."""
        # A list of folders to read, rather than recursion: folders may be nested deeper than Python's stack.
        pending = [(prefix, real)]
        while pending:
            prefix, real = pending.pop()
            if real in self.seen:
                self.repeated.append(prefix.rstrip("/"))
                continue
            self.seen.add(real)
            if prefix and os.path.exists(f"{real}/{EVALUATION_FILE}"):  # reports, written among the images
                self.own.append(prefix.rstrip("/"))
                continue
            pending += [(f"{prefix}{name}/", f"{real}/{name}") for name in self._read(prefix)]

    def _read(self, prefix: str) -> list[str]:
        """Sort one folder's entries into the lists, and return the names of its own subfolders."""
        folders = []
        try:
            with os.scandir(f"{self.root}/{prefix}") as entries:
                for entry in entries:
                    name = entry.name
                    if is_junk(name) or name in _LEFT_OUT:
                        continue
                    if entry.is_symlink():
                        self._add_link(prefix + name)
                    elif entry.is_dir():
                        folders.append(name)
                    elif entry.is_file():
                        self._add_file(prefix + name)
                    elif is_image(name):
                        self.devices.append(prefix + name)
        except OSError as error:
            raise _unreadable(f"{self.root}/{prefix}", error) from error
        return folders

    def leave_out_pairs(self) -> None:
        """Leave out what `batch-eval preprocess` wrote: the strips of steps, and the images that they explain."""
        strips = [path for path in self.images if path.endswith(STEPS_ENDING)]
        pairs = {path.removesuffix(STEPS_ENDING) + ".png": path for path in strips}
        written = pairs.keys() & set(self.images) if pairs else set()
        if written:
            left_out = written | {pairs[path] for path in written}
            self.images = [path for path in self.images if path not in left_out]
            self.own += written

    def look_into(self) -> None:
        """Look at first bytes for images, in files without a suffix. If there is no image, look into all."""
        unclear = [path for path in self.others if not self.images or not suffix(path)[1:].isalpha()]
        found = {path for path in unclear if is_image_data(self._start(path))}
        self.images += found
        self.others = [path for path in self.others if path not in found]

    def _start(self, path: str) -> bytes:
        try:
            with open(f"{self.root}/{path}", "rb", buffering=0) as file:
                return file.read(LENGTH)
        except OSError:  # no image then, and whoever needs the file will say why
            return b""

    def _add_file(self, path: str) -> None:
        """Put a file into its list by its suffix."""
        (self.images if is_image(path) else self.others).append(path)

    def _add_link(self, path: str) -> None:
        """Keep a linked folder for later. A link that leads nowhere is a file, reported as unreadable."""
        target = f"{self.root}/{path}"
        if os.path.isdir(target):
            self.links.append(path)
        elif os.path.isfile(target) or not os.path.exists(target):
            self._add_file(path)
        elif is_image(path):
            self.devices.append(path)


def open_folder(root: Path) -> Folder:
    """Return the files under ``root``, of which there may be no images.

    Linked folders are followed after all real ones. Every real folder is read once. A link back into the tree adds
    nothing. Neither does one to a folder above it.

    Raises ``DatasetError`` if ``root`` is no folder or cannot be read.
    """
    check_exists(root)
    real = os.path.realpath(root)
    walk = _Walk(str(root), seen={str(parent) for parent in Path(real).parents})
    walk.follow("", real)
    # Links come last, so that an image's id is its real path wherever it has one.
    while walk.links:
        links, walk.links = sorted(walk.links, key=natural_key), []
        for link in links:
            walk.follow(f"{link}/", os.path.realpath(f"{root}/{link}"))
    walk.leave_out_pairs()
    walk.look_into()
    walk.images.sort(key=natural_key)
    walk.others.sort(key=natural_key)
    return Folder(root, walk.images, walk.others, tuple(_remarks(walk)))


def _remarks(walk: _Walk) -> list[str]:
    """Return what the user should know about files and folders that were left out."""
    remarks = []
    if walk.repeated:
        names = listing(sorted(walk.repeated, key=natural_key))
        remarks.append(f"Not read again, because it links to a folder that holds it or was read already: {names}.")
    if walk.own:
        names = listing(sorted(walk.own, key=natural_key))
        remarks.append(f"Left out, because an earlier command wrote it: {names}.")
    if walk.devices:
        names = listing(sorted(walk.devices, key=natural_key))
        remarks.append(f"Left out, because it is no file but a pipe, a socket or a device: {names}.")
    foreign = [path for path in walk.others if suffix(path) in FOREIGN_SUFFIXES]
    if foreign:
        remarks.append(f"Left out, because the format is not read: {listing(foreign)}.")
    return remarks


def check_exists(path: Path) -> os.stat_result:
    """Return a path's state. Raises DatasetError if there is nothing or it cannot be read."""
    try:
        return path.stat()
    except FileNotFoundError:
        raise DatasetError(
            f"The folder {printable(str(path))} does not exist (looked from {printable(os.getcwd())})."
        ) from None
    except OSError as error:
        raise _unreadable(str(path), error) from error


def is_folder(path: Path) -> bool:
    """Whether a path leads to a folder. Raises DatasetError if it leads nowhere."""
    return stat.S_ISDIR(check_exists(path).st_mode)


def _unreadable(folder: str, error: OSError) -> DatasetError:
    """Return the error for a folder whose entries cannot be listed."""
    return DatasetError(
        f"The folder {printable(folder.rstrip('/'))} cannot be read: {error.strerror}. "
        "Allow reading it (chmod u+rx), or move it out of the images' folder."
    )
