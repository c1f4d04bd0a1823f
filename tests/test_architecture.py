"""The rooms of docs/architecture.md: imports run one way, and no circle stands anywhere."""

import subprocess
import sys

import pytest
from processes import ROOT

pytest.importorskip("importlinter")


def test_imports_run_one_way():
    """The contracts stand in pyproject.toml, [tool.importlinter]."""
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"]
    done = subprocess.run([*command, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)

    assert 0 == done.returncode, done.stdout + done.stderr
