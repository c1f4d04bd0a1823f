"""Sets that are no folders, labels and exit codes at the command line: every run is a process of its own."""

import csv
import json
from pathlib import Path

import pytest
import set_files as made
from processes import ROOT, batch_eval

pytestmark = pytest.mark.slow


def metrics(out: Path) -> dict[str, float]:
    found: dict[str, float] = json.loads((out / "metrics.json").read_text())
    return found


@pytest.mark.parametrize("make", [made.zipped, made.npz, made.idx, made.pixels, made.encoded, made.listed])
def test_run_takes_every_kind_of_set(make, tmp_path):
    place = make(tmp_path)
    done = batch_eval("run", place, "--out", tmp_path / "out", "-f", "json")

    assert 0 == done.returncode, done.stderr
    assert made.COUNT == metrics(tmp_path / "out")["files"]
    assert metrics(tmp_path / "out")["accuracy"] > 0.8


def test_reports_of_a_file_are_named_after_it(tmp_path):
    batch_eval("run", made.zipped(tmp_path), "-f", "json", "-q", cwd=tmp_path)

    assert (tmp_path / "reports" / "digits" / "metrics.json").exists()


def test_run_takes_several_images(tmp_path):
    images = [made.folder(tmp_path) / name for name in made.names()]
    done = batch_eval("run", *images, "--out", tmp_path / "out", "-f", "json")

    assert 0 == done.returncode, done.stderr
    assert made.COUNT == metrics(tmp_path / "out")["files"]


def test_compare_runs_models_on_an_archive(tmp_path):
    from batch_eval.models import DEFAULT_MODEL

    model = tmp_path / "b.onnx"
    model.write_bytes(DEFAULT_MODEL.read_bytes())
    done = batch_eval("compare", made.zipped(tmp_path), "--model", model, "--model", DEFAULT_MODEL)

    assert 0 == done.returncode, done.stderr


@pytest.mark.parametrize("make", [made.folder, made.zipped, made.npz])
def test_predict_reads_a_set(make, tmp_path):
    place = make(tmp_path)
    done = batch_eval("predict", place, "--format", "csv")
    rows = list(csv.DictReader(done.stdout.splitlines()))

    assert 0 == done.returncode, done.stderr
    assert made.COUNT == len(rows)
    assert all(row["image"].startswith(f"{place}/") for row in rows)


def test_a_folder_without_labels_is_predicted_and_exits_with_2(tmp_path):
    for number, data in enumerate(made.pngs()):
        (tmp_path / f"IMG_{number}.png").write_bytes(data)
    done = batch_eval("run", tmp_path, "--out", tmp_path / "out")
    with (tmp_path / "out" / "predictions.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))

    assert 2 == done.returncode
    assert {"unlabelled"} == {row["outcome"] for row in rows}
    assert all(row["predicted"] for row in rows)
    assert "Note: No labels found for the 20 images" in done.stderr
    assert "Error: No image could be scored: of 20 files, 20 unlabelled." in done.stderr
    assert "`batch-eval predict`" in done.stderr


def test_pointers_of_git_lfs_exit_with_2_and_the_reason(tmp_path):
    for digit in range(3):
        (tmp_path / str(digit)).mkdir()
        (tmp_path / str(digit) / "a.png").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\n")
    done = batch_eval("run", tmp_path, "--out", tmp_path / "out")

    assert 2 == done.returncode
    assert "3 unreadable. Unreadable because: a Git LFS pointer, not the image" in done.stderr
    assert "Unreadable files" in done.stdout


def test_a_gate_that_fails_on_nothing_exits_with_1(tmp_path):
    (tmp_path / "7").mkdir()
    (tmp_path / "7" / "a.png").write_bytes(b"")

    assert 1 == batch_eval("run", tmp_path, "--out", tmp_path / "o", "--fail-under", "0").returncode
    assert 2 == batch_eval("run", tmp_path, "--out", tmp_path / "o", "--max-unreadable", "1").returncode


def test_unreadable_files_are_named_ten_at_most(tmp_path):
    root = made.folder(tmp_path)
    for number in range(12):
        (root / "7" / f"bad{number}.png").write_bytes(b"")
    done = batch_eval("run", root, "--out", tmp_path / "out", "-f", "markdown")
    report = (tmp_path / "out" / "report.md").read_text(encoding="utf-8")

    assert "Unreadable files (showing 10 of 12)" in done.stdout
    assert 10 == done.stdout.count("not an image: the file is empty")
    assert "Unreadable file, showing 10 of 12" in report


def test_a_gate_covers_labels_that_the_model_has_no_class_for(tmp_path):
    root = made.folder(tmp_path)
    (root / "9").rename(root / "12")
    done = batch_eval("run", root, "--out", tmp_path / "out", "--fail-under-class", "0.1", "--max-unlabelled", "0")

    assert 1 == done.returncode
    assert "FAILED  fail-under-class 9: Accuracy of class 9 is unknown: there are no images of it" in done.stdout
    assert "FAILED  fail-under-class 12: Accuracy of class 12 is unknown: none of its 2 images" in done.stdout
    assert "FAILED  max-unlabelled: 2 of 20 files are unlabelled or out of range" in done.stdout


def test_labels_from_stdin(tmp_path):
    import subprocess
    import sys

    for number, data in enumerate(made.pngs()):
        (tmp_path / f"IMG_{number}.png").write_bytes(data)
    command = [sys.executable, "-m", "batch_eval", "run", str(tmp_path), "--labels", "-", "--out", str(tmp_path / "o")]
    text = "\n".join(map(str, made.LABELS))
    done = subprocess.run(command, cwd=ROOT, input=text, capture_output=True, text=True, check=False)

    assert 0 == done.returncode, done.stderr
    assert "stdin (one label an image, in natural order)" in done.stderr
