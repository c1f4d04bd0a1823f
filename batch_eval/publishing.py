"""Write files whole or not at all: into a temporary folder first, then renamed."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from secrets import token_hex
from typing import IO

from batch_eval import interrupts
from batch_eval.errors import ReportError
from batch_eval.locking import is_locked, locked

EVALUATION_FILE = "evaluation.json"
"""The saved evaluation. A folder that holds it is a report folder."""
REPORTS = {
    EVALUATION_FILE: frozenset(
        {
            *("metrics.json", "predictions.csv", "misclassified.csv", "per_class.csv", "confusion_matrix.csv"),
            *("outputs.csv", "report.xlsx", "report.txt", "github_annotations.txt"),
        }
    ),
    "stress.json": frozenset({"stress.csv", "stress.txt"}),
    "leaderboard.json": frozenset({"leaderboard.csv", "leaderboard.txt"}),
    "comparison.json": frozenset({"comparison.txt"}),
    "inspection.json": frozenset({"inspection.txt"}),
}
"""Reports that could be taken for label files beside images: the JSON file of a report, and what stands beside it."""
REPORT_FILES, COMPARISON_FILES = "report_files", "comparison_files"
INSPECTION_FILES, LEADERBOARD_FILES = "inspection_files", "leaderboard_files"
"""Folders of pictures, style sheets and scripts beside their pages."""
PREFIX = ".batch_eval-"
"""Beginning of the names of temporary folders inside a report folder."""
STEPS_ENDING = "-steps.png"
"""End of the name of a strip of steps. It stands beside `NAME.png`, which the model sees."""

Content = bytes | Iterable[bytes]
"""A file's content in one piece, or in pieces.

There are pieces where it grows with the number of images."""


def whole(content: Content) -> bytes:
    """Return a file's content in one piece."""
    return b"".join(pieces(content))


def pieces(content: Content) -> Iterable[bytes]:
    """Return a file's content piece by piece."""
    return [content] if isinstance(content, bytes) else content


def check_writable(folder: Path, option: str = "--out") -> None:
    """Raise ReportError where files cannot be written into an option's folder. It need not exist yet."""
    existing = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        what = "you may not write there" if existing.is_dir() else f"{existing} is a file"
        raise ReportError(f"cannot write to {folder}: {what}. Choose another folder with {option}.")


def publish(
    folder: Path, contents: Iterable[tuple[str, str, Content]], say: Callable[[str], None] | None
) -> list[Path]:
    """Write (title, path, content) into a folder, all or nothing.

    Returns the paths on the top level. Files are written into a temporary folder inside the target: renaming is atomic
    only within one file system. Then they are swapped in under the folder's lock. So the folder holds the files of one
    run. A swap that was killed is finished later, by the next command that writes to the folder or reads it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with ExitStack() as stack:
            with locked(folder):
                _finish_swaps(folder)
                temporary = stack.enter_context(
                    tempfile.TemporaryDirectory(prefix=PREFIX, dir=folder, ignore_cleanup_errors=True)
                )
                swap = _Swap(Path(temporary), folder)
                stack.enter_context(swap.begun())
            # writing takes long and needs no lock of the target: two runs may write at once, and swap one by one
            written = _write_all(swap.new, contents)
            with locked(folder):
                swap.run()
    except OSError as error:
        raise ReportError(
            f"cannot write to {folder}: {error.strerror or error}. "
            "Choose a folder that you may write to with --out, and check that its disk has space."
        ) from error
    if say:
        for title, path in written:
            say(f"Wrote {title} to {folder / path}")
    return [folder / path for _, path in written]


@contextmanager
def whole_file(path: Path) -> Iterator[IO[bytes]]:
    """Open a file to write, which appears under its name when it is complete and on the disk.

    Raises ReportError. A file that was there before stays until then. A process that is killed leaves a temporary
    file, which `remove_unfinished` finds.
    """
    temporary = path.with_name(f"{PREFIX}{path.name}-{token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.touch(exist_ok=False)
        with locked(temporary):  # the lock says that its writer lives
            try:
                with open(temporary, "wb") as file:
                    yield file
                    file.flush()
                    os.fsync(file.fileno())
                os.replace(temporary, path)
            except BaseException:
                temporary.unlink(missing_ok=True)
                raise
        _sync_folder(path.parent)
    except OSError as error:
        raise ReportError(
            f"cannot write {path}: {error.strerror or error}. "
            "Choose a folder that you may write to with --out, and check that its disk has space."
        ) from error


def remove_unfinished(folder: Path) -> int:
    """Remove the files that killed processes left in a folder. Return how many there were; raises ReportError."""
    removed = 0
    try:
        for path in folder.glob(f"{PREFIX}*"):
            if path.is_file() and not is_locked(path):
                path.unlink(missing_ok=True)
                removed += 1
    except OSError as error:
        raise ReportError(f"cannot clean up {folder}: {error.strerror or error}. Make it writable.") from error
    return removed


def _sync_folder(folder: Path) -> None:
    """Write a folder's names to the disk, so that a renamed file survives a power cut."""
    if os.name == "nt":  # folders cannot be opened there
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def finish_swaps(folder: Path) -> None:
    """Finish what killed processes left in a folder; raises ReportError.

    Its files are one run's then.
    """
    try:
        if _temporaries(folder):
            with locked(folder):
                _finish_swaps(folder)
    except OSError as error:
        raise ReportError(
            f"a run that was killed left {folder} half replaced, and it cannot be finished: {error.strerror or error}. "
            "Make the folder writable, or run again with another --out."
        ) from error


