"""Parts on Ray: the files are those of a local run, to the byte, whatever happens to workers and nodes."""

import os
import signal
import socket
import subprocess
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from drawn_digits import ink, on_paper
from processes import ROOT, call, content

pytest.importorskip("pyarrow")

from batch_eval.api import open_reader, reader_task
from batch_eval.dataset import load_dataset
from batch_eval.engines.local import ENDED
from batch_eval.errors import ConfigError, WorkerError
from batch_eval.parts import ray_engine
from batch_eval.parts.places import PartFolder
from batch_eval.parts.plan import ALL
from batch_eval.parts.ray_engine import Shipment
from batch_eval.parts.running import PartWork, parted, prepare

IMAGES, PARTS = 80, 5
LAST = "9/79.png"
"""An image of the last part."""


def on_ray(test):
    """Mark a test that starts Ray."""
    missing = pytest.mark.skipif(find_spec("ray") is None, reason="needs the extra ray")
    return pytest.mark.slow(missing(test))


@pytest.fixture(scope="module")
def digits(tmp_path_factory) -> Path:
    """Eighty drawn digits in class folders, one of which is no image."""
    folder = tmp_path_factory.mktemp("set") / "digits"
    for i in range(IMAGES):
        path = folder / str(i % 10) / f"{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), on_paper(ink(i, i % 10)))
    (folder / "3" / "3.png").write_bytes(b"no image")
    return folder


@pytest.fixture(scope="module")
def expected(digits, tmp_path_factory) -> dict[str, bytes]:
    """Return the files of a local run."""
    out = tmp_path_factory.mktemp("local") / "parts"
    call("run", digits, "--resume", "--out", out)
    return content(out)


