"""Models of other formats (.onnx, .tflite, SavedModel), and the ONNX writer for converted models."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from keras_networks import randomize
from late_keras import keras, kl
from processes import ROOT, batch_eval

from batch_eval.errors import ModelError, UntrustedModelError
from batch_eval.models import ModelOptions, open_model
from batch_eval.models.conversion import convert
from batch_eval.models.keras_file import read_keras
from batch_eval.models.onnx_writer import Node, Value, encode_model

pytestmark = [
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn.t accept a copy:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:.*"),  # TensorFlow's converters warn about their own parts
]

rng = np.random.default_rng(0)
IMAGES = rng.integers(0, 256, (5, 28, 28), dtype=np.uint8)
KERNEL = rng.normal(0, 0.1, (784, 10)).astype(np.float32)
FLAT = Node("Flatten", ["image"], ["flat"])
DENSE = Node("MatMul", ["flat", "kernel"], ["scores"])
SOFTMAX = Node("Softmax", ["scores"], ["classes"])
CLASSES = Value("classes", ["batch", 10])


def softmax(scores: np.ndarray) -> np.ndarray:
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


EXPECTED = softmax((IMAGES.reshape(5, 784) / np.float32(255)) @ KERNEL)


def onnx_file(folder: Path, source: Value, *nodes: Node, outputs: tuple[Value, ...] = (CLASSES,)) -> Path:
    file = folder / "model.onnx"
    file.write_bytes(encode_model(nodes or (FLAT, DENSE, SOFTMAX), {"kernel": KERNEL}, [source], outputs))
    return file


@pytest.mark.parametrize(
    "shape",
    [
        ["batch", 28, 28, 1],
        ["batch", 1, 28, 28],
        ["batch", 784],
        [1, 28, 28],
        ["batch", 1, "height", "width"],
        [3, 784],
    ],
)
def test_onnx_input_shapes(shape: list[int | str], tmp_path: Path) -> None:
    actual = open_model(onnx_file(tmp_path, Value("image", shape)))

    np.testing.assert_allclose(EXPECTED, actual.predict(IMAGES), atol=1e-6)
    assert (actual.runtime, actual.output_kind, actual.size) == ("onnxruntime", "probabilities", (28, 28))


@pytest.mark.slow
def test_a_model_that_cannot_be_verified_is_refused_before_the_work(tmp_path: Path) -> None:
    file = onnx_file(tmp_path, Value("image", ["n", 784]))
    done = batch_eval("run", ROOT / "sample_images", "--model", file, "--out", tmp_path / "out", "--verify")

    assert 2 == done.returncode
    assert "can be verified against TensorFlow: leave out --verify" in done.stderr
    assert "Labels: " not in done.stderr


def test_onnx_logits(tmp_path: Path) -> None:
    file = onnx_file(tmp_path, Value("image", ["n", 784]), FLAT, DENSE, outputs=(Value("scores", ["n", 10]),))

    actual = open_model(file)

    assert actual.output_kind == "logits"
    np.testing.assert_allclose(EXPECTED, actual.predict(IMAGES), atol=1e-6)


def test_onnx_bytes_mean_0_to_255(tmp_path: Path) -> None:
    cast = Node("Cast", ["pixels"], ["image"], {"to": 1})
    file = onnx_file(tmp_path, Value("pixels", ["n", 784], "uint8"), cast, FLAT, DENSE, SOFTMAX)

    assert str(open_model(file).convention.input_range) == "0..255"


def test_onnx_with_a_label_beside_the_probabilities(tmp_path: Path) -> None:
    label = Node("ArgMax", ["classes"], ["label"], {"axis": 1})
    outputs = (Value("label", ["n", 1], "int64"), CLASSES)
    file = onnx_file(tmp_path, Value("image", ["n", 784]), FLAT, DENSE, SOFTMAX, label, outputs=outputs)

    np.testing.assert_allclose(EXPECTED, open_model(file).predict(IMAGES), atol=1e-6)


def test_onnx_with_two_outputs(tmp_path: Path) -> None:
    file = onnx_file(tmp_path, Value("image", ["n", 784]), outputs=(Value("scores", ["n", 10]), CLASSES))

    with pytest.raises(ModelError, match="has the outputs scores, classes"):
        open_model(file)


def test_onnx_with_an_unknown_operation(tmp_path: Path) -> None:
    file = onnx_file(tmp_path, Value("image", ["n", 784]), FLAT, DENSE, Node("Sharpen", ["scores"], ["classes"]))

    with pytest.raises(ModelError, match="Sharpen"):
        open_model(file)


@pytest.mark.parametrize("length", [3, 40, 200, 20_000])
def test_onnx_cut_off(length: int, tmp_path: Path) -> None:
    file = onnx_file(tmp_path, Value("image", ["n", 784]))
    file.write_bytes(file.read_bytes()[:length])

    with pytest.raises(ModelError, match="is not an ONNX model, or is damaged"):
        open_model(file)


def test_written_models_pass_the_checker_of_onnx() -> None:
    onnx = pytest.importorskip("onnx")
    attributes = {"i": 3, "f": 0.5, "s": "text", "ints": [1, -2], "floats": [0.5, 2.0]}
    constants = {"a": np.eye(3, dtype=np.float32), "b": np.array(-7, np.int64), "c": np.array([True])}
    content = encode_model(
        [Node("Relu", ["x"], ["y"], attributes)], constants, [Value("x", ["n", 3])], [Value("y", ["n", 3])]
    )

    model = onnx.load_from_string(content)

    read = {a.name: onnx.helper.get_attribute_value(a) for a in model.graph.node[0].attribute}
    assert read == attributes | {"s": b"text"}
    for tensor in model.graph.initializer:
        np.testing.assert_array_equal(constants[tensor.name], onnx.numpy_helper.to_array(tensor))


@pytest.fixture(scope="module")
def model() -> Any:
    layers = [kl.Conv2D(4, 3, activation="relu"), kl.MaxPooling2D(), kl.Flatten(), kl.Dense(10, activation="softmax")]
    return randomize(keras.Sequential([kl.Input((28, 28, 1)), *layers]))


@pytest.mark.slow
def test_converted_networks_pass_the_checker_of_onnx(model: Any, tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    model.save(tmp_path / "model.keras")

    graph = onnx.load_from_string(convert(read_keras(tmp_path / "model.keras")).onnx)

    onnx.checker.check_model(graph, full_check=True)
    assert "Transpose" not in [node.op_type for node in graph.graph.node]


@pytest.mark.slow
@pytest.mark.parametrize("quantized", [False, True])
def test_tflite(quantized: bool, model: Any, tmp_path: Path) -> None:
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    if quantized:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: ([(image / np.float32(255))[None, ..., None]] for image in IMAGES)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = tf.uint8
    file = tmp_path / "model.tflite"
    file.write_bytes(converter.convert())
    expected = np.asarray(model(IMAGES[..., None] / np.float32(255), training=False))

    actual = open_model(file)

    np.testing.assert_allclose(expected, actual.predict(IMAGES), atol=0.1 if quantized else 1e-5)
    assert (actual.runtime, str(actual.convention.input_range)) == ("tflite", "0..1")
    assert actual.output_kind == "probabilities"  # its softmax is rounded, but no set of sigmoids


@pytest.mark.slow
def test_exported_saved_model(model: Any, tmp_path: Path) -> None:
    model.export(tmp_path / "exported", verbose=False)
    expected = np.asarray(model(IMAGES[..., None] / np.float32(255), training=False))

    with pytest.raises(UntrustedModelError, match="its graph may read and write files"):
        open_model(tmp_path / "exported")

    actual = open_model(ModelOptions(tmp_path / "exported", trust=True))

    np.testing.assert_allclose(expected, actual.predict(IMAGES), atol=1e-6)
    assert len(actual.sha256) == 64