def _finish_swaps(folder: Path) -> None:
    """Finish each swap, and remove what was never finished.

    The caller holds the folder's lock.
    """
    for temporary in _temporaries(folder):
        swap = _Swap(temporary, folder)
        if swap.journal.exists():
            swap.forward()
        elif is_locked(temporary):  # another run is writing there
            continue
        shutil.rmtree(temporary, ignore_errors=True)


def _temporaries(folder: Path) -> list[Path]:
    with os.scandir(folder) as entries:
        return sorted(Path(e.path) for e in entries if e.name.startswith(PREFIX) and e.is_dir(follow_symlinks=False))


class _Swap:
    """Replaces entries of a folder by those in ``new``.

    The replaced ones wait in ``old``. ``journal`` exists from the first rename to the last. It says that ``new`` was
    complete. So any process can finish the swap: what is left in ``new`` has not been moved yet.
    """

    def __init__(self, temporary: Path, folder: Path) -> None:
        self.temporary, self.folder = temporary, folder
        self.new, self.old, self.journal = temporary / "new", temporary / "old", temporary / "journal"

    @contextmanager
    def begun(self) -> Iterator[None]:
        """Hold the temporary folder's lock, and make the places for files."""
        # the lock tells other processes that the owner lives, and that they must not clean up here
        with locked(self.temporary):
            self.new.mkdir()
            self.old.mkdir()
            interrupts.keep_track(str(self.temporary))
            try:
                yield
            finally:
                interrupts.lose_track(str(self.temporary))

    def run(self) -> None:
        """Swap all entries, or none where one fails."""
        interrupts.lose_track(str(self.temporary))  # from here on it may hold the user's older files
        entries = sorted(os.listdir(self.new))
        self.journal.touch()
        try:
            self.forward()
        except BaseException:
            self._back(entries)
            raise
        finally:
            self.journal.unlink(missing_ok=True)

    def forward(self) -> None:
        """Move what is left in ``new`` into the folder."""
        for entry in sorted(os.listdir(self.new)):
            # Old away, new in: killed between the two, the entry is still in `new`, and the next process moves it.
            if os.path.lexists(self.folder / entry):
                os.rename(self.folder / entry, self.old / entry)
            os.rename(self.new / entry, self.folder / entry)

    def _back(self, entries: Sequence[str]) -> None:
        """Bring every entry back to where it was."""
        for entry in entries:
            if os.path.lexists(self.folder / entry) and not os.path.lexists(self.new / entry):
                os.rename(self.folder / entry, self.new / entry)
            if os.path.lexists(self.old / entry):
                os.rename(self.old / entry, self.folder / entry)


def _write_all(folder: Path, contents: Iterable[tuple[str, str, Content]]) -> list[tuple[str, str]]:
    """Write (title, path, content) into an empty folder.

    Returns titles and paths of the top level.
    """
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
