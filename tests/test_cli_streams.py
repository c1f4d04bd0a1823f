"""Neither stdout nor stderr stops the work: reports are written and the gate decides, whoever listens."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from processes import ROOT

REPORTS = ["evaluation.json", "metrics.json"]

# a reader that takes one byte at a time
SLOW = "2>&1 | while IFS= read -r -n 1; do :; done"
STREAMS = {
    "both closed by the reader": "2>&1 | true",
    "stderr closed by the reader": "2> >(true) > /dev/null",
    "stdout closed by the reader": "2> /dev/null | true",
    "both closed by the parent": ">&- 2>&-",
    "stdout full": "> /dev/full",
    "stderr full": "2> /dev/full",
    "both full": "> /dev/full 2> /dev/full",
    "slow": SLOW,
}
GATES = {
    "passes": ("--fail-under 0.5", 0),
    "fails": ("--fail-under-low 0.99", 1),
    "error": ("--fail-under 7", 2),
    "none": ("", 0),
}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not os.path.exists("/dev/full"), reason="only Linux has a disk that is always full"),
]


@pytest.mark.parametrize("flags", [[], ["-u"]], ids=str)
def test_messages_are_written_at_once(flags: list[str], tmp_path: Path) -> None:
    """Python has no buffers with -u and PYTHONUNBUFFERED, which containers set."""
    said = tmp_path / "said"
    program = (
        "import sys; from batch_eval.streams import make_lenient; make_lenient(); print('Labels', file=sys.stderr); "
        f"sys.exit(open({str(said)!r}).read() != 'Labels\\n')"
    )
    with said.open("w") as stderr:
        done = subprocess.run([sys.executable, *flags, "-c", program], cwd=ROOT, stderr=stderr, check=False)

    assert 0 == done.returncode


def run(folder: Path, options: str, streams: str) -> subprocess.CompletedProcess[str]:
    """Run the sample images in bash; the exit code is that of the program, not of a reader."""
    command = f"{sys.executable} -m batch_eval run sample_images -f json --out {folder} {options} {streams}"
    return subprocess.run(
        ["bash", "-c", f"{command}; exit ${{PIPESTATUS[0]}}"], cwd=ROOT, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("streams", STREAMS.values(), ids=STREAMS)
@pytest.mark.parametrize(("options", "code"), GATES.values(), ids=GATES)
def test_the_gate_decides_whoever_listens(tmp_path, streams, options, code):
    done = run(tmp_path / "out", options, streams)

    assert code == done.returncode
    assert not [word for word in ("Traceback", "bug", "Exception", "refused") if word in done.stderr]
    assert (REPORTS if code < 2 else []) == sorted(p.name for p in (tmp_path / "out").glob("*"))


@pytest.mark.parametrize("streams", ["2>&1 | true", "> /dev/full 2>&1"])
def test_a_bug_is_told_to_nobody_without_another_failure(streams):
    code = "import batch_eval.cli as cli; cli._run = lambda _: 1 / 0; cli.main()"
    command = f"{sys.executable} -c '{code}' {streams}; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], cwd=ROOT, capture_output=True, check=False)

    assert (70, b"") == (done.returncode, done.stderr)
