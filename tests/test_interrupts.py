"""Ctrl-C and its like end every command soon, although native code holds the main thread and runs no handler."""

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from processes import ROOT
from test_engine_workers import wait_for

from batch_eval.models.options import DEFAULT_MODEL

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no signals for another process")

NATIVE = """
import os, threading
import numpy
from pathlib import Path
matrix = numpy.random.default_rng(0).random((4000, 4000))
threading.Timer(0.1, Path(os.environ["BEGUN"]).touch).start()
numpy.linalg.eigvals(matrix)  # takes minutes, and no handler runs meanwhile
"""
IMAGE = str(next((ROOT / "sample_images").rglob("*.png")))
SAMPLES = str(ROOT / "sample_images")
MODEL = str(DEFAULT_MODEL)
COMMANDS = {
    "run": ["run", SAMPLES, "--out", "out"],
    "predict": ["predict", IMAGE],
    "compare": ["compare", SAMPLES, "--model", MODEL, "--model", MODEL],
    "inspect": ["inspect", MODEL],
    "explain": ["explain", IMAGE],
    "serve": ["serve", "--port", "0"],
    "preprocess": ["preprocess", IMAGE, "--out", "out"],
    "train": ["train", "--data", SAMPLES, "--out", "out/model.keras"],
}
HOLDING_A_FOLDER = """
import signal, sys
from pathlib import Path
from batch_eval import cli, publishing

signal.signal(signal.SIGHUP, signal.SIG_DFL)  # tests under nohup would ignore it

def contents():
    yield "one", "one.txt", b"1"
    import native
    yield "two", "two.txt", b"2"

cli._run = lambda arguments: publishing.publish(Path("out"), contents(), None)
cli.main()
"""


def begin(command: list[str], folder: Path, module: str, stderr: int = subprocess.PIPE) -> subprocess.Popen[str]:
    """Begin a command in which importing a module takes minutes in native code, and wait until it does."""
    (folder / f"{module}.py").write_text(NATIVE)
    paths = os.pathsep.join([str(folder), str(ROOT)])
    env = {**os.environ, "PYTHONPATH": paths, "BEGUN": str(folder / "begun"), "OPENBLAS_NUM_THREADS": "1"}
    pipes = {"stdout": subprocess.PIPE, "stderr": stderr, "stdin": subprocess.DEVNULL}
    process = subprocess.Popen([sys.executable, *command], cwd=folder, env=env, text=True, **pipes)
    wait_for(lambda: [1] if process.poll() is not None or (folder / "begun").exists() else [], 1)
    return process


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_ctrl_c_ends_a_command_that_computes_in_native_code(command: list[str], tmp_path: Path):
    module = {"train": "tensorflow", "preprocess": "cv2"}.get(command[0], "onnxruntime")

    process = begin(["-m", "batch_eval", *command], tmp_path, module)
    process.send_signal(signal.SIGINT)
    _, talk = process.communicate(timeout=30)

    assert (130, "Stopped.") == (process.returncode, talk.strip().splitlines()[-1])


@pytest.mark.parametrize(("name", "code"), [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 143)])
def test_no_half_written_folder_stays(name: str, code: int, tmp_path: Path):
    process = begin(["-c", HOLDING_A_FOLDER], tmp_path, "native")
    assert [".batch_eval-"] == [path.name[:12] for path in (tmp_path / "out").iterdir()]
    process.send_signal(getattr(signal, name))
    _, talk = process.communicate(timeout=30)

    assert (code, "Stopped.\n") == (process.returncode, talk)
    assert [] == list((tmp_path / "out").iterdir())


def test_a_reader_of_stderr_that_is_stuck_does_not_keep_the_process(tmp_path: Path):
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writing, bytes(4096))
    os.set_blocking(writing, True)
    with begin(["-c", HOLDING_A_FOLDER], tmp_path, "native", stderr=writing) as process:
        process.send_signal(signal.SIGTERM)

    assert 143 == process.returncode
    assert [] == list((tmp_path / "out").iterdir())
    os.close(reading)
    os.close(writing)


def python(code: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run Python code with this package, in a folder."""
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


ANSWERED = """
import os, signal, threading
from batch_eval import interrupts

saved = threading.Event()
signal.signal(signal.SIGINT, lambda *_: None if saved.is_set() else interrupts.answered())
interrupts.GRACE_SECONDS = 0.2
interrupts.watch(lambda number: os._exit(3), frozenset({signal.SIGINT}))
os.kill(os.getpid(), signal.SIGINT)
saved.wait(1)  # longer than the time of grace
saved.set()
print("saved", flush=True)
os.kill(os.getpid(), signal.SIGINT)
threading.Event().wait()
"""


def test_a_command_that_saves_something_first_is_left_to_it(tmp_path: Path):
    """The handler answers the first signal; the second one ends the process."""
    done = python(ANSWERED, tmp_path)

    assert (3, "saved\n", "") == (done.returncode, done.stdout, done.stderr)


PRESSED_TWICE = """
import os, signal, threading
from batch_eval import interrupts
from batch_eval.training.stopping import stopping_between_batches

interrupts.GRACE_SECONDS = 0.2
interrupts.watch(lambda number: os._exit(3), frozenset({signal.SIGINT}))
try:
    with stopping_between_batches(lambda: True):
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
except KeyboardInterrupt:
    threading.Event().wait(1)  # saving takes longer than the time of grace
    print("saved", flush=True)
"""


@pytest.mark.slow
def test_a_training_stopped_by_two_ctrl_c_is_still_saved(tmp_path: Path):
    done = python(PRESSED_TWICE, tmp_path)

    assert (0, "saved\n") == (done.returncode, done.stdout)
