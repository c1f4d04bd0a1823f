"""Gates, formats, comparison and configuration as commands; `report` stands in where no model needs to run."""

import json
import os
import re
import shutil
import subprocess
import sys

import pytest
from processes import ROOT, batch_eval, modules_after
from report_examples import small

from batch_eval.evaluation.saved import dump_evaluation, load_evaluation
from batch_eval.reports.registry import DEFAULT_FORMATS, Kind, format_names

pytestmark = pytest.mark.slow

HEAVY = {"numpy", "cv2", "tensorflow", "pandas", "sklearn", "onnxruntime", "matplotlib", "h5py", "jinja2"}
COMMANDS = ("run", "report", "compare", "preprocess", "train", "config")


@pytest.fixture
def saved(tmp_path):
    """A folder with the saved small evaluation: 2 of 5 correct."""
    folder = tmp_path / "saved"
    folder.mkdir()
    (folder / "evaluation.json").write_bytes(dump_evaluation(small()))
    return folder


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_every_command_imports_nothing_heavy(command):
    modules = modules_after(
        "from batch_eval.cli.app import application\nimport contextlib, io\n"
        "with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit): "
        f"application()([{command!r}, '--help'])"
    )

    assert not modules & HEAVY


def test_a_gate_that_passes_exits_with_0(saved):
    done = batch_eval("report", saved, "--fail-under", "40%")

    assert 0 == done.returncode, done.stderr
    assert "passed  fail-under: Accuracy 40.0 % of 5 images" in done.stdout


def test_a_gate_that_fails_exits_with_1_and_the_reports_are_there(saved, tmp_path):
    done = batch_eval("report", saved, "--out", tmp_path / "out", "--fail-under", "0.41")

    assert 1 == done.returncode
    assert "FAILED  fail-under" in done.stdout
    assert (tmp_path / "out" / "report.html").exists()


def test_run_checks_gates_against_a_baseline(tmp_path):
    batch_eval("run", ROOT / "sample_images", "--out", tmp_path / "a", "--quiet")
    arguments = ("--preprocess", "simple", "--baseline", tmp_path / "a", "--fail-if-worse", "--max-drop", "0.01")
    done = batch_eval("run", ROOT / "sample_images", "--out", tmp_path / "b", *arguments)

    assert 1 == done.returncode, done.stderr
    assert "FAILED  max-drop" in done.stdout
    assert "FAILED  fail-if-worse" in done.stdout


@pytest.mark.parametrize("command", ["run", "report"])
@pytest.mark.parametrize("baseline", ["saved", "saved/../saved/evaluation.json"])
def test_a_baseline_that_the_reports_would_replace_is_refused_before_the_work(command, baseline, saved):
    before = (saved / "evaluation.json").read_bytes()
    source = {"run": ROOT / "sample_images", "report": saved}[command]
    done = batch_eval(command, source, "--out", saved, "--baseline", baseline, "--max-drop", "0.01", cwd=saved.parent)

    assert (2, "") == (done.returncode, done.stdout)
    assert "would replace the baseline" in done.stderr
    assert "Labels: " not in done.stderr
    assert before == (saved / "evaluation.json").read_bytes()


def test_a_baseline_may_lie_where_other_formats_are_written(saved):
    done = batch_eval("report", saved, "--baseline", saved, "--max-drop", "0.01", "--format", "html")

    assert 0 == done.returncode, done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "sample_images", "--fail-under", "120"], "--fail-under 120 is invalid: it must lie between 0 and 1"),
        (["run", "sample_images", "--max-drop", "0.1"], "--baseline"),
        (["run", "sample_images", "--fail-under-class", "A=0.5"], "names the class 'A', which does not exist"),
        (["run", "sample_images", "--fail-under-slice", "papier=ruled:0.5"], "Did you mean 'paper'?"),
        (["run", "sample_images", "--baseline", "nothing.json"], "cannot read nothing.json"),
        (["run", "sample_images", "--format", "pdf"], "unknown report format 'pdf'"),
        (["run", "sample_images", "--out", "-"], "none was given"),
        (["run", "sample_images", "--out", "-", "-f", "csv", "-f", "json"], "2 were given"),
        (["run", "sample_images", "--out", "-", "-f", "csv", "--plots"], "2 were given"),
        (["report", "nowhere.json"], "cannot read nowhere.json"),
        (["compare", "a.json"], "Name two or more"),
        (["compare", "a", "b", "--format", "pdf"], "unknown ranking format 'pdf'"),
        (["compare", "a.json", "b.json", "--format", "pdf"], "unknown comparison format 'pdf'"),
        (["config", "walk"], "unknown command 'walk'"),
    ],
)
def test_wrong_options_are_refused_before_the_work(arguments, message):
    done = batch_eval(*arguments)

    assert 2 == done.returncode
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert "" == done.stdout


