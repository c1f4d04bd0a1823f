"""The recipes of docs/scale.md: each scheduler's commands make every shard, once, and merge what they wrote."""

import re
import shutil
import subprocess
import sys

import pytest
from processes import ROOT

from batch_eval.parts.plan import Plan, parse_shard

pytestmark = pytest.mark.skipif(
    sys.platform == "win32" or shutil.which("bash") is None, reason="the recipes are shell commands"
)

PAGE = (ROOT / "docs" / "scale.md").read_text(encoding="utf-8")
INDEXES = {
    "GitHub": [{"SHARD": str(i)} for i in range(1, 5)],
    "GitLab": [{"CI_NODE_INDEX": str(i), "CI_NODE_TOTAL": "4"} for i in range(1, 5)],
    "Slurm": [{"SLURM_ARRAY_TASK_ID": str(i)} for i in range(1, 17)],
    "Kubernetes": [{"JOB_COMPLETION_INDEX": str(i)} for i in range(16)],
}
"""What each scheduler sets for each machine, with the counts of the recipe."""


def recipe(scheduler: str) -> str:
    """Return a scheduler's chapter. GitHub's expression of a matrix becomes a variable of the shell."""
    (_, chapter) = re.split(rf"^### {scheduler}$", PAGE, flags=re.MULTILINE)
    return re.split(r"^##", chapter, flags=re.MULTILINE)[0].replace("${{ matrix.shard }}", "$SHARD")


def arguments(command: str, variables: dict[str, str]) -> list[str]:
    """Return what a shell makes of a command, which is not run."""
    # printf stands for the program, and writes an argument a line
    printed = re.sub(r"^batch-eval ", r"printf '%s\\n' ", command)
    found = subprocess.run(["bash", "-c", printed], env=variables, capture_output=True, text=True, check=True)
    return found.stdout.splitlines()


@pytest.mark.parametrize("scheduler", INDEXES)
def test_a_recipe_evaluates_every_part_once(scheduler):
    (command,) = re.findall(r"^[ ]*(?:- (?:run: )?)?(batch-eval run .*--shard .*)$", recipe(scheduler), re.MULTILINE)
    plan, done = Plan(1_000, 16), []
    for variables in INDEXES[scheduler]:
        given = arguments(command, variables)
        done += plan.shard(parse_shard(given[given.index("--shard") + 1]))

    assert sorted(done) == list(range(plan.parts))


@pytest.mark.parametrize(
    ("scheduler", "stated"),
    [("GitHub", r"shard: \[1, 2, 3, 4\]"), ("GitLab", "parallel: 4"), ("Slurm", "--array=1-16")],
)
def test_a_recipe_starts_as_many_machines_as_shards(scheduler, stated):
    assert re.search(stated, recipe(scheduler))


def test_the_kubernetes_job_has_as_many_pods_as_shards():
    assert re.search(r"completionMode: Indexed\n +completions: 16\n", recipe("Kubernetes"))
