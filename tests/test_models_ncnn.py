"""What is written for ncnn: it computes what ONNX Runtime and Keras compute, and the rest is left to ONNX Runtime."""

from pathlib import Path

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from keras import layers as kl
from keras_networks import randomize

from batch_eval.models import loading, open_model
from batch_eval.models.graph import Graph, Tensor
from batch_eval.models.keras_file import read_keras
from batch_eval.models.layers import Unsupported
from batch_eval.models.layers.convolution import extent, window_count
from batch_eval.models.ncnn_layers import Net
from batch_eval.models.ncnn_runtime import run_nets
from batch_eval.models.ncnn_writer import Nets, write_nets
from batch_eval.models.network import Network, convert
from batch_eval.models.onnx_runtime import run_network
from batch_eval.models.operations import Operations

# TensorFlow 2.21 with NumPy 2.4 warns about itself
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn.t accept a copy:DeprecationWarning")

CLASSES = 5


class Drawn:
    """A chain of operations with random weights, drawn layer by layer."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw, self.graph, self.name = draw, Graph(), "input"
        self.rng = np.random.default_rng(draw(st.integers(0, 1000)))
        self.channels = draw(st.sampled_from([1, 3, 16, 33]))
        self.space = (draw(st.integers(7, 30)), draw(st.integers(7, 30)))
        self.shape = (*self.space, self.channels)

    def add(self, op_type: str, *constants: np.ndarray, **attributes: object) -> None:
        names = [self.graph.constant(array, "int64" if array.dtype == int else "float32") for array in constants]
        self.name = self.graph.op(op_type, self.name, *names, **attributes)

    def normal(self, *shape: int) -> np.ndarray:
        return self.rng.normal(0, 0.3, shape)

    def pixels(self) -> None:
        self.arithmetic(())
        if self.channels == 1:
            self.add("Reshape", np.array([0, 1, *self.space]))
        else:
            self.add("Transpose", perm=(0, 3, 1, 2))

    def arithmetic(self, shape: int | tuple[()]) -> None:
        for op_type in self.draw(st.lists(st.sampled_from(["Add", "Mul", "Sub", "Div"]), max_size=3)):
            self.add(op_type, np.array(self.rng.uniform(0.5, 2, shape)))

    def convolution(self) -> None:
        outputs, size = self.draw(st.sampled_from([1, 4, 16, 24, 33, 64])), self.pair(1, 4)
        strides, dilations = self.pair(1, 2), self.pair(1, 2)
        pads = self.slide(tuple(map(extent, size, dilations)), strides, most_padding=2)
        kernel = self.normal(outputs, self.channels, *size) / np.sqrt(self.channels)
        self.add("Conv", kernel, group=1, strides=strides, dilations=dilations, pads=pads)
        self.channels = outputs
        if self.draw(st.booleans()):
            self.add("Add", self.normal(outputs, 1, 1))

    def pool(self) -> None:
        size, strides = self.pair(1, 3), self.pair(1, 3)
        pads = self.slide(size, strides, most_padding=min(size) - 1)
        op_type = self.draw(st.sampled_from(["MaxPool", "AveragePool"]))
        self.add(op_type, kernel_shape=size, strides=strides, pads=pads)

    def normalization(self) -> None:
        gamma, beta, mean, deviation = self.normal(4, self.channels)
        self.add("BatchNormalization", gamma, beta, mean, deviation**2 + 0.2, epsilon=1e-3)

    def function(self) -> None:
        op_type, settings = self.draw(
            st.sampled_from(
                [("Relu", {}), ("Sigmoid", {}), ("Tanh", {}), ("LeakyRelu", {"alpha": 0.2}), ("Elu", {"alpha": 1.0})]
            )
        )
        self.add(op_type, **settings)

    def pair(self, least: int, most: int) -> tuple[int, int]:
        return self.draw(st.tuples(*[st.integers(least, most)] * 2))

    def slide(self, spans: tuple[int, ...], strides: tuple[int, ...], most_padding: int) -> list[int]:
        pads = self.draw(st.lists(st.integers(0, most_padding), min_size=4, max_size=4))
        if any(size + pads[i] + pads[i + 2] < spans[i] for i, size in enumerate(self.space)):
            pads = [3, 3, 3, 3] if most_padding == 2 else pads
        self.space = window_count(self.space, spans, strides, pads)
        return pads

    def flatten(self) -> int:
        if self.draw(st.booleans()):
            self.add(self.draw(st.sampled_from(["GlobalMaxPool", "GlobalAveragePool"])))
            self.space = (1, 1)
        size = self.channels * self.space[0] * self.space[1]
        self.add("Reshape", np.array([0, size]))
        return size

    def dense(self, inputs: int, outputs: int) -> None:
        self.add("MatMul", self.normal(inputs, outputs) / np.sqrt(inputs))
        self.arithmetic(outputs)

    def operations(self) -> Operations:
        return self.graph.operations(Tensor("input", self.shape), Tensor(self.name, (CLASSES,)))


@st.composite
def networks(draw: st.DrawFn) -> Network:
    """Draw networks of everything that is written for ncnn, in any order."""
    drawn = Drawn(draw)
    drawn.pixels()
    layers = st.sampled_from(["convolution", "normalization", "function", "pool"])
    for layer in draw(st.lists(layers, min_size=1, max_size=5)):
        if min(drawn.space) >= 7 or layer in ("normalization", "function"):
            getattr(drawn, layer)()
    size = drawn.flatten()
    if draw(st.booleans()):
        drawn.dense(size, 7)
        drawn.function()
        drawn.channels = size = 7
        if draw(st.booleans()):
            drawn.normalization()
        drawn.arithmetic(draw(st.sampled_from([(), 7])))
    drawn.dense(size, CLASSES)
    if draw(st.booleans()):
        drawn.add("Softmax", axis=1)
    return Network(drawn.operations(), drawn.shape, (CLASSES,), "", None)


@given(networks(), st.integers(1, 40))
def test_any_chain_computes_the_same_as_on_onnx_runtime(network: Network, count: int) -> None:
    images = np.random.default_rng(count).random((count, *network.input_shape), dtype=np.float32)

    actual = run_nets(write_nets(network.operations), network, 1).run(images)

    expected = run_network(network, 1).run(images)
    np.testing.assert_allclose(expected, actual, rtol=1e-5, atol=1e-5)


@pytest.fixture(scope="module")
def model() -> keras.Model:
    convolutions = [kl.Conv2D(32, 3, activation="relu"), kl.Conv2D(64, 3, activation="relu"), kl.MaxPooling2D()]
    top = [kl.Flatten(), kl.Dense(16, activation="relu"), kl.BatchNormalization(), kl.Dense(10, activation="softmax")]
    return keras.Sequential([kl.Input((28, 28, 1)), *convolutions, *top])


@pytest.fixture(scope="module")
def saved(model: keras.Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("saved") / "model.keras"
    model.save(file)
    return file


IMAGES = np.random.default_rng(0).integers(0, 256, (70, 28, 28), dtype=np.uint8)


def test_wide_convolutions_run_on_ncnn_as_in_keras(model: keras.Model, saved: Path) -> None:
    opened = open_model(saved)

    assert "ncnn" == opened.runtime
    expected = np.asarray(model(IMAGES[..., None] / np.float32(255), training=False))
    np.testing.assert_allclose(expected, opened.predict(IMAGES), atol=1e-6)


def test_probabilities_depend_on_neither_threads_nor_the_images_beside(saved: Path) -> None:
    together = open_model(saved, threads=1).predict(IMAGES)

    np.testing.assert_array_equal(together, open_model(saved, threads=3).predict(IMAGES))
    np.testing.assert_array_equal(together[5:8], open_model(saved).predict(IMAGES[5:8]))


@pytest.mark.parametrize(
    ("layers", "reason"),
    [
        ([kl.Conv2D(4, 3)], "little for Winograd"),
        ([kl.Conv2D(8, 3), kl.DepthwiseConv2D(3), kl.Conv2D(64, 3), kl.Conv2D(64, 3)], "in groups"),
        ([kl.Conv2D(64, 3), kl.Conv2D(64, 3), kl.LayerNormalization()], "operation"),
        ([kl.Conv2D(64, 3), kl.Conv2D(64, 3, activation="swish")], "no chain"),
    ],
)
def test_other_networks_run_on_onnx_runtime(layers: list[kl.Layer], reason: str, tmp_path: Path) -> None:
    top = [kl.Flatten(), kl.Dense(10, activation="softmax")]
    network = randomize(keras.Sequential([kl.Input((28, 28, 1)), *layers, *top]))
    network.save(tmp_path / "model.keras")

    assert "onnxruntime" == open_model(tmp_path / "model.keras").runtime
    with pytest.raises(Unsupported, match=reason):
        loading._on_ncnn(convert(read_keras(tmp_path / "model.keras")), 1)


def test_a_network_that_ncnn_refuses_runs_on_onnx_runtime(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def write_nonsense(operations: Operations) -> Nets:
        nets = write_nets(operations)
        return Nets(nets.planes, nets.channels_last, nets.image, nets.features, Net(layers=["Nonsense 0 0 1 0"]))

    monkeypatch.setattr(loading, "write_nets", write_nonsense)

    assert "onnxruntime" == open_model(saved).runtime
