"""The command line as a person or a script meets it: every run is a process of its own."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from drawn_digits import ink, on_paper
from processes import ROOT, batch_eval, modules_after

from batch_eval.api import repository_path


@pytest.fixture
def digits(tmp_path):
    """Ten drawn digits whose file names say their labels."""
    folder = tmp_path / "digits"
    folder.mkdir()
    for label in range(10):
        cv2.imwrite(str(folder / f"{label}_a.png"), on_paper(ink(label, label)))
    return folder


def test_run_prints_the_accuracy_and_writes_the_reports(tmp_path):
    done = batch_eval("run", ROOT / "sample_images", cwd=tmp_path)

    assert 0 == done.returncode, done.stderr
    assert done.stdout.startswith("Accuracy ")
    (reports,) = (tmp_path / "reports").glob("sample_images-*")
    written = {path.name for path in reports.iterdir()}
    assert {
        "confusion_matrix.csv",
        "evaluation.json",
        "metrics.json",
        "misclassified.csv",
        "outputs.csv",
        "per_class.csv",
        "predictions.csv",
        "report.html",
    } == written
    metrics = json.loads((reports / "metrics.json").read_text())
    assert 60 == metrics["files"] == metrics["correct"] + metrics["wrong"] + metrics["blank"]


def test_results_go_to_stdout_and_talk_to_stderr(digits, tmp_path):
    done = batch_eval("run", digits, "--out", tmp_path / "out")

    assert "Labels: " in done.stderr
    assert "Labels: " not in done.stdout
    assert "\x1b" not in done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals of this kind")
def test_a_terminal_gets_a_progress_bar(digits, tmp_path):
    import pty

    many = tmp_path / "many"
    many.mkdir()
    for i in range(500):
        os.link(digits / "7_a.png", many / f"7_a{i}.png")
    terminal, end = pty.openpty()
    command = [sys.executable, "-m", "batch_eval", "run", str(many), "--out", str(tmp_path / "out")]
    env = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm", "COLUMNS": "100"}
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=end, env=env) as process:
        os.close(end)
        shown = b""
        with contextlib.suppress(OSError):  # Linux reports the end of a terminal as an error
            while part := os.read(terminal, 1 << 16):
                shown += part
    os.close(terminal)

    assert 0 == process.returncode, shown
    assert b"500/500" in shown
    assert b"/s" in shown


def test_quiet_prints_nothing(digits, tmp_path):
    done = batch_eval("run", digits, "--out", tmp_path / "out", "--quiet")

    assert ("", "", 0) == (done.stdout, done.stderr, done.returncode)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "nowhere"], "nowhere"),
        (["run", "{digits}", "--model", "nothing.keras"], "There is no model at nothing.keras"),
        (["run", "{digits}", "--model", "{digits}/7_a.png"], "a PNG image, not a model"),
        (["run", "{digits}", "--preprocess", "foto"], "Did you mean 'photo'"),
        (["run", "{digits}", "--skip", "fit"], "can skip"),
        (["run", "{digits}", "--adjust", "stroke.thickest=99"], "Must be from 0.5 to 8"),
        (["run", "{digits}", "--classes", "a,b"], "10"),
        (["run", "{digits}", "--classes", "a,b,c,d,e,f,g,h,i,j"], "--classes"),
        (["run", "{digits}", "--input-range", "0..2"], "0..1"),
        (["run", "{digits}", "--out", "{digits}/7_a.png"], "--out"),
        (["preprocess", "nowhere.png"], "nowhere.png"),
        (["run"], "Missing argument"),
    ],
)
def test_what_the_user_must_change_is_one_message_and_exit_code_2(digits, tmp_path, arguments, message):
    done = batch_eval(*(argument.format(digits=digits) for argument in arguments), cwd=tmp_path)

    assert 2 == done.returncode
    assert message in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_an_existing_report_survives_a_failed_run(digits, tmp_path):
    batch_eval("run", digits, "--out", tmp_path / "out")
    before = (tmp_path / "out" / "metrics.json").read_bytes()

    batch_eval("run", digits, "--out", tmp_path / "out", "--model", "nothing.keras")
    assert before == (tmp_path / "out" / "metrics.json").read_bytes()


def test_a_folder_that_cannot_be_written_is_found_before_the_work(digits, tmp_path):
    (tmp_path / "file").write_bytes(b"")

    done = batch_eval("run", digits, "--out", tmp_path / "file" / "out")
    assert 2 == done.returncode
    assert "Labels: " not in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for another process")
def test_ctrl_c_while_a_library_is_imported_is_no_bug(digits, tmp_path):
    (tmp_path / "onnxruntime.py").write_text(
        """
import os, signal
try:
    os.kill(os.getpid(), signal.SIGINT)
except KeyboardInterrupt:
    raise ImportError("initialization failed")  # as libraries do that are written in C
