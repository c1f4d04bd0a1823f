"""Limits of label files, saved evaluations and messages, and the warning about unreadable files."""

import csv
import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from image_files import png
from processes import ROOT, batch_eval
from report_examples import small

from batch_eval.dataset import load_dataset
from batch_eval.engines.pictures import picture
from batch_eval.engines.rows import Picture
from batch_eval.errors import ConfigError, DatasetError
from batch_eval.evaluation import saved, similarity
from batch_eval.evaluation.saved import dump_evaluation, load_evaluation, parse_evaluation
from batch_eval.imaging import Prepared, preprocessor
from batch_eval.imaging.sizes import stated_size
from batch_eval.publishing import whole
from batch_eval.reports.registry import Kind, format_names, reporter
from batch_eval.wording import MAX_MESSAGE, message


@pytest.fixture
def one(tmp_path):
    """A folder of one image."""
    shutil.copy(next((ROOT / "sample_images").rglob("*.png")), tmp_path / "a.png")
    return tmp_path


def refusal(folder: Path, name: str, content: str) -> str:
    (folder / name).write_text(content)
    with pytest.raises(DatasetError) as caught:
        load_dataset(folder, folder / name)
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("wide.csv", f"file,label{',c' * 2000}\na.png,3{',x' * 2000}\n"),
        ("wide.jsonl", "\n".join(json.dumps({"file": "a.png", "label": 3, f"c{i}": 1}) for i in range(2000))),
    ],
)
def test_a_label_file_has_a_limit_of_columns(one, name, content):
    assert f"{name} has 2,002 columns, and the limit is 1,000" in refusal(one, name, content)


@pytest.mark.skipif(not os.path.exists("/dev/zero"), reason="this system has no /dev/zero")
def test_a_device_is_no_label_file(one):
    with pytest.raises(DatasetError, match="it is no file but a device"):
        load_dataset(one, "/dev/zero")


def test_a_label_file_has_a_limit_of_bytes(one):
    with open(one / "large.csv", "wb") as target:
        target.truncate(1 << 30)

    with pytest.raises(DatasetError, match="it has 1,073 MB, and the limit is 256 MB"):
        load_dataset(one, one / "large.csv")


def test_escapes_in_a_label_file_do_not_reach_the_terminal(one):
    (one / "labels.csv").write_text("filename,\x1b]0;title\x07\na.png,3\n")
    done = batch_eval("run", one, "--labels", one / "labels.csv", "--label-column", "digit")

    assert 2 == done.returncode
    assert "title" in done.stderr
    assert "\x1b" not in done.stderr


def with_picture(data: bytes, count: int = 1):
    now = small()
    pictures = dict.fromkeys(range(count), Picture(None, data))
    return replace(now, records=replace(now.records, pictures=pictures))


def test_a_large_picture_in_a_saved_evaluation_is_refused_by_its_header():
    """33 of them kept `report` busy for minutes."""
    content = dump_evaluation(with_picture(png(30_000, 30_000, 8, 0, bytes(1000))))

    with pytest.raises(ConfigError, match="the picture of row 0 has 30,000 x 30,000 pixels"):
        parse_evaluation(content)


def test_the_pictures_of_a_saved_evaluation_have_a_limit_together(monkeypatch):
    monkeypatch.setattr(saved, "MAX_MEGAPIXELS", 5)
    data = png(1400, 1400, 8, 0, bytes(1000))

    parse_evaluation(dump_evaluation(with_picture(data, 2)))
    with pytest.raises(ConfigError, match="its pictures have 5 megapixels together"):
        parse_evaluation(dump_evaluation(with_picture(data, 3)))


def test_a_saved_evaluation_has_a_limit_of_bytes(tmp_path):
    with open(tmp_path / "evaluation.json", "wb") as target:
        target.truncate(1 << 40)

    with pytest.raises(ConfigError, match="1,099,511 MB, and the limit is 1,000 MB"):
        load_evaluation(tmp_path / "evaluation.json")


def test_what_an_engine_keeps_is_within_the_limits_of_a_saved_evaluation():
    image = np.full((3000, 2000), 99, np.uint8)
    kept = picture(image, Prepared(image, blank=False), preprocessor("none"), steps=True)
    sizes = [stated_size(data) for data in (kept.original, kept.seen, kept.steps)]

    assert all(0 < width * height <= saved.MAX_PICTURE_MEGAPIXELS * 1_000_000 for width, height in sizes)


