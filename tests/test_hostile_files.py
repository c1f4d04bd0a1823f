"""Files that are made to harm, each a row or one message, within limits of memory and time that the kernel enforces."""

import csv
import io
import json
import os
import socket
import subprocess
import sys

import pytest
from hostile_files import DAMAGED, EITHER, LABELS, READABLE, saved_evaluations, sound_image
from processes import ROOT
from report_examples import small

from batch_eval.evaluation.saved import dump_evaluation

resource = pytest.importorskip("resource", reason="limits of a process need Unix")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux enforces a limit of memory"),
]

CPU_SECONDS = 120
"""Processor time of all files of a kind together."""
MEMORY = 4 << 30
"""Bytes of addresses, which are more than bytes of memory: each library and thread reserves some."""
LONGEST = 1000
"""Characters of a message."""
ESCAPE = "\x1b]0;title\x07\x1b[2J"

READ_LABELS = """
import json, pathlib, sys
from batch_eval.dataset import load_dataset
from batch_eval.errors import BatchEvalError
said = {}
for file in sorted(pathlib.Path("labels").iterdir()):
    try:
        load_dataset("set", file)
        said[file.name] = None
    except BatchEvalError as error:
        said[file.name] = str(error)
print(json.dumps(said))
"""
READ_SAVED = (
    READ_LABELS.replace("from batch_eval.dataset import", "from batch_eval.evaluation.saved import")
    .replace("load_dataset", "load_evaluation")
    .replace('("set", file)', "(file)")
    .replace('"labels"', '"saved"')
)


def within_limits(folder, *command):
    """Run Python in a folder; the kernel ends it if it takes too much."""

    def limit():
        resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))

    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"}
    return subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=limit,
    )


def write(folder, files):
    folder.mkdir(parents=True)
    for name, make in files.items():
        (folder / name).write_bytes(make())


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run on all images, and things that are none, as its rows by name and what it said."""
    place = tmp_path_factory.mktemp("hostile")
    folder = place / "set" / "1"
    write(folder, DAMAGED | READABLE | EITHER | {"sound.png": sound_image})
    special_files(folder)
    done = within_limits(
        place, "-m", "batch_eval", "run", "set", "--out", "out", "--jobs", "1", "-f", "csv", "-f", "text", "-f", "json"
    )
    table = (place / "out" / "predictions.csv").read_text("utf-8-sig")
    return {row["id"].rpartition("/")[2]: row for row in csv.DictReader(io.StringIO(table, newline=""))}, done


def special_files(folder):
    """Names that look like images and are something else."""
    (folder / "folder.png").mkdir()
    (folder / "loop.png").symlink_to("loop.png")
    (folder / "nowhere.png").symlink_to("missing")
    (folder / "zero.png").symlink_to("/dev/zero")
    os.mkfifo(folder / "pipe.png")
    with socket.socket(socket.AF_UNIX) as bound:
        before = os.getcwd()
        os.chdir(folder)  # addresses are short
        try:
            bound.bind("socket.png")
        finally:
            os.chdir(before)
    with (folder / "sparse.png").open("wb") as target:
        target.truncate(40 << 30)
    (folder / f"{'x' * 251}.png").write_bytes(b"no image")
    (folder / f"{ESCAPE}.png").write_bytes(b"no image")


def test_a_run_on_hostile_images_ends_well(run):
    _, done = run

    assert 0 == done.returncode, done.stderr[-2000:]
    assert len(done.stderr) <= LONGEST
    assert [] == [c for c in done.stdout + done.stderr if not c.isprintable() and c != "\n"]


def test_the_sound_image_beside_them_is_scored(run):
    assert run[0]["sound.png"]["outcome"] in ("correct", "wrong")


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_image_is_unreadable_and_says_why(run, name):
    row = run[0][name]

    assert "unreadable" == row["outcome"]
    assert "defect" not in row["reason"]
    assert 0 < len(row["reason"]) <= LONGEST
    assert row["reason"].isprintable()


@pytest.mark.parametrize("name", READABLE)
def test_an_image_that_costs_others_minutes_is_read(run, name):
    assert "unreadable" != run[0][name]["outcome"], run[0][name]["reason"]


@pytest.mark.parametrize("name", EITHER)
def test_an_odd_image_is_a_row(run, name):
    assert "defect" not in run[0][name]["reason"]


@pytest.mark.parametrize("name", ["loop.png", "nowhere.png", "zero.png", "pipe.png", "socket.png", "sparse.png"])
def test_what_is_no_file_is_unreadable_or_left_out(run, name):
    assert run[0].get(name, {"outcome": "unreadable"})["outcome"] == "unreadable"


def test_every_row_is_printable_and_none_is_missing(run):
    rows, _ = run
    expected = {*DAMAGED, *READABLE, *EITHER, "sound.png", f"{'x' * 251}.png"}

    assert expected <= set(rows)
    assert [] == [name for name in rows if not name.isprintable()]


@pytest.fixture(scope="module")
def label_messages(tmp_path_factory):
    place = tmp_path_factory.mktemp("labels")
    write(place / "set", {"a.png": sound_image})
    write(place / "labels", LABELS)
    done = within_limits(place, "-c", READ_LABELS)
    assert 0 == done.returncode, done.stderr[-2000:]
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def saved_messages(tmp_path_factory):
    place = tmp_path_factory.mktemp("saved")
    write(place / "saved", {name: lambda data=data: data for name, data in SAVED.items()})
    done = within_limits(place, "-c", READ_SAVED)
    assert 0 == done.returncode, done.stderr[-2000:]
    return json.loads(done.stdout)


SAVED = saved_evaluations(dump_evaluation(small()))
READ = (
    "half-utf-16.csv",
    "escapes.csv",
    "surrogate.json",
    "escape-in-a-class.json",
    "surrogate-in-an-id.json",
    "endless-folder.json",
    "escape-in-the-model.json",
    "surrogate-in-the-folder.json",
    "escape-in-a-note.json",
    "huge-counts.json",
    "objects-for-numbers.json",
    "page-for-a-picture.json",
)
"""Files that may be read: what is odd in them is escaped where it is printed, counted again, or not used."""


@pytest.mark.parametrize("name", LABELS)
def test_a_label_file_is_refused_in_one_message(label_messages, name):
    assert_message(label_messages[name], name)


@pytest.mark.parametrize("name", SAVED)
def test_a_saved_evaluation_is_refused_in_one_message(saved_messages, name):
    assert_message(saved_messages[name], name)


def assert_message(said, name):
    """None is a file that was read."""
    from batch_eval.wording import message

    assert said is not None or name in READ
    if said is not None:
        assert name in said
        assert len(message(said)) <= LONGEST
        assert [] == [c for c in message(said) if not c.isprintable() and c != "\n"]