"""
    )
    done = batch_eval("run", digits, cwd=tmp_path, PYTHONPATH=os.pathsep.join([str(tmp_path), str(ROOT)]))

    assert (130, "") == (done.returncode, done.stdout)
    assert "bug" not in done.stderr
    assert done.stderr.endswith("Stopped.\n")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for another process")
def test_ctrl_c_while_a_report_imports_something_leaves_no_half_written_folder(tmp_path):
    (tmp_path / "pressing.py").write_text("import os, signal; os.kill(os.getpid(), signal.SIGINT)")
    script = """
import shutil
import signal
from pathlib import Path
from batch_eval.cli import _interrupted
from batch_eval.publishing import publish

def contents():
    yield "one", "one.txt", b"1"
    import pressing
    yield "two", "two.txt", b"2"

signal.signal(signal.SIGINT, _interrupted)
publish(Path("out"), contents(), None)
"""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env=env, capture_output=True, text=True, check=False
    )

    assert (130, "Stopped.\n") == (done.returncode, done.stderr)
    assert [] == list((tmp_path / "out").iterdir())


@pytest.mark.slow
def test_ctrl_c_stops_with_130_and_leaves_nothing(digits, tmp_path):
    many = tmp_path / "many"
    many.mkdir()
    for i in range(20_000):
        os.link(digits / "7_a.png", many / f"7_a{i}.png")
    command = [sys.executable, "-m", "batch_eval", "run", str(many), "--out", str(tmp_path / "out")]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    process.stderr.readline()  # it has read the labels and goes to work
    process.send_signal(signal.SIGINT)
    _, talk = process.communicate(timeout=60)

    assert 130 == process.returncode, talk
    assert "Traceback" not in talk
    assert talk.endswith("Stopped.\n")
    assert not (tmp_path / "out").exists()


def test_any_file_name_can_be_run(tmp_path):
    folder = tmp_path / "bilder"
    folder.mkdir()
    for name in (b"7_\xff\xfe.png", "3_größe.png".encode(), b"1_<img src=x>.png", b"2_=cmd.png"):
        data = cv2.imencode(".png", on_paper(ink(int(name[:1]), int(name[:1]))))[1].tobytes()
        (folder / os.fsdecode(name)).write_bytes(data)

    done = batch_eval("run", folder, "--out", tmp_path / "out", LC_ALL="C", PYTHONIOENCODING="")
    assert 0 == done.returncode, done.stderr
    assert 4 == json.loads((tmp_path / "out" / "metrics.json").read_text())["files"]


@pytest.mark.slow
def test_verify_compares_with_tensorflow(digits, tmp_path):
    done = batch_eval("run", digits, "--out", tmp_path / "out", "--verify")

    assert 0 == done.returncode, done.stderr
    assert "On 10 images, the largest difference" in done.stderr


def test_preprocess_writes_the_result_and_the_strip(digits, tmp_path):
    done = batch_eval("preprocess", digits / "7_a.png", digits / "3_a.png", "--out", tmp_path / "out")

    assert 0 == done.returncode, done.stderr
    assert (28, 28) == cv2.imread(str(tmp_path / "out" / "7_a.png"), cv2.IMREAD_UNCHANGED).shape
    assert cv2.imread(str(tmp_path / "out" / "3_a-steps.png")).shape[1] > 1000


def test_preprocess_goes_on_after_a_damaged_image(digits, tmp_path):
    (digits / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    done = batch_eval("preprocess", digits / "bad.png", digits / "3_a.png", "--out", tmp_path / "out")

    assert 2 == done.returncode
    assert "bad.png: " in done.stderr
    assert (tmp_path / "out" / "3_a.png").exists()


@pytest.mark.slow
def test_a_run_does_not_read_the_reports_of_the_last(digits):
    for _ in range(2):
        done = batch_eval("run", ".", "--preprocess", "simple", cwd=digits)
        assert 0 == done.returncode, done.stderr
        assert f"of {len(list(digits.glob('*.png')))} scored" in done.stdout
        batch_eval("preprocess", "7_a.png", cwd=digits)


def test_preprocess_replaces_no_photo(digits, tmp_path):
    photos = [digits / name for name in ("7_a.png", "7_a-steps.png", "3_a.png")]
    (digits / "7_a-steps.png").write_bytes(photos[0].read_bytes())
    before = {path: path.read_bytes() for path in digits.iterdir()}

    for _ in range(2):  # what it wrote itself, it may replace
        done = batch_eval("preprocess", *photos, tmp_path / "digits" / ".." / "digits" / "1_a.png", "--out", digits)
        assert 0 == done.returncode, done.stderr
    assert before == {path: path.read_bytes() for path in before}
    assert 8 == len(done.stdout.split()) == len(set(digits.iterdir()) - before.keys())


@pytest.mark.parametrize("command", [[], ["run"], ["train"], ["preprocess"]])
def test_every_command_has_help(command):
    done = batch_eval(*command, "--help")

    assert 0 == done.returncode
    assert "Usage: batch-eval" in done.stdout


@pytest.mark.parametrize("encoding", ["cp437", "ascii"])
def test_what_the_encoding_of_stdout_lacks_is_escaped(encoding):
    done = batch_eval("run", "--help", PYTHONIOENCODING=encoding)

    assert 0 == done.returncode, done.stderr
    assert r"0,1,\u2026,9" in done.stdout


def test_version_is_the_packages():
    from batch_eval import __version__

    assert f"batch-eval {__version__}\n" == batch_eval("--version").stdout


def test_help_imports_nothing_heavy():
    modules = modules_after(
        "from batch_eval.cli.app import application\nimport contextlib, io\n"
        "with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit): "
        "application()(['run', '--help'])"
    )

    heavy = {"numpy", "cv2", "pandas", "h5py", "onnxruntime", "tensorflow", "sklearn", "matplotlib"}
    assert not modules & heavy


@pytest.mark.slow
def test_run_imports_no_tensorflow(tmp_path):
    modules = modules_after(
        "from batch_eval.cli.app import application\nimport contextlib, io\n"
        "with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit): "
        f"application()(['run', 'sample_images', '--out', {str(tmp_path / 'out')!r}])"
    )

    assert {"onnxruntime", "cv2"} <= modules
    heavy = {"tensorflow", "keras", "sklearn", "matplotlib", "pandas", "scipy", "pydantic"}
    assert not modules & heavy


@pytest.mark.slow
def test_the_python_api_gives_what_the_command_gives(tmp_path):
    from batch_eval import evaluate

    batch_eval("run", "sample_images", "--out", tmp_path / "out")
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text())

    evaluation = evaluate(ROOT / "sample_images")
    assert metrics["accuracy"] == pytest.approx(evaluation.accuracy)
    table = evaluation.to_pandas()
    assert 60 == len(table)
    assert np.isclose(evaluation.accuracy, (table["truth"] == table["predicted"]).mean())


@pytest.mark.slow
def test_folders_of_one_name_have_report_folders_of_their_own(digits, tmp_path):
    places = {"a/digits": "reports/a/digits", "b/digits": "reports/b/digits"}
    for place in places:
        shutil.copytree(digits, tmp_path / place)
        done = batch_eval("run", place, "--format", "json", "--quiet", cwd=tmp_path)

        assert 0 == done.returncode, done.stderr
    batch_eval("run", tmp_path / "a/digits", "--format", "json", "--quiet", cwd=tmp_path / "b")
    batch_eval("run", "../digits", "--format", "json", "--quiet", cwd=tmp_path / "b")

    assert all((tmp_path / out / "evaluation.json").is_file() for out in places.values())
    assert 2 == len(list((tmp_path / "b" / "reports").glob("digits-*")))


@pytest.mark.parametrize(
    ("root", "given", "path"),
    [
        ("repo", "photos", "sub/photos"),
        ("repo", "../photos", "photos"),
        ("repo/sub/photos", "photos", "."),
        (None, "photos", "photos"),
        (None, "more/photos", "more/photos"),
        (None, "../photos", "photos"),
    ],
)
def test_annotations_name_files_from_the_root_of_the_repository(root, given, path, tmp_path, monkeypatch):
    here = tmp_path / "repo" / "sub"
    for folder in (here / given, here):
        folder.mkdir(parents=True, exist_ok=True)
    if root:
        (tmp_path / root / ".git").mkdir()
    monkeypatch.chdir(here)

    assert path == repository_path(Path(given))


@pytest.mark.slow
def test_a_note_is_printed_once(digits, tmp_path):
    (digits / "labels.csv").write_text("filename,label\n" + "".join(f"{i}_a.png,{i}\n" for i in range(9)))
    done = batch_eval("run", digits, "--out", tmp_path / "out")

    assert 1 == (done.stdout + done.stderr).count("9_a.png.")
    assert "have no label" in batch_eval("report", tmp_path / "out").stdout


def test_the_terminal_ends_with_the_accuracy_and_the_page(digits, tmp_path):
    lines = batch_eval("run", digits, "--out", tmp_path / "out").stdout.splitlines()

    assert lines[-2].startswith("Accuracy ")
    assert f"Report: {tmp_path / 'out' / 'report.html'}" == lines[-1]


def test_open_shows_the_page_in_the_browser(digits, tmp_path):
    seen = tmp_path / "seen"
    browser = tmp_path / "browser.sh"
    browser.write_text(f'#!/bin/sh\necho "$1" > {seen}\n')
    browser.chmod(0o755)
    batch_eval("run", digits, "--open", "--out", tmp_path / "out", BROWSER=str(browser))

    assert (tmp_path / "out" / "report.html").as_uri() == seen.read_text().strip()


@pytest.mark.parametrize("options", [("--format", "json"), ("--format", "html", "--out", "-")])
def test_open_needs_a_page(options, digits):
    done = batch_eval("run", digits, "--open", *options)

    assert 2 == done.returncode
    assert "--open opens the HTML report, but none is written" in done.stderr