def test_out_dash_prints_the_report_and_nothing_else(saved):
    done = batch_eval("report", saved, "--format", "json", "--out", "-", "--fail-under", "0.4")

    assert 2 == json.loads(done.stdout)["correct"]
    assert "passed  fail-under" in done.stderr


@pytest.mark.parametrize("encoding", ["utf-8", "cp437"])
def test_the_encoding_of_stdout_changes_no_document(encoding, saved):
    done = batch_eval("report", saved, "--format", "markdown", "--out", "-", PYTHONIOENCODING=encoding)
    batch_eval("report", saved, "--format", "markdown", "--quiet")

    assert done.stdout.encode() == (saved / "report.md").read_bytes()
    assert not done.stdout.isascii()


def test_only_the_formats_asked_for_are_written(saved, tmp_path):
    batch_eval("report", saved, "--format", "text", "--format", "json", "--out", tmp_path / "out", "--quiet")

    assert {"report.txt", "metrics.json", "evaluation.json"} == {p.name for p in (tmp_path / "out").iterdir()}


@pytest.mark.parametrize(("given", "others"), [(["--format", "text"], {"report.txt"}), ([], {"report.html"})])
def test_plots_are_drawn_beside_the_other_formats(given, others, saved, tmp_path):
    done = batch_eval("report", saved, "--plots", *given, "--out", tmp_path / "out", "--quiet")
    plots = ("confusion_matrix", "confusion_matrix_normalised", "reliability", "coverage")
    names = {f"{name}.{kind}" for name in plots for kind in ("png", "svg", "pdf")}

    assert 0 == done.returncode, done.stderr
    assert names | others <= {path.name for path in (tmp_path / "out").iterdir()}


@pytest.mark.parametrize("name", format_names(Kind.RUN))
def test_a_saved_evaluation_is_reported_in_every_format(name, saved):
    command = [sys.executable, "-m", "batch_eval", "report", str(saved), "--format", name, "--out", "-"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)

    assert (0, b"") == (done.returncode, done.stderr)
    assert b"" != done.stdout


def test_a_self_contained_report_is_one_file(saved, tmp_path):
    batch_eval("report", saved, "--format", "html", "--self-contained", "--out", tmp_path / "out", "--quiet")

    assert ["report.html"] == [p.name for p in (tmp_path / "out").iterdir()]
    assert "data:image/png;base64," in (tmp_path / "out" / "report.html").read_text()


def test_reports_of_a_saved_evaluation_equal_those_of_its_run(tmp_path):
    run, again = tmp_path / "run", tmp_path / "again"
    batch_eval("run", ROOT / "sample_images", "--preprocess", "mnist", "--out", run, "--quiet")
    batch_eval("report", run, "--out", again, "--quiet")

    for file in sorted(p for p in run.rglob("*") if p.is_file()):
        assert file.read_bytes() == (again / file.relative_to(run)).read_bytes()


def test_report_writes_beside_the_saved_evaluation_by_default(saved):
    done = batch_eval("report", saved / "evaluation.json")

    assert done.stdout.endswith(f"Accuracy 40.00 % (11.8 to 76.9 %, n = 5)\nReport: {saved / 'report.html'}\n")
    assert {f.name for f in saved.iterdir()} >= {"report.html", "metrics.json"}
    assert small().counts == load_evaluation(saved / "evaluation.json").counts


