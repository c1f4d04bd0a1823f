"""A folder of reports holds the files of one run, whenever a process is killed and however many write at once."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from killing import killed
from processes import ROOT

from batch_eval.publishing import PREFIX, finish_swaps, publish

pytest.importorskip("fcntl", reason="folders are locked with flock")

NAMES = ("a.txt", "b.txt", "files/c.txt", "new.txt")


def written(run: str) -> list[tuple[str, str, bytes]]:
    return [("text", name, run.encode()) for name in NAMES if run != "old" or name != "new.txt"]


def runs(folder: Path) -> set[str]:
    """Return the runs that a folder's files are from."""
    return {file.read_text() for file in folder.rglob("*.txt")}


PUBLISHING = f"""
from pathlib import Path
from batch_eval import publishing
publishing.publish(Path(sys.argv[1]), [("text", name, b"new") for name in {NAMES!r}], None)
"""


def cut_short(folder: Path, renames: int) -> int:
    """Publish in a process that is killed before its next rename after so many; return its exit code."""
    return killed(renames, ["os.rename"], folder, program=PUBLISHING, cwd=ROOT)


@pytest.mark.parametrize("renames", range(8))
def test_a_swap_that_was_killed_is_finished_by_the_next_command(tmp_path, renames):
    """Three entries replace older ones, two renames each, and one is new: seven renames in all."""
    publish(tmp_path, written("old"), None)
    code = cut_short(tmp_path, renames)
    finish_swaps(tmp_path)

    assert (-signal.SIGKILL if renames < 7 else 0) == code
    assert {"new"} == runs(tmp_path)
    assert ["a.txt", "b.txt", "files", "new.txt"] == sorted(os.listdir(tmp_path))


def test_publishing_again_finishes_a_killed_swap_first(tmp_path):
    publish(tmp_path, written("old"), None)
    cut_short(tmp_path, 3)
    publish(tmp_path, [("text", "a.txt", b"new")], None)

    assert {"new"} == runs(tmp_path)


def test_what_a_killed_run_had_not_finished_writing_is_removed(tmp_path):
    (tmp_path / f"{PREFIX}abc" / "new").mkdir(parents=True)
    (tmp_path / f"{PREFIX}abc" / "new" / "a.txt").write_text("half")
    publish(tmp_path, written("old"), None)

    assert {"old"} == runs(tmp_path)
    assert not list(tmp_path.glob(f"{PREFIX}*"))


def test_a_run_that_is_still_writing_is_left_alone(tmp_path):
    """The second run begins and ends while the first one writes."""

    def first():
        yield ("text", "a.txt", b"first")
        publish(tmp_path, written("second"), None)
        assert {"second"} == runs(tmp_path) - {"first"}
        yield from (("text", name, b"first") for name in NAMES[1:])

    publish(tmp_path, first(), None)

    assert {"first"} == runs(tmp_path)


def test_runs_at_once_leave_one_run_s_files(tmp_path):
    code = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
from pathlib import Path
from batch_eval.publishing import publish
for _ in range(30):
    publish(Path(sys.argv[1]), [("text", name, sys.argv[2].encode()) for name in {NAMES!r}], None)
"""
    started = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path), name]) for name in "123"]

    assert [0, 0, 0] == [process.wait() for process in started]
    assert 1 == len(runs(tmp_path))
    assert ["a.txt", "b.txt", "files", "new.txt"] == sorted(os.listdir(tmp_path))
