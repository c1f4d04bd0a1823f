"""Neither stdout nor stderr stops the work: reports are written and the gate decides, whoever listens."""

import os
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from threading import Thread

import pytest
from processes import ROOT

fcntl = pytest.importorskip("fcntl", reason="Windows has no pipes of a chosen size")

REPORTS = ["evaluation.json", "metrics.json"]

SINKS = ("read", "left by its reader", "closed by the parent", "full", "slow")
"""What stdout and stderr may be: a pipe that is read, one without a reader, no file, a full disk, and a full pipe.

The full pipe is emptied byte by byte."""
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


class Sink:
    """A stdout or stderr of one of the kinds in ``SINKS``, for a process that is about to start."""

    def __init__(self, kind: str) -> None:
        self.said = b""
        self._threads: list[Thread] = []
        if kind in ("full", "closed by the parent"):
            self.descriptor = os.open("/dev/full", os.O_WRONLY)
            return
        reading, self.descriptor = os.pipe()
        if kind == "left by its reader":
            os.close(reading)
            return
        if kind == "slow":
            fcntl.fcntl(self.descriptor, fcntl.F_SETPIPE_SZ, 4096)
            os.set_blocking(self.descriptor, False)
            with suppress(BlockingIOError):
                while True:
                    os.write(self.descriptor, bytes(512))
            os.set_blocking(self.descriptor, True)
        self._threads = [Thread(target=self._read, args=(reading, 1 if kind == "slow" else 1 << 16))]

    def started(self) -> None:
        """Close the process's end here, and begin to read."""
        os.close(self.descriptor)
        for thread in self._threads:
            thread.start()

    def finish(self) -> str:
        """Return what was said where somebody reads."""
        for thread in self._threads:
            thread.join()
        return self.said.strip(b"\0").decode()

    def _read(self, reading: int, size: int) -> None:
        while part := os.read(reading, size):
            self.said += part
        os.close(reading)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sample image of each digit: starting is what takes time here."""
    folder = tmp_path_factory.mktemp("photos")
    for file in (ROOT / "sample_images").glob("?-1-*.png"):
        shutil.copy(file, folder)
    return folder


@pytest.mark.parametrize("stderr", SINKS)
@pytest.mark.parametrize("stdout", SINKS)
@pytest.mark.parametrize(("options", "code"), GATES.values(), ids=GATES)
def test_the_gate_decides_whoever_listens(
    tmp_path: Path, photos: Path, stdout: str, stderr: str, options: str, code: int
) -> None:
    sinks = Sink(stdout), Sink(stderr)
    command = [sys.executable, "-m", "batch_eval", "run", photos, "-f", "json", "--out", tmp_path / "out"]
    closing = "".join(f" {number}>&-" for number, kind in ((1, stdout), (2, stderr)) if kind == "closed by the parent")
    process = subprocess.Popen(
        ["bash", "-c", f'exec "$@"{closing}', "bash", *map(str, command), *options.split()],
        cwd=ROOT,
        stdout=sinks[0].descriptor,
        stderr=sinks[1].descriptor,
    )
    for sink in sinks:
        sink.started()
    returned = process.wait()
    said = "".join(sink.finish() for sink in sinks)

    assert code == returned
    assert not [word for word in ("Traceback", "bug", "Exception", "refused") if word in said]
    assert (REPORTS if code < 2 else []) == sorted(p.name for p in (tmp_path / "out").glob("*"))


@pytest.mark.parametrize("streams", ["2>&1 | true", "> /dev/full 2>&1"])
def test_a_bug_is_told_to_nobody_without_another_failure(streams):
    code = "import batch_eval.cli as cli; cli._run = lambda _: 1 / 0; cli.main()"
    command = f"{sys.executable} -c '{code}' {streams}; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], cwd=ROOT, capture_output=True, check=False)

    assert (70, b"") == (done.returncode, done.stderr)
