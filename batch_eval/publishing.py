"""Write files whole or not at all: into a temporary folder first, then renamed."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from batch_eval.errors import ReportError

EVALUATION_FILE = "evaluation.json"
"""The saved evaluation. A folder that holds it is a report folder."""
REPORT_FILES, COMPARISON_FILES = "report_files", "comparison_files"
"""Folders of pictures, style sheets and scripts beside their pages."""
STEPS_ENDING = "-steps.png"
"""End of the name of a strip of steps, beside `NAME.png`, which the model sees."""

Content = bytes | Iterable[bytes]
"""A file's content in one piece, or in pieces where it grows with the number of images."""


def whole(content: Content) -> bytes:
    """Return a file's content in one piece."""
    return b"".join(pieces(content))


def pieces(content: Content) -> Iterable[bytes]:
    """Return a file's content piece by piece."""
    return [content] if isinstance(content, bytes) else content


def to_stdout(document: bytes) -> None:
    """Write a document to stdout as it is, after what was printed before."""
    sys.stdout.flush()
    sys.stdout.buffer.write(document)
    sys.stdout.buffer.flush()


def check_writable(folder: Path, option: str = "--out") -> None:
    """Raise ReportError where files cannot be written into an option's folder. It need not exist yet."""
    existing = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        what = "you may not write there" if existing.is_dir() else f"{existing} is a file"
        raise ReportError(f"cannot write to {folder}: {what}. Choose another folder with {option}.")


def publish(
    folder: Path, contents: Iterable[tuple[str, str, Content]], say: Callable[[str], None] | None
) -> list[Path]:
    """Write (title, path, content) into a folder, all or nothing; return the paths on the top level."""
    # The temporary folder lies inside the target: renaming is atomic only within one file system.
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".batch_eval-", dir=folder, ignore_cleanup_errors=True) as beside:
            _begun.add(beside)
            new, old = Path(beside, "new"), Path(beside, "old")
            new.mkdir()
            old.mkdir()
            try:
                written = _write_all(new, contents)
            finally:
                _begun.remove(beside)  # from here on it may hold the user's older files
            _swap_in(new, folder, old)
    except OSError as error:
        raise ReportError(
            f"cannot write to {folder}: {error.strerror or error}. "
            "Choose a folder that you may write to with --out, and check that its disk has space."
        ) from error
    if say:
        for title, path in written:
            say(f"Wrote {title} to {folder / path}")
    return [folder / path for _, path in written]


_begun: set[str] = set()
"""Temporary folders in which files are being written."""


def discard_begun() -> None:
    """Remove half-written files, for a process that is about to end at once."""
    for folder in _begun:
        shutil.rmtree(folder, ignore_errors=True)


def _write_all(folder: Path, contents: Iterable[tuple[str, str, Content]]) -> list[tuple[str, str]]:
    """Write (title, path, content) into an empty folder; return titles and paths of the top level."""
    written: list[tuple[str, str]] = []
    made: set[str] = set()
    for title, path, content in contents:
        _write(folder, path, content, made)
        if "/" not in path:
            written.append((title, path))
    return written


def _write(folder: Path, path: str, content: Content, made: set[str]) -> None:
    parent = os.path.dirname(path)
    if parent not in made:  # tens of thousands of pictures share a few folders
        os.makedirs(folder / parent, exist_ok=True)
        made.add(parent)
    with open(f"{folder}/{path}", "xb") as file:
        file.writelines(pieces(content))


def _swap_in(new: Path, folder: Path, old: Path) -> None:
    """Move each entry of ``new`` into ``folder``. Replaced files wait in ``old`` and come back on failure."""
    moved: list[str] = []
    try:
        for entry in sorted(os.listdir(new)):
            if os.path.lexists(folder / entry):
                os.rename(folder / entry, old / entry)
            moved.append(entry)
            os.rename(new / entry, folder / entry)
    except BaseException:
        for entry in moved:
            if os.path.lexists(folder / entry):
                os.rename(folder / entry, new / entry)
            if os.path.lexists(old / entry):
                os.rename(old / entry, folder / entry)
        raise
