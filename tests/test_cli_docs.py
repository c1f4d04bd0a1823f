"""What CI systems take from this repository does what docs/ci.md says: the action, the hook and its recipe."""

import os
import re
import subprocess
import sys
import textwrap
import tomllib

import pytest
from processes import ROOT

from batch_eval.dataset.labels.gathering import USUAL
from batch_eval.dataset.names import READABLE_SUFFIXES

ACTION = (ROOT / "action.yml").read_text(encoding="utf-8")
CI = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
HOOK_FILE = ".pre-commit-hooks.yaml"
HOOK = (ROOT / HOOK_FILE).read_text(encoding="utf-8")
INPUTS = {"FOLDER": "sample_images", "FORMATS": "json text", "MODEL": "", "FAIL_UNDER": "", "BASELINE": "", "ARGS": ""}


def test_the_action_never_puts_an_input_into_its_script():
    uses = [line.strip() for line in ACTION.splitlines() if "inputs." in line]

    assert uses
    assert all(line.split(":")[0].isupper() or line.startswith("python-version:") for line in uses)


@pytest.fixture
def act(tmp_path):
    """Run the action's script as its runner would, and return the exit code and the outputs."""
    script = textwrap.dedent(ACTION.split("      run: |\n")[-1])
    command = tmp_path / "batch-eval"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m batch_eval "$@"\n')
    command.chmod(0o755)

    def run(**inputs):
        given = {**INPUTS, "OUT": str(tmp_path / "report"), "GITHUB_OUTPUT": str(tmp_path / "output"), **inputs}
        path = f"{tmp_path}:{os.path.dirname(sys.executable)}:{os.environ['PATH']}"
        shell = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script]
        environment = {**os.environ, **given, "PATH": path}
        done = subprocess.run(shell, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        outputs = (tmp_path / "output").read_text().splitlines()
        return done.returncode, dict(line.split("=", 1) for line in outputs)

    return run


def test_the_action_writes_the_formats_and_tells_the_accuracy(act, tmp_path):
    code, outputs = act()

    assert (0, str(tmp_path / "report")) == (code, outputs["report"])
    assert 0 < float(outputs["accuracy"]) <= 1
    assert {"evaluation.json", "metrics.json", "report.txt"} == {p.name for p in (tmp_path / "report").iterdir()}


@pytest.mark.slow
def test_the_action_fails_where_a_gate_does_and_still_tells_the_accuracy(act):
    code, outputs = act(ARGS="--preprocess\nnone\n--fail-under-class\n0.99\n")

    assert 1 == code
    assert outputs["accuracy"]


def test_the_action_runs_nothing_that_stands_in_an_input(act, tmp_path):
    code, outputs = act(FOLDER=f"$(touch {tmp_path}/pwned)", FAIL_UNDER="95%; exit 0")

    assert (2, "") == (code, outputs["accuracy"])
    assert not (tmp_path / "pwned").exists()


def test_the_recipes_hold_no_placeholder():
    assert [] == re.findall(r"OWNER|EXAMPLE|<[a-z-]+>", CI)


def test_the_recipe_of_pre_commit_names_a_commit_and_a_hook_of_this_repository(tmp_path):
    script = re.search(r"```bash\n(cat.+?^END\n)", CI, re.DOTALL | re.MULTILINE)[1]
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b.c", "-C", str(tmp_path)]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "first"], check=True)
    head = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()
    environment = {**os.environ, "BATCH_EVAL_URL": f"file://{tmp_path}"}
    subprocess.run(["bash", "-euc", script], cwd=tmp_path, env=environment, check=True)
    written = (tmp_path / ".pre-commit-config.yaml").read_text()

    assert f"  - repo: file://{tmp_path}\n    rev: {head}\n" in written
    assert re.search(r"- id: (.+)", written)[1] in HOOK


def test_the_hook_runs_where_an_image_of_any_kind_or_a_label_file_changed():
    pattern = re.search(r"^  files: (.+)$", HOOK, re.MULTILINE)[1]
    changed = [*USUAL, *(f"photos/7{end}" for suffix in READABLE_SUFFIXES for end in (suffix, suffix.upper()))]

    assert [] == [name for name in changed if not re.search(pattern, name)]


def test_actions_are_pinned_to_commits():
    files = [ROOT / "action.yml", *(ROOT / ".github" / "workflows").glob("*.yml")]
    used = [use for file in files for use in re.findall(r"uses: (.+)", file.read_text(encoding="utf-8"))]

    assert used
    assert [] == [use for use in used if not re.fullmatch(r"\./|[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", use)]


def test_the_task_and_the_readme_run_the_same_tests():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    task = project["tool"]["hatch"]["envs"]["default"]["scripts"]["test"]

    assert f"pip install '.[test]' && {task.removesuffix(' {args}')}\n" in (ROOT / "README.md").read_text(
        encoding="utf-8"
    )


def test_the_tests_run_from_an_unpacked_sdist():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    included = project["hatch"]["build"]["targets"]["sdist"]["include"]
    options = project["pytest"]["ini_options"]
    read = [
        *options["testpaths"],
        *options["pythonpath"],
        "sample_images",
        "reports",
        ".ci/light",
        ".github",
        "action.yml",
        HOOK_FILE,
    ]

    assert [] == [name for name in read if f"/{name}" not in included]