def started(call: str, digits: Path, parts: Path, *arguments, jobs=2, **environment) -> subprocess.Popen:
    """Start the command with faults, as a call of `ray_faults` whose last arguments are those of the command."""
    options = ["run", digits, "--engine", "ray", "--jobs", jobs, "--out", parts, *arguments]
    script = f"from ray_faults import *; {call[:-1]}, *{[*map(str, options)]!r})"
    path = f"{ROOT}{os.pathsep}{ROOT / 'tests'}"
    return subprocess.Popen(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": path, **environment},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def finish(process: subprocess.Popen, code=0) -> str:
    _, errors = process.communicate()

    assert code == process.returncode, errors
    return errors


@on_ray
def test_files_and_reports_are_those_of_a_local_run(digits, expected, tmp_path):
    time = {"SOURCE_DATE_EPOCH": "1700000000"}
    said = call("run", digits, "--engine", "ray", "--jobs", 2, "--out", tmp_path / "parts")
    call("merge", tmp_path / "parts", "--out", tmp_path / "merged", **time)
    call("run", digits, "--out", tmp_path / "local", **time)

    assert f"Shard 1/1: {PARTS} of {PARTS} parts, 0 of them done." in said
    assert expected == content(tmp_path / "parts")
    assert content(tmp_path / "local") == content(tmp_path / "merged")


@on_ray
def test_parts_of_killed_workers_are_evaluated_again(digits, expected, tmp_path):
    killed = {f"{i % 10}/{i}.png": tmp_path / str(i) for i in (0, 20, 21, 50, 79)}
    faults = ", ".join(f"{file!r}: once(Path({str(mark)!r}), kill)" for file, mark in killed.items())
    nice = f"'1/1.png': tell_niceness(Path({str(tmp_path / 'nice')!r}))"
    finish(started(f"run({{{faults}, {nice}}})", digits, tmp_path / "parts"))

    assert all(mark.exists() for mark in killed.values())
    assert expected == content(tmp_path / "parts")
    assert str(os.nice(0)) == (tmp_path / "nice").read_text(), "Ray's workers have the usual priority"


@on_ray
def test_an_image_that_kills_every_worker_of_a_cluster_is_unreadable(digits, expected, tmp_path):
    finish(started(f"run_on_cluster({{{LAST!r}: kill}})", digits, tmp_path / "parts"))

    def rows(data: bytes) -> list[dict]:
        import pyarrow.parquet

        return pyarrow.parquet.read_table(pyarrow.BufferReader(data)).to_pylist()

    found, name = content(tmp_path / "parts"), f"part-{PARTS - 1:05}.rows.parquet"
    *others, last = rows(found[name])
    assert ("unreadable", ENDED) == (last["outcome"], last["reason"])
    assert rows(expected[name])[:-1] == others
    assert expected.keys() == found.keys()
    assert [expected[one] for one in found if "0004" not in one] == [found[one] for one in found if "0004" not in one]


@on_ray
def test_the_parts_of_a_lost_node_are_evaluated_on_another_one(digits, expected, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    mark, pipe = f"Path({str(tmp_path / 'mark')!r})", f"Path({str(tmp_path / 'pipe')!r})"
    call = f"run_and_lose_a_node({{{LAST!r}: once({mark}, wait({pipe}))}}, {pipe})"
    finish(started(call, digits, tmp_path / "parts"))

    assert (tmp_path / "mark").exists()
    assert expected == content(tmp_path / "parts")


@on_ray
def test_a_worker_that_is_ended_for_its_memory_is_replaced(digits, expected, tmp_path):
    total, free = memory()
    if free < 8 << 30:
        pytest.skip("needs 8 GB of free memory")
    call = f"run({{{LAST!r}: once(Path({str(tmp_path / 'mark')!r}), fill_memory)}})"
    threshold = 1 - (free - (3 << 30)) / total
    monitor = {"RAY_memory_usage_threshold": f"{threshold:.4f}", "RAY_memory_monitor_refresh_ms": "50"}
    finish(started(call, digits, tmp_path / "parts", **monitor))

    assert (tmp_path / "mark").exists()
    assert expected == content(tmp_path / "parts")


def memory() -> tuple[int, int]:
    """Return the bytes of this machine's memory, and those that are free; none where the system does not say."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return 0, 0
    sizes = {name: 1024 * int(size.split()[0]) for name, _, size in (line.partition(":") for line in lines)}
    return sizes["MemTotal"], sizes["MemAvailable"]


@on_ray
def test_ctrl_c_leaves_the_parts_that_are_done(digits, expected, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    process = started(f"run({{{LAST!r}: wait(Path({str(tmp_path / 'pipe')!r}))}})", digits, tmp_path / "parts", jobs=1)
    (tmp_path / "pipe").read_text()
    os.killpg(process.pid, signal.SIGINT)
    finish(process, code=130)

    done = len(list((tmp_path / "parts").glob("*.json")))
    assert done in (PARTS - 2, PARTS - 1)  # the last but one may not be written yet
    said = call("run", digits, "--resume", "--out", tmp_path / "parts")
    assert f"{PARTS} of {PARTS} parts, {done} of them done." in said
    assert expected == content(tmp_path / "parts")


@on_ray
def test_a_cluster_that_does_not_answer_is_named(digits, tmp_path):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # and not listened to
        address = f"127.0.0.1:{closed.getsockname()[1]}"
        said = call("run", digits, "--engine", "ray", "--out", tmp_path / "parts", code=2, RAY_ADDRESS=address)

    assert f"no Ray answers at RAY_ADDRESS={address}: [Errno 111] Connection refused. Check the address" in said


def test_a_ray_that_does_not_start_is_told(monkeypatch):
    def init(**options):
        raise Exception("The current node timed out during startup.\nmore")

    monkeypatch.delenv(ray_engine.ADDRESS, raising=False)
    monkeypatch.setitem(sys.modules, "ray", SimpleNamespace(is_initialized=lambda: False, init=init))

    said = r"Ray cannot be started: The current node timed out during startup\. Try again when"
    with pytest.raises(WorkerError, match=said), ray_engine._connected(1):
        pytest.fail("there is no Ray")


def test_an_unknown_engine_is_refused(digits, tmp_path):
    said = call("run", digits, "--engine", "spark", "--out", tmp_path / "parts", code=2)

    assert "--engine spark is unknown. Expected local or ray." in said


def test_ray_writes_no_reports(digits):
    said = call("run", digits, "--engine", "ray", code=2)

    assert "--engine ray write parts, into a folder or a bucket" in said or "--engine ray needs Ray" in said


def test_missing_ray_is_named(monkeypatch):
    monkeypatch.setattr(ray_engine, "find_spec", lambda name: None)

    with pytest.raises(ConfigError, match=r"--engine ray needs Ray\. ray is not installed"):
        ray_engine.check_installed()


@pytest.fixture(scope="module")
def work(digits, tmp_path_factory) -> PartWork:
    dataset, reader = load_dataset(digits), open_reader()
    parts = parted(dataset, reader.classifier.class_names)
    return prepare(
        reader_task(parts.dataset, reader), parts, ALL, PartFolder(tmp_path_factory.mktemp("parts")), resume=False
    ).work


def test_a_worker_opens_what_was_sent(work):
    opened = Shipment.of(work).opened()

    assert work.job == opened.job
    assert () == opened.task.dataset.samples


def test_a_worker_of_another_version_refuses(work):
    shipment = Shipment.of(work)
    other = replace(shipment, versions=(("batch_eval", "0.0.0"), *shipment.versions[1:]))

    with pytest.raises(ConfigError, match=r"has batch_eval .+, and the machine that started the run 0\.0\.0"):
        other.opened()


def test_a_worker_that_cannot_see_the_images_refuses(work, tmp_path):
    with pytest.raises(ConfigError, match=r"cannot see .+gone"):
        replace(Shipment.of(work), paths=(str(tmp_path / "gone"),)).opened()


def test_a_worker_refuses_a_model_that_is_not_what_was_sent(work):
    with pytest.raises(ConfigError, match="did not arrive whole"):
        replace(Shipment.of(work), content=np.zeros(9, np.uint8)).opened()


def test_a_worker_with_another_recipe_refuses(work):
    provenance = replace(work.job.provenance, preprocess_sha256="0" * 64)

    with pytest.raises(ConfigError, match="has another recipe photo"):
        Shipment.of(replace(work, job=replace(work.job, provenance=provenance))).opened()


def test_a_set_that_cannot_be_sent_is_refused(work):
    with open(os.devnull) as file:
        dataset = replace(work.task.dataset, notes=(file,))

        with pytest.raises(ConfigError, match=r"digits cannot be sent to Ray's workers"):
            Shipment.of(replace(work, task=replace(work.task, dataset=dataset)))
