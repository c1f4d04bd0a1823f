"""ONNX files as exporters write them: weights beside the model, and scikit-learn's maps of probabilities."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from batch_eval.errors import ModelError
from batch_eval.models import Classifier, ModelOptions, open_model
from batch_eval.models.model_file import ModelFile
from batch_eval.models.onnx_external import with_weights_inside

rng = np.random.default_rng(0)
IMAGES = rng.integers(0, 256, (3, 28, 28), dtype=np.uint8)
KERNEL, BIAS = rng.normal(0, 0.05, (784, 10)).astype("float32"), rng.normal(0, 1, 10).astype("float32")


def opened(file: Path) -> Classifier:
    return open_model(
        ModelOptions(file, input_range="0..1", ink="bright", transposed=False, class_names=tuple("0123456789"))
    )


def expected() -> NDArray[np.float32]:
    outputs = IMAGES.reshape(3, 784).astype("float32") / 255 @ KERNEL + BIAS
    powers = np.exp(outputs - outputs.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def dense(*tail: Any, output: Any = None, name: str = "probabilities") -> Any:
    """Return a model of one dense layer and a softmax, and of nodes after that."""
    nodes = [
        helper.make_node("Gemm", ["pixels", "kernel", "bias"], ["scores"]),
        helper.make_node("Softmax", ["scores"], ["probabilities"], axis=1),
        *tail,
    ]
    graph = helper.make_graph(
        nodes,
        "dense",
        [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, [None, 784])],
        [output or helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, 10])],
        [numpy_helper.from_array(KERNEL, "kernel"), numpy_helper.from_array(BIAS, "bias")],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


def saved_apart(folder: Path, location: str = "model.onnx.data") -> Path:
    file = folder / "model.onnx"
    onnx.save(dense(), file, save_as_external_data=True, location="weights", size_threshold=0)
    (folder / "weights").rename(folder / "model.onnx.data")
    renamed(file, location)
    return file


def renamed(file: Path, location: str, **entries: str) -> None:
    """Change where a model says that its weights are."""
    model = onnx.load(file, load_external_data=False)
    for tensor in model.graph.initializer:
        kept = {entry.key: entry.value for entry in tensor.external_data} | {"location": location} | entries
        del tensor.external_data[:]
        for key, value in kept.items():
            tensor.external_data.add(key=key, value=value)
    file.write_bytes(model.SerializeToString())


def test_weights_beside_the_model_are_read(tmp_path: Path) -> None:
    file = saved_apart(tmp_path)

    np.testing.assert_allclose(opened(file).predict(IMAGES), expected(), atol=1e-6)


def test_model_with_its_weights_is_the_model_in_one_file(tmp_path: Path) -> None:
    inside = with_weights_inside(ModelFile.read(saved_apart(tmp_path)))

    assert onnx.load_from_string(inside.data) == dense()


def test_hash_covers_the_weights(tmp_path: Path) -> None:
    file = saved_apart(tmp_path)
    first = opened(file).sha256
    weights = bytearray((tmp_path / "model.onnx.data").read_bytes())
    weights[0] ^= 1
    (tmp_path / "model.onnx.data").write_bytes(weights)

    assert opened(file).sha256 != first


@pytest.mark.parametrize(
    "location", ["../secret", "/etc/hostname", "sub/model.onnx.data", "..", ".", "", "C:secret", "a\\b", "a\0b"]
)
def test_weights_elsewhere_are_never_read(location: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"outside its folder; such files are never read"):
        opened(saved_apart(tmp_path, location))


def test_links_are_never_followed(tmp_path: Path) -> None:
    file = saved_apart(tmp_path, "link")
    (tmp_path / "link").symlink_to(tmp_path / "model.onnx.data")

    with pytest.raises(ModelError, match="is a link; links are never followed"):
        opened(file)


def test_missing_weights_are_named(tmp_path: Path) -> None:
    file = saved_apart(tmp_path)
    (tmp_path / "model.onnx.data").unlink()

    with pytest.raises(ModelError, match=r"keeps its weights in model\.onnx\.data, which is not beside it"):
        opened(file)


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"offset": "31400"}, "keeps 31,360 bytes of weights at 31,400"),
        ({"offset": "-1"}, "which has"),
        ({"offset": "one"}, "an offset of weights is no number"),
        ({"length": "999999999999"}, "keeps 999,999,999,999 bytes"),
    ],
)
def test_weights_that_are_not_there_are_refused(entries: dict[str, str], message: str, tmp_path: Path) -> None:
    file = saved_apart(tmp_path)
    renamed(file, "model.onnx.data", **entries)

    with pytest.raises(ModelError, match=message):
        opened(file)


def constant_outside(model: Any) -> None:
    tensor = numpy_helper.from_array(BIAS, "bias")
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="model.onnx.data")
    model.graph.node.insert(0, helper.make_node("Constant", [], ["bias"], value=tensor))
    del model.graph.initializer[1]


def both(model: Any) -> None:
    tensor = model.graph.initializer[1]
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="model.onnx.data")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (constant_outside, "keeps its weights in other files, in a way that is never read"),
        (both, "both inside and outside"),
    ],
)
def test_other_numbers_outside_are_refused(change: Callable[[Any], None], message: str, tmp_path: Path) -> None:
    model = dense()
    change(model)
    (tmp_path / "model.onnx").write_bytes(model.SerializeToString())
    (tmp_path / "model.onnx.data").write_bytes(BIAS.tobytes())

    with pytest.raises(ModelError, match=message):
        opened(tmp_path / "model.onnx")


@pytest.mark.parametrize(
    ("key", "labels"),
    [
        (TensorProto.INT64, {"classlabels_int64s": range(10)}),
        (TensorProto.STRING, {"classlabels_strings": "0123456789"}),
    ],
)
def test_maps_of_probabilities_are_read(key: int, labels: dict[str, Any], tmp_path: Path) -> None:
    labels = {name: list(values) for name, values in labels.items()}
    tail = helper.make_node("ZipMap", ["probabilities"], ["map"], domain="ai.onnx.ml", **labels)
    kind = helper.make_map_type_proto(key, helper.make_tensor_type_proto(TensorProto.FLOAT, []))
    output = helper.make_value_info("map", helper.make_sequence_type_proto(kind))
    (tmp_path / "model.onnx").write_bytes(dense(tail, output=output).SerializeToString())

    model = opened(tmp_path / "model.onnx")

    np.testing.assert_allclose(model.predict(IMAGES), expected(), atol=1e-6)
    assert model.output_kind == "probabilities"
