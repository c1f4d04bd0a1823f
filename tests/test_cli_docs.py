"""docs/ci.md says everything that decides an exit code, in the program's own words."""

from dataclasses import fields
from pathlib import Path

import pytest

from batch_eval.errors import ExitCode
from batch_eval.gates import Limits

ROOT = Path(__file__).resolve().parents[1]
CI = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("code", ExitCode)
def test_every_exit_code_is_documented_with_its_meaning(code):
    assert f"| {code.value} | {code.meaning} |" in CI


@pytest.mark.parametrize("gate", [field.name.replace("_", "-") for field in fields(Limits)])
def test_every_gate_is_documented(gate):
    assert f"--{gate}" in CI


def test_the_action_never_puts_an_input_into_its_script():
    lines = (ROOT / "action.yml").read_text(encoding="utf-8").splitlines()
    uses = [line.strip() for line in lines if "inputs." in line]

    assert uses
    assert all(line.split(":")[0].isupper() or line.startswith("python-version:") for line in uses)
