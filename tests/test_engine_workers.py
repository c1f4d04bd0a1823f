"""Workers: results in order from threads and from copies of a process, and what becomes of the copies."""

import ast
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from number_work import Work
from processes import ROOT

from batch_eval.engines.work import Flag
from batch_eval.engines.workers import Kind, in_order

posix = pytest.mark.skipif(os.name != "posix", reason="processes are started on POSIX only")
copies = pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="processes are copied on Linux only")

IMPORTS = """
import os, pathlib, signal, sys, threading, time
from batch_eval.engines.work import Flag
from batch_eval.engines.workers import Kind, in_order
from batch_eval.forking import can_fork
from batch_eval.errors import ModelError, WorkerError
from number_work import Dying, Work
"""
SLOWER_FIRST = """
def work(chunk):
    time.sleep((20 - chunk) / 1000)
    return chunk, os.getpid()

assert can_fork()
found = list(in_order(Work(work), range(20), 3, kind=Kind.FORKED, stop=Flag()))
assert [chunk for chunk, _ in found] == list(range(20))
print(*{pid for _, pid in found}, os.getpid())
"""
WITH_A_THREAD = """
stop = threading.Event()
threading.Thread(target=stop.wait).start()
print(can_fork())
stop.set()
"""
WATCHED = """
from batch_eval import interrupts

ended = []
interrupts.watch(ended.append, frozenset({signal.SIGTERM}))
assert can_fork()

def work(chunk):
    return chunk, interrupts.watching(), signal.set_wakeup_fd(-1)

print(list(in_order(Work(work), [1, 2], 2, kind=Kind.FORKED, stop=Flag())), ended)
"""
FAILING = """
def work(chunk):
    raise ModelError("too large")

try:
    list(in_order(Work(work), [1], 2, kind=Kind[sys.argv[1]], stop=Flag()))
except ModelError as error:
    print(error)
"""
DYING = """
chunks, bad, death = eval(sys.argv[2])
work = Work(Dying(bad, death, sys.argv[3]))
print(list(in_order(work, chunks, 2, kind=Kind[sys.argv[1]], stop=Flag())))
"""
STILLBORN = """
from batch_eval.engines import worker_process

def die(*_):
    begun.append(os.kill(os.getpid(), signal.SIGKILL))

worker_process.answer_requests = die
try:
    list(in_order(Work(print), [(1, 2), (3,)], 2, kind=Kind.FORKED, stop=Flag()))
except WorkerError as error:
    print(error)
"""
NO_MORE = """
from batch_eval.engines import processes

def refuse(work, others):
    if others or sys.argv[1] == "none":
        raise OSError(11, "Resource temporarily unavailable")
    return fork(work, others)

fork, processes.fork = processes.fork, refuse
try:
    print(list(in_order(Work(sum), [(1, 2), (3,)], 2, kind=Kind.FORKED, stop=Flag())))
except WorkerError as error:
    print(error)
"""
WHAT_IS_LEFT = """
stop, endless = Flag(), int(sys.argv[2])

def children():
    return pathlib.Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()

def work(chunk):
    while chunk == endless and not stop:
        pass
    return chunk

results = in_order(Work(work), range(5), 2, kind=Kind[sys.argv[1]], stop=stop)
for chunk in results:
    if chunk + 1 == endless:
        results.close()
print(chunk, children(), threading.active_count() - 1, bool(stop))
"""
ENDLESS = """
def work(chunk):
    pathlib.Path(sys.argv[1], str(os.getpid())).touch()
    threading.Event().wait()

list(in_order(Work(work), [1, 2], 2, kind=Kind.FORKED, stop=Flag()))
"""
SENT_WITH_A_FLAG = """
flag, kind = Flag(), Kind.FORKED
results = in_order(Work(lambda chunk: bool(chunk[1])), ((i, flag) for i in range(20)), 2, kind=kind, stop=Flag())
print(next(results), flag.set(), list(results)[-1])
"""


ENVIRONMENT = {
    **os.environ,
    "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}",
    "OPENBLAS_NUM_THREADS": "1",
}