@pytest.mark.parametrize("data", [b"", b"no picture", png(9, 9, 8, 0, b"")[:60], bytes.fromhex("ffd8ffe0")])
def test_a_damaged_picture_is_left_out(data):
    assert not len(similarity.model_inputs(with_picture(data), [0]).rows)


@pytest.mark.parametrize("name", sorted(set(format_names(Kind.RUN)) - {"plots"}))
@pytest.mark.parametrize("place", ["id", "folder"])
def test_half_a_surrogate_pair_is_escaped_in_every_format(name, place):
    now, half = small(), "a\ud800b"
    ids = (half, *now.records.ids[1:]) if place == "id" else now.records.ids
    folder = half if place == "folder" else now.provenance.folder
    damaged = replace(now, records=replace(now.records, ids=ids), provenance=replace(now.provenance, folder=folder))

    for _, content in reporter(name).files(parse_evaluation(dump_evaluation(damaged))):
        assert "\ud800".encode("utf-8", "surrogatepass") not in whole(content)


@pytest.mark.parametrize("length", [MAX_MESSAGE, MAX_MESSAGE + 1, 10_000_000])
@pytest.mark.parametrize("character", ["a", "\x1b"])
def test_a_message_is_short_and_printable_and_keeps_its_ends(length, character):
    text = "begin" + character * (length - 8) + "end"
    shown = message(text)

    assert len(shown) <= MAX_MESSAGE
    assert shown.startswith("begin")
    assert shown.endswith("end")
    assert shown.isprintable()
    assert (shown == text) == (length <= MAX_MESSAGE and text.isprintable())


def test_the_lines_of_a_message_stay():
    assert message("one\ntwo\x07") == "one\ntwo\\x07"


@pytest.mark.slow
@pytest.mark.parametrize(("damaged", "warned"), [(1, False), (2, True)])
def test_many_unreadable_files_are_a_warning_even_with_quiet(tmp_path, damaged, warned):
    (tmp_path / "digits" / "7").mkdir(parents=True)
    image = next((ROOT / "sample_images").glob("*.png")).read_bytes()
    for i in range(15):
        (tmp_path / "digits" / "7" / f"{i}.png").write_bytes(b"no image" if i < damaged else image)
    done = batch_eval("run", tmp_path / "digits", "--quiet", "--out", tmp_path / "out")

    assert 0 == done.returncode, done.stderr
    assert warned == done.stderr.startswith("Warning: 2 of 15 files are unreadable.")
    assert warned == bool(done.stderr)


CHANGED_MIDWAY = """
import sys
from pathlib import Path
from batch_eval.engines.local import Task
change = {"deleted": Path.unlink, "renamed": lambda file: file.rename(f"{file}.moved")}[sys.argv.pop(1)]
left, read = 3, Task.read
def reading(self, sample):
    global left
    if not left:
        for file in sorted(Path(sys.argv[2]).rglob("*.png"))[3:]:
            change(file)
    left -= 1
    return read(self, sample)
Task.read = reading
from batch_eval.cli import main; main()
"""
"""A program that is `batch-eval run FOLDER`; when it has read three images, the others are taken away."""


@pytest.mark.slow
@pytest.mark.parametrize("change", ["deleted", "renamed"])
@pytest.mark.parametrize(("options", "code"), [((), 0), (("--max-unreadable", "0.1"), 1)], ids=["no gate", "gate"])
def test_images_that_vanish_midway_are_a_warning_even_with_quiet(
    tmp_path: Path, change: str, options: tuple[str, ...], code: int
) -> None:
    (tmp_path / "digits" / "7").mkdir(parents=True)
    image = next((ROOT / "sample_images").glob("*.png")).read_bytes()
    for i in range(15):
        (tmp_path / "digits" / "7" / f"{i:02}.png").write_bytes(image)
    arguments = ["run", tmp_path / "digits", "--quiet", "--jobs", "1", "-f", "csv", "--out", tmp_path / "out", *options]
    command = [sys.executable, "-c", CHANGED_MIDWAY, change, *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert code == done.returncode, done.stderr
    assert done.stderr.startswith("Warning: 12 of 15 files are unreadable. The most frequent reason, of 12: ")
    assert "No such file" in done.stderr
    with (tmp_path / "out" / "predictions.csv").open(encoding="utf-8-sig") as table:
        assert 12 == sum(row["outcome"] == "unreadable" for row in csv.DictReader(table))
