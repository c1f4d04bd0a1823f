"""Folders and label files as people have them, kept outside of the repository: each must show what it is said to.

`python tests/test_cases.py` prints a table. The cases are read from `$BATCH_EVAL_CASES`, or `../shared/cases` beside
the checkout, and skipped where they are absent.
"""

import json
import os
import re
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from processes import ROOT, batch_eval

CASES = Path(os.environ.get("BATCH_EVAL_CASES") or ROOT.parent / "shared" / "cases")
OTHERS = {"38": "its files keep 1 to 4 lit pixels of each digit, which nobody can read"}
"""Cases that cannot hold, and why."""


def cases() -> list[dict[str, Any]]:
    file = CASES / "cases.json"
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else []


def shortcomings(case: dict[str, Any], out: Path) -> list[str]:
    """Run a case and return what it does not show."""
    arguments = [argument.replace("{}", str(CASES / case["folder"])) for argument in case["args"]]
    if arguments[0] == "run":
        arguments += ["--out", str(out), "-f", "json", "-f", "text"]
    done = batch_eval(*arguments, cwd=out)
    said = " ".join((done.stdout + done.stderr).split())
    metrics = out / "metrics.json"
    found = json.loads(metrics.read_text()) if metrics.is_file() else {}
    want = case["want"]
    other = want.get("or")
    if other and done.returncode in other["exit"] and re.search(other["says"], said, re.IGNORECASE):
        return []
    return [text for text, holds in _checks(want, found, done.returncode, said) if not holds]


def _checks(want: dict[str, Any], found: dict[str, Any], code: int, said: str) -> list[tuple[str, bool]]:
    accuracy = found.get("accuracy") or 0
    scored = sum(found.get(name, 0) for name in ("correct", "wrong", "blank"))
    codes = want.get("exit", 0)
    return [
        (f"accuracy {accuracy}", accuracy >= want.get("accuracy", 0) - 1e-9),
        (f"{scored} scored", scored == want.get("scored", scored)),
        (
            f"{found.get('unlabelled')} unlabelled",
            found.get("unlabelled") == want.get("unlabelled", found.get("unlabelled")),
        ),
        (f"exit code {code}", code in (codes if isinstance(codes, list) else [codes])),
        (f"nothing said like {want.get('says')}", bool(re.search(want.get("says", ""), said, re.IGNORECASE))),
    ]


@pytest.mark.slow
@pytest.mark.skipif(not cases(), reason=f"needs the measuring cases: {CASES} is absent (set BATCH_EVAL_CASES)")
@pytest.mark.parametrize("case", cases(), ids=lambda case: case["nr"])
def test_a_case_shows_what_it_must(case: dict[str, Any], tmp_path: Path) -> None:
    if case["nr"] in OTHERS:
        pytest.skip(OTHERS[case["nr"]])

    assert [] == shortcomings(case, tmp_path)


if __name__ == "__main__":
    import tempfile

    print("| case | situation | holds |\n|---|---|---|")  # noqa: T201
    for case in cases():
        with tempfile.TemporaryDirectory() as folder:
            found = shortcomings(case, Path(folder))
        print(f"| {case['nr']} | {case['situation']} | {', '.join(found) or 'yes'} |")  # noqa: T201
