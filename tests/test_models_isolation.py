"""Models in a child process: real crashes, loops, bombs and reads of files end as one error."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import onnx
import pytest
from hostile_models import tflite
from late_keras import keras, kl
from onnx import TensorProto, helper, numpy_helper

from batch_eval.errors import ModelError, ModelProcessError
from batch_eval.models import ModelOptions, open_model
from batch_eval.models.budget import Limits
from batch_eval.models.isolation import Job, _Child, open_isolated
from batch_eval.models.landlock import version

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn.t accept a copy:DeprecationWarning"),
]
linux = pytest.mark.skipif(sys.platform != "linux", reason="limits of memory and Landlock are Linux'")
IMAGES = np.random.default_rng(0).integers(0, 256, (5, 28, 28), dtype=np.uint8)


def onnx_model(*nodes: onnx.NodeProto, initializers=(), outputs=10) -> bytes:
    """Return a model whose nodes make ``result`` (B, outputs) from ``image`` (B, 784)."""
    source = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 784])
    target = helper.make_tensor_value_info("result", TensorProto.FLOAT, ["batch", outputs])
    graph = helper.make_graph(nodes, "graph", [source], [target], initializers)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString()


def linear() -> bytes:
    weights = np.random.default_rng(0).normal(0, 0.1, (784, 10)).astype(np.float32)
    return onnx_model(
        helper.make_node("MatMul", ["image", "weights"], ["result"]),
        initializers=[numpy_helper.from_array(weights, "weights")],
    )


def endless() -> bytes:
    """A loop of 2⁶³ rounds, each of which multiplies matrices."""
    square = helper.make_node("MatMul", ["state", "state"], ["next"])
    go_on = helper.make_node("Identity", ["condition"], ["still"])
    value = helper.make_tensor_value_info
    body = helper.make_graph(
        [square, go_on],
        "body",
        [value("i", TensorProto.INT64, []), value("condition", TensorProto.BOOL, []), value("state", 1, [256, 256])],
        [value("still", TensorProto.BOOL, []), value("next", 1, [256, 256])],
    )
    rounds = numpy_helper.from_array(np.array(2**63 - 1), "rounds")
    start = numpy_helper.from_array(np.zeros((256, 256), np.float32), "start")
    weights = numpy_helper.from_array(np.zeros((784, 10), np.float32), "weights")
    return onnx_model(
        helper.make_node("Loop", ["rounds", "", "start"], ["end"], body=body),
        helper.make_node("ReduceSum", ["end"], ["sum"], keepdims=0),
        helper.make_node("MatMul", ["image", "weights"], ["numbers"]),
        helper.make_node("Add", ["numbers", "sum"], ["result"]),
        initializers=[rounds, start, weights],
    )


def bomb(numbers: int) -> bytes:
    """A few hundred bytes that make a tensor of any size, of ones that depend on the image."""
    shape = numpy_helper.from_array(np.array([1, numbers]), "shape")
    weights = numpy_helper.from_array(np.zeros((784, 1), np.float32), "weights")
    return onnx_model(
        helper.make_node("MatMul", ["image", "weights"], ["column"]),
        helper.make_node("ReduceSum", ["column"], ["number"], keepdims=1),
        helper.make_node("Expand", ["number", "shape"], ["large"]),
        helper.make_node("ReduceSum", ["large"], ["sum"], keepdims=0),
        helper.make_node("Add", ["column", "sum"], ["one"]),
        helper.make_node("Sigmoid", ["one"], ["result"]),
        initializers=[shape, weights],
        outputs=1,
    )


def write(content: bytes, folder: Path) -> Path:
    file = folder / "model.onnx"
    file.write_bytes(content)
    return file


def is_alive(process: int) -> bool:
    """Whether a process exists and is no zombie."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def child_of(classifier) -> _Child:
    return classifier.inference._run.__self__


def test_an_endless_loop_is_ended(tmp_path: Path) -> None:
    file = write(endless(), tmp_path)

    with pytest.raises(ModelProcessError, match=r"model\.onnx did not .* within 1 s.*--model-timeout"):
        open_model(ModelOptions(file, timeout=1))


@pytest.mark.slow
@linux
def test_a_bomb_is_refused_and_the_advice_works(tmp_path: Path) -> None:
    file = write(bomb(1 << 29), tmp_path)  # 2 GiB

    with pytest.raises(
        ModelProcessError, match=r"model\.onnx needs more memory than the limit of 1 GB.*--model-memory"
    ):
        open_model(ModelOptions(file, class_names=("a", "b"), timeout=60))

    assert open_model(ModelOptions(file, class_names=("a", "b"), memory=6, timeout=60)).runtime == "onnxruntime"


def test_a_crash_is_one_error_and_the_next_images_get_a_new_process(tmp_path: Path) -> None:
    classifier = open_model(write(linear(), tmp_path))
    expected = classifier.predict(IMAGES)
    os.kill(child_of(classifier)._process.pid, signal.SIGSEGV)

    with pytest.raises(ModelProcessError, match=r"model\.onnx made the process that runs it crash \(SIGSEGV\)"):
        classifier.predict(IMAGES)

    np.testing.assert_array_equal(expected, classifier.predict(IMAGES))