def test_rendering_imports_neither_model_nor_image_libraries(saved, tmp_path):
    modules = modules_after(
        "from batch_eval.cli.app import application\nimport contextlib, io\n"
        "with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit): "
        f"application()(['report', {str(saved)!r}, '--quiet', '--out', {str(tmp_path / 'out')!r}])"
    )

    assert not modules & {"onnxruntime", "h5py", "tensorflow", "sklearn", "matplotlib", "pandas", "rich"}


def test_compare_prints_what_changed(saved):
    done = batch_eval("compare", saved, saved)

    assert 0 == done.returncode, done.stderr
    assert "All evaluations scored the same 5 images." in done.stdout
    assert "0 fixed, 0 broke of 5 images" in done.stdout


def test_compare_refuses_options_about_running_models_for_saved_evaluations(saved):
    done = batch_eval("compare", saved, saved, "--preprocess", "photo", "-j", "2", "--trust-model")

    assert (2, "") == (done.returncode, done.stdout)
    assert "--trust-model, --preprocess, --jobs would change nothing" in done.stderr


def test_compare_ignores_configured_options_about_running_models(saved, tmp_path):
    (tmp_path / "batch_eval.toml").write_text('preprocess = "mnist"\njobs = 2')
    done = batch_eval("compare", saved, saved, cwd=tmp_path, BATCH_EVAL_CLASSES="a,b")

    assert 0 == done.returncode, done.stderr


def test_compare_says_each_note_of_the_images_and_models_once(tmp_path):
    folder = tmp_path / "digits"
    shutil.copytree(ROOT / "sample_images", folder)
    with (folder / "labels.csv").open("a") as file:
        file.write("missing.png,7,plain,ballpoint,even\n")
    model = ROOT / "batch_eval/models/data/default.keras"
    copy = shutil.copy(model, tmp_path / "copy.keras")
    done = batch_eval("compare", folder, "--model", model, "--model", copy)

    assert 0 == done.returncode, done.stderr
    assert 1 == done.stderr.count("Note: ")


def test_compare_writes_several_formats(saved, tmp_path):
    arguments = ("--format", "html", "--format", "json", "--format", "markdown", "--out", tmp_path / "out")
    done = batch_eval("compare", saved, saved, *arguments)

    assert 0 == done.returncode, done.stderr
    assert {"comparison.html", "comparison.json", "comparison.md"} == {p.name for p in (tmp_path / "out").iterdir()}


def test_a_self_contained_comparison_is_one_file(saved, tmp_path):
    batch_eval("compare", saved, saved, "--format", "html", "--self-contained", "--out", tmp_path / "out")

    assert ["comparison.html"] == [p.name for p in (tmp_path / "out").iterdir()]


def test_compare_runs_several_models_on_one_folder(tmp_path):
    model = ROOT / "batch_eval" / "models" / "data"
    file = next(p for p in model.iterdir() if p.suffix in {".keras", ".onnx"})
    copy = shutil.copy(file, tmp_path / "copy.keras")
    done = batch_eval("compare", ROOT / "sample_images", "--model", file, "--model", copy, "--format", "json")

    assert 0 == done.returncode, done.stderr
    assert 60 == json.loads(done.stdout)["images"]


@pytest.mark.parametrize(
    ("options", "code"), [("--quiet", 0), ("", 0), ("-f csv -o -", 0), ("--fail-under 1", 1), ("--fail-under 0.1", 0)]
)
def test_a_closed_pipe_changes_no_exit_code(saved, options, code):
    command = f"{sys.executable} -m batch_eval report {saved} {options} | :"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], cwd=ROOT, capture_output=True, check=False)

    assert (code, b"") == (done.returncode, done.stderr)


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_reports_are_written_where_a_parent_has_closed_the_output(saved, tmp_path, closed):
    command = f"{sys.executable} -m batch_eval report {saved} --out {tmp_path / 'out'} {closed}"
    done = subprocess.run(["bash", "-c", command], cwd=ROOT, capture_output=True, check=False)

    assert (0, b"") == (done.returncode, done.stderr)
    assert (tmp_path / "out" / "report.html").read_bytes().rstrip().endswith(b"</html>")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="only Linux has a disk that is always full")