def begin(code: str, *arguments: str) -> subprocess.Popen[str]:
    """Begin code in a process of its own, which has one thread, as it must to be copied."""
    command = [sys.executable, "-c", IMPORTS + code, *arguments]
    return subprocess.Popen(
        command, cwd=ROOT, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def printed(code: str, *arguments: str) -> str:
    """Return what code prints; to stderr it must print nothing."""
    with begin(code, *arguments) as process:
        stdout, stderr = process.communicate()

    assert (0, "") == (process.returncode, stderr)
    return stdout


def test_threads_give_their_results_in_order():
    chunks = range(40)

    results = in_order(Work(lambda chunk: 2 * chunk), chunks, 3, kind=Kind.THREADS, stop=Flag())

    assert [2 * chunk for chunk in chunks] == list(results)


@copies
def test_copies_give_their_results_in_order():
    assert 3 <= len(set(printed(SLOWER_FIRST).split())) <= 4


@copies
def test_a_process_with_threads_is_not_copied():
    assert "False\n" == printed(WITH_A_THREAD)


@copies
def test_a_process_that_watches_signals_is_copied_without_the_watch():
    assert "[(1, False, -1), (2, False, -1)] []\n" == printed(WATCHED)


@pytest.mark.parametrize("workers", ["THREADS", pytest.param("FORKED", marks=copies)])
def test_an_error_of_the_work_arrives(workers: str):
    assert "too large\n" == printed(FAILING, workers)


DEATHS = {
    "the only image": ([(1,)], [1]),
    "one image": ([(0, 1, 2), (3, 4, 5)], [1]),
    "two of a chunk": ([(0, 1, 2), (3, 4, 5)], [0, 2]),
    "the last chunk": ([(0,), (1,), (2,), (3,), (4, 5)], [5]),
    "the first, with others waiting": ([(i,) for i in range(20)], [0]),
    "all": ([(0, 1, 2), (3, 4), (5,)], [*range(6)]),
}


@posix
@pytest.mark.parametrize("kind", [pytest.param("FORKED", marks=copies), "STARTED"])
@pytest.mark.parametrize("death", ["SIGKILL", "SIGSEGV", "memory"])
@pytest.mark.parametrize(("chunks", "bad"), DEATHS.values(), ids=DEATHS)
def test_only_what_ends_a_process_is_lost(
    chunks: list[tuple[int, ...]], bad: list[int], death: str, kind: str, tmp_path: Path
):
    found = ast.literal_eval(printed(DYING, kind, repr((chunks, bad, death)), str(tmp_path)))

    wanted = [("lost", n) if n in bad else n for chunk in chunks for n in chunk]
    assert wanted == [part for result in found for part in ([result] if "lost" in result else result)]


@copies
def test_a_death_begins_one_process(tmp_path: Path):
    chunks = [(i, i + 1) for i in range(0, 20, 2)]

    printed(DYING, "FORKED", repr((chunks, [3], "SIGKILL")), str(tmp_path))

    assert 2 + 2 >= len(list(tmp_path.iterdir()))


@copies
def test_processes_that_end_as_they_start_are_no_fault_of_the_chunks():
    assert "worker processes end as they start" in printed(STILLBORN)


@copies
def test_one_process_does_all_where_no_other_can_be_started():
    assert "[3, 3]\n" == printed(NO_MORE, "one")
    assert "cannot be started: Resource temporarily unavailable. Run with --jobs 1.\n" in printed(NO_MORE, "none")


@pytest.mark.parametrize(("endless", "last"), [(-1, 4), (2, 1)], ids=["to the end", "left early"])
@pytest.mark.parametrize("workers", ["THREADS", pytest.param("FORKED", marks=copies)])
def test_no_worker_is_left(workers: str, endless: int, last: int):
    assert f"{last} [] 0 True\n" == printed(WHAT_IS_LEFT, workers, str(endless))


@copies
def test_copies_end_with_the_process_that_they_are_of(tmp_path: Path):
    with begin(ENDLESS, str(tmp_path)) as process:
        begun = wait_for(lambda: [int(path.name) for path in tmp_path.iterdir()], 2)
        process.kill()

    wait_for(lambda: [pid for pid in begun if not alive(pid)], 2)


@copies
def test_a_chunk_brings_the_flag_as_it_is_then():
    assert "False None True\n" == printed(SENT_WITH_A_FLAG)


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
local.in_order = lambda *a, f=local.in_order, **given: (used.append(given["kind"].name), f(*a, **given))[1]
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
    assert (["THREADS"], ["FORKED"]) == (one.pop("used").tolist(), many.pop("used").tolist())
    for name, found in one.items():
        np.testing.assert_array_equal(found, many[name], name)


def evaluated(jobs: int, file: Path) -> dict[str, np.ndarray]:
    """Return what a run over the sample images finds in a process of its own."""
    printed(EVALUATED, str(jobs), str(file))
    with np.load(file) as found:
        return dict(found)


FATAL = """
from dataclasses import replace
from number_work import Deadly
from batch_eval.api import evaluate_task, open_task
from batch_eval.engines import local, workers
local.CHUNKS_WORTH_A_PROCESS = 1
task = open_task("sample_images")
local.STARTING_SECONDS, local.SMALL_FILE = 0, 1 << 20
if sys.argv[1] == "STARTED":
    workers.can_fork = lambda: False
bad = [task.dataset.samples[row].file for row in (20, 37, 38, len(task.dataset.samples) - 1)]
ends = replace(task.dataset, source=Deadly(task.dataset.source, bad, "SIGSEGV"))
healthy, found = (evaluate_task(t, jobs=2).records for t in (task, replace(task, dataset=ends)))
lost = [row for row, reason in found.reasons.items() if reason == "reading it ended a worker process"]
print(lost, [row for row in range(len(found.ids)) if found.outcome[row] != healthy.outcome[row]])
"""


@pytest.mark.slow
@posix
@pytest.mark.parametrize("kind", [pytest.param("FORKED", marks=copies), "STARTED"])
def test_an_image_that_ends_its_reader_is_unreadable_and_no_other(kind: str):
    lost, changed = ast.literal_eval(printed(FATAL, kind).replace("] [", "], ["))

    assert [20, 37, 38] == lost[:3]
    assert lost == changed


FROM_PYTHON = """
import threading
open("begun", "a").write("x")
done = threading.Event()
threading.Thread(target=done.wait).start()  # as a BLAS and Arrow have them
from batch_eval import evaluate
from batch_eval.engines import local, processes
started, begun = processes.start, []
local.CHUNKS_WORTH_A_PROCESS, local.SMALL_FILE, local.STARTING_SECONDS = 1, 1 << 20, 0
processes.start = lambda: (begun.append(1), started())[1]
print(evaluate("sample_images", jobs=3).scored, len(begun))
done.set()
"""
UNKNOWN = """
class Of:
    def __call__(self, chunk): return chunk

print(list(in_order(Work(eval(sys.argv[1])), [1, 2], 2, kind=Kind.STARTED, stop=Flag())))
"""


@pytest.mark.slow
@posix
@pytest.mark.parametrize("way", ["script", "-c", "stdin"])
def test_small_files_are_read_by_as_many_processes_as_there_are_jobs(way: str, tmp_path: Path):
    script = tmp_path / "script.py"
    script.write_text(FROM_PYTHON)
    given = {"script": [str(script)], "-c": ["-c", FROM_PYTHON], "stdin": ["-"]}[way]
    (tmp_path / "sample_images").symlink_to(ROOT / "sample_images")

    command = [sys.executable, *given]
    text = FROM_PYTHON if way == "stdin" else ""
    done = subprocess.run(
        command, input=text, cwd=tmp_path, env=ENVIRONMENT, capture_output=True, text=True, check=False
    )

    assert ("", "60 3\n") == (done.stderr, done.stdout)
    assert "x" == (tmp_path / "begun").read_text()  # no worker runs the script again


@posix
@pytest.mark.parametrize("one", ["lambda chunk: chunk", "Of()"])
def test_threads_do_what_no_started_process_could(one: str):
    assert "[1, 2]\n" == printed(UNKNOWN, one)
