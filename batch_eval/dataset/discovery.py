"""Which files of a folder are images: nested folders, links that form a loop, names of any kind."""

import os
import stat
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from batch_eval.dataset.names import FOREIGN_SUFFIXES, READABLE_SUFFIXES, natural_key, suffix
from batch_eval.errors import DatasetError
from batch_eval.publishing import COMPARISON_FILES, EVALUATION_FILE, REPORT_FILES, STEPS_ENDING
from batch_eval.wording import listing, printable

# what operating systems and network drives put beside people's images, thumbnails included
_SYSTEM_FOLDERS = frozenset({"__MACOSX", "@eaDir", "$RECYCLE.BIN", "System Volume Information", "lost+found"})
_LEFT_OUT = _SYSTEM_FOLDERS | {REPORT_FILES, COMPARISON_FILES}


@dataclass(frozen=True, slots=True)
class Found:
    """The files of a folder, as paths relative to it with ``/``, each list in natural order.

    ``images`` are the files whose suffix is an image's, ``others`` the rest; dot-files are in neither. ``notes`` are
    remarks for the user.
    """

    images: list[str]
    others: list[str]
    notes: tuple[str, ...]


@dataclass(slots=True)
class _Walk:
    """The state of one walk; ``links`` are linked folders still to be read, ``seen`` real paths of folders read."""

    root: str
    seen: set[str]
    images: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    repeated: list[str] = field(default_factory=list)
    own: list[str] = field(default_factory=list)

    def follow(self, prefix: str, real: str) -> None:
        """Read the folder at ``prefix`` (relative, empty or ending in ``/``) and the folders below it."""
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
                    if name.startswith(".") or name in _LEFT_OUT:
                        continue
                    if entry.is_symlink():
                        self._add_link(prefix + name)
                    elif entry.is_dir():
                        folders.append(name)
                    elif entry.is_file():
                        self._add_file(prefix + name)
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

    def _add_file(self, path: str) -> None:
        """Put a file into its list by its suffix."""
        (self.images if suffix(path) in READABLE_SUFFIXES else self.others).append(path)

    def _add_link(self, path: str) -> None:
        """Keep a linked folder for later; a link that leads nowhere is a file, so that it is reported as unreadable."""
        target = f"{self.root}/{path}"
        if os.path.isdir(target):
            self.links.append(path)
        elif os.path.isfile(target) or not os.path.exists(target):
            self._add_file(path)


def find_images(root: Path) -> Found:
    """Return the images under ``root``.

    Linked folders are followed after all real ones, and every real folder is read once: a link back into the
    tree, or to a folder above it, adds nothing and ends there.

    Raises ``DatasetError`` if ``root`` is no folder, cannot be read, or holds no image.
    """
    _check_folder(root)
    real = os.path.realpath(root)
    walk = _Walk(str(root), seen={str(parent) for parent in Path(real).parents})
    walk.follow("", real)
    while walk.links:
        links, walk.links = sorted(walk.links, key=natural_key), []
        for link in links:
            walk.follow(f"{link}/", os.path.realpath(f"{root}/{link}"))
    walk.leave_out_pairs()
    if not walk.images:
        raise _no_images(root, walk.others)
    walk.images.sort(key=natural_key)
    walk.others.sort(key=natural_key)
    return Found(walk.images, walk.others, tuple(_remarks(walk)))


def _remarks(walk: _Walk) -> list[str]:
    """Return what the user should know about files and folders that were left out."""
    remarks = []
    if walk.repeated:
        names = listing(sorted(walk.repeated, key=natural_key))
        remarks.append(f"Not read again, because it links to a folder that holds it or was read already: {names}.")
    if walk.own:
        names = listing(sorted(walk.own, key=natural_key))
        remarks.append(f"Left out, because an earlier command wrote it: {names}.")
    foreign = [path for path in walk.others if suffix(path) in FOREIGN_SUFFIXES]
    if foreign:
        remarks.append(f"Left out, because the format is not read: {listing(foreign)}.")
    return remarks


def _check_folder(root: Path) -> None:
    """Raise unless ``root`` is a folder."""
    shown = printable(str(root))
    try:
        mode = root.stat().st_mode
    except FileNotFoundError:
        raise DatasetError(f"The folder {shown} does not exist (looked from {printable(os.getcwd())}).") from None
    except OSError as error:
        raise _unreadable(str(root), error) from error
    if not stat.S_ISDIR(mode):
        unpack = " Unpack it first." if suffix(root.name) in {".zip", ".tar", ".gz", ".tgz", ".7z", ".rar"} else ""
        raise DatasetError(f"{shown} is a file; expected a folder with images.{unpack}")


def _unreadable(folder: str, error: OSError) -> DatasetError:
    """Return the error for a folder whose entries cannot be listed."""
    return DatasetError(
        f"The folder {printable(folder.rstrip('/'))} cannot be read: {error.strerror}. "
        "Allow reading it (chmod u+rx), or move it out of the images' folder."
    )


def _no_images(root: Path, others: list[str]) -> DatasetError:
    """Return the error for a folder without images, which says what is there instead."""
    shown = printable(str(root))
    expected = "Expected images (png, jpg, webp, bmp, tiff, gif, avif, heic, …) in it or in its subfolders"
    if not others:
        return DatasetError(f"The folder {shown} holds no files. {expected}.")
    kinds = Counter(suffix(path.rpartition("/")[2]) or "without suffix" for path in others)
    counted = listing([f"{n} {kind}" for kind, n in kinds.most_common()], most=5)
    return DatasetError(f"The folder {shown} holds no images; its files are: {counted}. {expected}.")
