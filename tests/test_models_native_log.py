"""TensorFlow's log lines never reach the user."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from batch_eval.models.native_log import without_log_lines

LOG = (
    "WARNING: All log messages before absl::InitializeLog() is called are written to STDERR\n"
    "I0000 00:00:1795901835.474027   15085 port.cc:153] oneDNN custom operations are on.\n"
    "E0000 00:00:1795901835.474400   15085 cuda_executor.cc:1228] failed call to cuInit: UNKNOWN ERROR (303)\n"
    "W0731 10:12:13.000001   15085 gpu_device.cc:2344] Cannot dlopen some GPU libraries.\n"
    "2023-05-01 12:00:00.123456: I tensorflow/core/util/port.cc:113] oneDNN custom operations are on.\n"
    "2023-05-01 12:00:00.123456: W tensorflow/stream_executor/platform/default/dso_loader.cc:64] libcudart.so.11.0\n"
    "To enable the following instructions: AVX2 FMA, in other operations, rebuild TensorFlow.\n"
)
OTHERS = "Epoch 1 of 2\nIn 2023-05-01 it was so\nI0 is a name\n"


def test_only_log_lines_are_held_back(capfd: pytest.CaptureFixture[str]) -> None:
    with without_log_lines():
        os.write(2, (LOG + OTHERS).encode())

    assert capfd.readouterr().err == OTHERS


def test_stderr_works_again_after_an_error(capfd: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        with without_log_lines():
            os.write(2, b"why it fails\n")
            raise ImportError

    with pytest.raises(ImportError):
        fail()
    os.write(2, b"I0000 00:00:1 later\n")

    assert capfd.readouterr().err == "why it fails\nI0000 00:00:1 later\n"


@pytest.mark.slow
def test_importing_tensorflow_and_its_first_step_are_silent() -> None:
    pytest.importorskip("tensorflow")
    program = (
        "from batch_eval.models.tensorflow_runtime import import_tensorflow\n"
        "tf = import_tensorflow('a test')\n"
        "import keras\n"
        "model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])\n"
        "model.compile('adam', 'mse')\n"
        "model.fit(tf.zeros((4, 2)), tf.zeros((4, 1)), verbose=0)\n"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert (done.stdout, done.stderr) == ("", "")