@linux
def test_a_forked_process_starts_its_own_child(tmp_path: Path) -> None:
    program = f"""
import os
import numpy
from batch_eval import open_model
classifier = open_model({str(write(linear(), tmp_path))!r}, threads=1)
images = numpy.zeros((3, 28, 28), numpy.uint8)
expected, child = classifier.predict(images), classifier.inference._run.__self__
process = child._process.pid
if os.fork() == 0:
    assert numpy.array_equal(expected, classifier.predict(images)) and child._process.pid != process
    os._exit(0)
assert os.wait()[1] == 0
assert numpy.array_equal(expected, classifier.predict(images)) and child._process.pid == process
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def test_the_child_and_its_folder_go_with_the_classifier(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    classifier = open_model(write(linear(), tmp_path))
    process = child_of(classifier)._process
    assert list((tmp_path / "temporary").iterdir())

    del classifier

    assert process.returncode is not None
    assert not list((tmp_path / "temporary").iterdir())


@linux
def test_the_child_ends_with_a_killed_parent(tmp_path: Path) -> None:
    """Also in the middle of native code that never returns."""
    program = f"""
from batch_eval.models import isolation, open_model
wait = isolation._Child._wait
def say(self, *args):
    print(self._process.pid, flush=True)
    return wait(self, *args)
isolation._Child._wait = say
open_model({str(write(endless(), tmp_path))!r})
"""
    parent = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    lines = [parent.stdout.readline() for _ in range(3)]  # start, open, and the first images

    parent.kill()
    parent.wait()
    parent.stdout.close()

    child = int(lines[-1])
    deadline = time.monotonic() + 60
    while is_alive(child) and time.monotonic() < deadline:
        os.sched_yield()
    assert not is_alive(child)


@linux
def test_ctrl_c_ends_an_endless_model_at_once(tmp_path: Path) -> None:
    file = write(endless(), tmp_path)
    command = [sys.executable, "-m", "batch_eval", "predict", "x.png", "--model", str(file), "--model-timeout", "600"]
    program = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    children = Path(f"/proc/{program.pid}/task/{program.pid}/children")
    deadline = time.monotonic() + 60
    while not children.read_text() and time.monotonic() < deadline:
        os.sched_yield()

    program.send_signal(signal.SIGINT)
    _, said = program.communicate(timeout=60)

    assert (130, "Stopped.") == (program.returncode, said.strip().splitlines()[-1])


@pytest.mark.slow
@linux
@pytest.mark.skipif(not version(), reason="this kernel has no Landlock")
def test_landlock_denies_files_even_to_code_that_runs(tmp_path: Path) -> None:
    """A Lambda layer stands for any way of running code that the checks might miss."""
    secret, witness = tmp_path / "secret", tmp_path / "witness"
    secret.write_text("secret")
    spy = f"(open({str(secret)!r}).read(), x)[1]"
    thief = f"(open({str(witness)!r}, 'w').close(), x)[1]"
    for code in (spy, thief):
        layer = kl.Lambda(eval(f"lambda x: {code}"), output_shape=(784,))
        file = tmp_path / "model.keras"
        model = keras.Sequential([kl.Input((28, 28, 1)), kl.Flatten(), layer, kl.Dense(10)])
        model.save(file)
        witness.unlink(missing_ok=True)
        job = Job("keras", file.read_bytes(), {"suffix": ".keras", "trust": True}, trusted=False)

        # Keras puts the number of the error, EACCES, into its own message
        with pytest.raises((ModelError, RuntimeError), match=r"Lambda\.call\(\)\. 13 "):
            open_isolated(job, file, Limits()).run(np.zeros((1, 28, 28, 1), np.float32))

        assert not witness.exists()


@pytest.mark.slow
def test_nothing_of_tensorflow_reaches_the_terminal(tmp_path: Path) -> None:
    model = keras.Sequential([kl.Input((28, 28, 1)), kl.Flatten(), kl.UnitNormalization(), kl.Dense(10)])
    model.save(tmp_path / "model.keras")
    program = f"""
import numpy, batch_eval
print(batch_eval.open_model({str(tmp_path / "model.keras")!r}).runtime)
import sys
assert "tensorflow" not in sys.modules
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert ("tensorflow\n", "") == (done.stdout, done.stderr)


def test_the_child_imports_from_where_this_process_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of PYTHONPATH is none of Python's own."""
    package = tmp_path / "packages" / "ai_edge_litert"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "interpreter.py").write_text("raise RuntimeError('imported from PYTHONPATH')")
    monkeypatch.syspath_prepend(package.parent)
    file = tmp_path / "model.tflite"
    file.write_bytes(tflite())

    with pytest.raises(ModelError, match="imported from PYTHONPATH"):
        open_model(file)