@pytest.mark.parametrize("options", ["-f text -o -", "-f json -o -"])
def test_a_report_that_a_full_disk_cannot_take_is_an_error(saved, options):
    command = f"{sys.executable} -m batch_eval report {saved} {options} > /dev/full"
    done = subprocess.run(["bash", "-c", command], cwd=ROOT, capture_output=True, text=True, check=False)

    assert 2 == done.returncode
    assert "Error: cannot write to stdout: No space left on device. Check that its disk has space" in done.stderr
    assert "Traceback" not in done.stderr
    assert "This is a bug" not in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="Windows deletes no folder that is somebody's current one")
def test_a_current_folder_that_is_gone_is_one_message(saved, tmp_path):
    gone = tmp_path / "gone"
    gone.mkdir()
    command = f"cd {gone}; rmdir {gone}; PYTHONPATH={ROOT} {sys.executable} -m batch_eval report {saved}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)

    assert 2 == done.returncode
    assert "Error: the folder that this was started in no longer exists. Change to one that does.\n" == done.stderr


def test_no_color_is_respected_where_colour_would_be_forced(saved):
    done = batch_eval("report", saved, NO_COLOR="1", FORCE_COLOR="1")

    assert not re.search(r"\x1b\[[0-9;]*3[0-7]m", done.stdout + done.stderr)


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write anywhere")
def test_a_folder_without_permission_is_found_before_the_work(saved, tmp_path):
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)
    done = batch_eval("report", saved, "--out", locked / "out")

    assert 2 == done.returncode
    assert "you may not write there" in done.stderr


def test_the_configuration_of_the_current_folder_is_used(saved, tmp_path):
    (tmp_path / "batch_eval.toml").write_text('fail-under = 0.5\nformat = ["text"]\n')
    done = batch_eval("report", saved, cwd=tmp_path)

    assert 1 == done.returncode, done.stderr
    assert (saved / "report.txt").exists()


def test_an_option_wins_over_the_environment_and_that_over_the_file(saved, tmp_path):
    (tmp_path / "batch_eval.toml").write_text("fail-under = 1\n")
    by_environment = batch_eval("report", saved, cwd=tmp_path, BATCH_EVAL_FAIL_UNDER="0.5")
    by_option = batch_eval("report", saved, "--fail-under", "0.3", cwd=tmp_path, BATCH_EVAL_FAIL_UNDER="0.5")

    assert "at least 50.0 %" in by_environment.stdout
    assert "at least 30.0 %" in by_option.stdout


def test_config_shows_each_value_and_its_source(tmp_path):
    (tmp_path / "pyproject.toml").write_text('[tool.batch_eval]\npreprocess = "mnist"\n')
    done = batch_eval("config", cwd=tmp_path, BATCH_EVAL_JOBS="3")
    lines = [" ".join(line.split()) for line in done.stdout.splitlines()]

    assert f"preprocess mnist {tmp_path / 'pyproject.toml'}, key preprocess" in lines
    assert "jobs 3 BATCH_EVAL_JOBS" in lines
    assert "input-range auto default" in lines


def test_an_unknown_key_is_refused_with_a_suggestion(saved, tmp_path):
    (tmp_path / "batch_eval.toml").write_text("fail-undr = 0.5\n")
    done = batch_eval("report", saved, cwd=tmp_path)

    assert 2 == done.returncode
    assert "Did you mean 'fail-under'?" in done.stderr


def test_help_works_when_the_configuration_does_not(tmp_path):
    (tmp_path / "batch_eval.toml").write_text("fail-undr = 0.5\n")

    assert 0 == batch_eval("run", "--help", cwd=tmp_path).returncode


def test_the_default_formats_are_those_in_the_help():
    done = batch_eval("run", "--help", COLUMNS="200")
    *first, last = DEFAULT_FORMATS
    unwrapped = " ".join(done.stdout.replace("│", " ").split())

    assert f"Default: {', '.join(first)} and {last}." in unwrapped
