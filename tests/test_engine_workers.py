"""Workers: results in order from threads and from copies of a process, and what becomes of the copies."""

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from processes import ROOT

from batch_eval.engines.workers import Flag, in_order

copies = pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="processes are copied on Linux only")

IMPORTS = """
import os, pathlib, signal, sys, threading, time
from batch_eval.engines.workers import Flag, can_fork, in_order
from batch_eval.errors import ModelError, WorkerError
"""
SLOWER_FIRST = """
def work(chunk):
    time.sleep((20 - chunk) / 1000)
    return chunk, os.getpid()

assert can_fork()
found = list(in_order(work, range(20), 3, processes=True, stop=Flag()))
assert [chunk for chunk, _ in found] == list(range(20))
print(*{pid for _, pid in found}, os.getpid())
"""
WITH_A_THREAD = """
stop = threading.Event()
threading.Thread(target=stop.wait).start()
print(can_fork())
stop.set()
"""
WITHOUT_SEMAPHORES = """
from batch_eval.engines import workers

workers.SEMAPHORES = sys.argv[1]
print(can_fork())
"""
FAILING = """
def work(chunk):
    raise ModelError("too large")

try:
    list(in_order(work, [1], 2, processes="processes" in sys.argv, stop=Flag()))
except ModelError as error:
    print(error)
"""
KILLED = """
def work(chunk):
    os.kill(os.getpid(), signal.SIGKILL)

try:
    list(in_order(work, [1], 2, processes=True, stop=Flag()))
except WorkerError as error:
    print(error)
"""
WHAT_IS_LEFT = """
import multiprocessing
stop, endless = Flag(), int(sys.argv[2])

def work(chunk):
    while chunk == endless and not stop:
        pass
    return chunk

results = in_order(work, range(5), 2, processes="processes" in sys.argv, stop=stop)
for chunk in results:
    if chunk + 1 == endless:
        results.close()
print(chunk, multiprocessing.active_children(), threading.active_count() - 1, bool(stop))
"""
ENDLESS = """
def work(chunk):
    pathlib.Path(sys.argv[1], str(os.getpid())).touch()
    threading.Event().wait()

list(in_order(work, [1, 2], 2, processes=True, stop=Flag()))
"""
WAITING_FOR_A_FLAG = """
flag = Flag()

def work(chunk):
    while not flag:
        pass
    return chunk

def chunks():
    yield from range(4)
    flag.set()

print(list(in_order(work, chunks(), 2, processes=True, stop=Flag())))
"""


def begin(code: str, *arguments: str) -> subprocess.Popen[str]:
    """Begin code in a process of its own, which has one thread, as it must to be copied."""
    env = {**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, "-c", IMPORTS + code, *arguments]
    return subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def printed(code: str, *arguments: str) -> str:
    """Return what code prints; to stderr it must print nothing."""
    with begin(code, *arguments) as process:
        stdout, stderr = process.communicate()

    assert (0, "") == (process.returncode, stderr)
    return stdout


def test_threads_give_their_results_in_order():
    chunks = range(40)

    results = in_order(lambda chunk: 2 * chunk, chunks, 3, processes=False, stop=Flag())

    assert [2 * chunk for chunk in chunks] == list(results)


@copies
def test_copies_give_their_results_in_order():
    assert 3 <= len(set(printed(SLOWER_FIRST).split())) <= 4


@copies
def test_a_process_with_threads_is_not_copied():
    assert "False\n" == printed(WITH_A_THREAD)


@copies
def test_a_process_in_a_sandbox_without_semaphores_is_not_copied(tmp_path: Path):
    assert "False\n" == printed(WITHOUT_SEMAPHORES, str(tmp_path / "shm"))


@pytest.mark.parametrize("workers", ["threads", pytest.param("processes", marks=copies)])
def test_an_error_of_the_work_arrives(workers: str):
    assert "too large\n" == printed(FAILING, workers)


@copies
def test_a_killed_copy_is_said():
    assert "fewer --jobs" in printed(KILLED)


@pytest.mark.parametrize(("endless", "last"), [(-1, 4), (2, 1)], ids=["to the end", "left early"])
@pytest.mark.parametrize("workers", ["threads", pytest.param("processes", marks=copies)])
def test_no_worker_is_left(workers: str, endless: int, last: int):
    assert f"{last} [] 0 True\n" == printed(WHAT_IS_LEFT, workers, str(endless))


@copies
def test_copies_end_with_the_process_that_they_are_of(tmp_path: Path):
    with begin(ENDLESS, str(tmp_path)) as process:
        begun = wait_for(lambda: [int(path.name) for path in tmp_path.iterdir()], 2)
        process.kill()

    wait_for(lambda: [pid for pid in begun if not alive(pid)], 2)


@copies
def test_copies_see_a_flag_that_is_set_later():
    assert "[0, 1, 2, 3]\n" == printed(WAITING_FOR_A_FLAG)


def wait_for(find, count: int):
    """Return what is found as soon as there is that much of it."""
    end = time.monotonic() + 60
    while len(found := find()) < count:
        assert time.monotonic() < end
    return found


def alive(pid: int) -> bool:
    """Say whether a process runs: it may have ended without anybody having noticed."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "Z"
    except OSError:
        return False


def test_a_flag_is_set_for_good():
    flag = Flag()

    assert not flag
    flag.set()
    assert flag


EVALUATED = """
import numpy as np
from batch_eval import evaluate
from batch_eval.engines import local
local.CHUNKS_WORTH_A_PROCESS, used = 1, []
local.in_order = lambda *a, f=local.in_order, **given: (used.append(given["processes"]), f(*a, **given))[1]
records = evaluate("sample_images", jobs=int(sys.argv[1])).records
pictures = [(row, shown.original, shown.seen, shown.steps) for row, shown in records.pictures.items()]
rest = repr((records.ids, records.truth, records.reasons, sorted(records.flags), pictures))
flags = [records.flags[name] for name in sorted(records.flags)]
np.savez(sys.argv[2], probabilities=records.probabilities, outcome=records.outcome, flags=flags, rest=rest, used=used)
"""


@pytest.mark.slow
@copies
def test_copies_find_what_one_thread_finds(tmp_path: Path):
    one, many = (evaluated(jobs, tmp_path / f"{jobs}.npz") for jobs in (1, 3))
    assert ([False], [True]) == (one.pop("used").tolist(), many.pop("used").tolist())
    for name, found in one.items():
        np.testing.assert_array_equal(found, many[name], name)


def evaluated(jobs: int, file: Path) -> dict[str, np.ndarray]:
    """Return what a run over the sample images finds in a process of its own."""
    printed(EVALUATED, str(jobs), str(file))
    with np.load(file) as found:
        return dict(found)
