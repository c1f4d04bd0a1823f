"""Models that are made to harm are refused with one message, before they take memory or time, or read a file."""

import io
import json
import re
import zipfile
from pathlib import Path

import h5py
import numpy as np
import onnx
import pytest
from crafted_models import CRAFTED
from hostile_models import (
    dense,
    functional,
    hdf5,
    image,
    keras_members,
    kernel,
    layer,
    sequential,
    tensor,
    write_keras,
    zipped,
)
from onnx import TensorProto, helper, numpy_helper
from packaging.version import Version

from batch_eval.errors import ModelError, ModelProcessError, UntrustedModelError
from batch_eval.models import ModelOptions, open_model
from batch_eval.models.conversion import convert
from batch_eval.models.description import describe
from batch_eval.models.inference import Inference
from batch_eval.models.keras_file import read_keras
from batch_eval.models.keras_upgrade import file_for_keras
from batch_eval.models.onnx_file import _MESSAGES, _SCHEMA, read_structure
from batch_eval.models.runtime import Runtime

FLAT = layer("Flatten", "flatten", ["image"])
PLAIN = sequential(image(), layer("Flatten", "flatten"), dense("dense"))
WEIGHTS = kernel(784, 10)


def refused(file: Path, *, match: str, kind: type[ModelError] = ModelError, **options: object) -> str:
    """Check that a file is refused in one printable line that names it, and return the line."""
    with pytest.raises(kind, match=match) as caught:
        open_model(ModelOptions(file, **options))
    check_message(str(caught.value), file)
    return str(caught.value)


def check_message(message: str, file: Path) -> None:
    """Check that a message is one printable line that names the file."""
    assert message.isprintable()
    assert len(message) <= 1000
    assert file.name in message


# Sizes. Each file is a few kilobytes, and asks for gigabytes.


def shared_calls(count: int):
    """One layer of 4 million weights, called many times: each call has its own copy in the graph."""
    calls = ["up", *(("shared", i) for i in range(count - 1))]
    return functional(
        image(), FLAT, dense("up", ["flatten"], 2000), dense("shared", calls, 2000), output=("shared", count - 1)
    ), kernel(784, 2000) | kernel(2000, 2000, layer="dense_1")


def chain(*middle):
    return sequential(image(), layer("Flatten", "flatten"), *middle, layer("GlobalAveragePooling1D", "pool")), {}


def nested(depth: int):
    """A model that calls a model ten times, which calls a model ten times, and so on."""
    inner = functional(image(784), layer("Activation", "a", ["image"], activation="relu"), output="a")
    for i in range(depth):
        inner |= {"name": f"model_{i}", "inbound_nodes": [{"args": [tensor(f"{s}")], "kwargs": {}} for s in ["image"]]}
        calls = ["image", *((f"model_{i}", n) for n in range(9))]
        inner["inbound_nodes"] = [{"args": [tensor(call)], "kwargs": {}} for call in calls]
        inner = functional(image(784), inner, output=(f"model_{i}", 9))
    return inner, {}


BOMBS = {
    "shared calls": shared_calls(100),
    "repeated vector": chain(layer("RepeatVector", "repeat", n=1_000_000)),
    "constant of a huge shape": chain(
        layer("RepeatVector", "repeat", n=1_000_000),
        layer("Normalization", "norm", axis=[1, 2], mean=0.5, variance=1.0),
    ),
    "input": (
        sequential(image(20000, 20000, 1), layer("GlobalAveragePooling2D", "pool"), dense("dense")),
        kernel(1, 10),
    ),
    "padding": (
        sequential(image(), layer("ZeroPadding2D", "pad", padding=[[0, 10**6], [0, 10**6]]), dense("dense")),
        kernel(1, 10),
    ),
    "padding of astronomic size": (
        sequential(image(), layer("ZeroPadding2D", "pad", padding=[[0, 10**300], [0, 1]]), dense("dense")),
        kernel(1, 10),
    ),
    "enlarging": (
        sequential(image(), layer("UpSampling2D", "up", size=[60000, 60000], interpolation="bilinear"), dense("dense")),
        kernel(1, 10),
    ),
    "depthwise between": (
        sequential(
            image(),
            layer(
                *("SeparableConv2D", "conv"), filters=1, kernel_size=[1, 1], depth_multiplier=400_000, use_bias=False
            ),
        ),
        {
            "layers/separable_conv2d/vars/0": np.zeros((1, 1, 1, 400_000), np.float32),
            "layers/separable_conv2d/vars/1": np.zeros((1, 1, 400_000, 1), np.float32),
        },
    ),
    "transposed convolution": (
        sequential(
            image(),
            layer(*("Conv2DTranspose", "conv"), filters=1, kernel_size=[600, 600], strides=[600, 600], use_bias=False),
        ),
        {"layers/conv2d_transpose/vars/0": np.zeros((600, 600, 1, 1), np.float32)},
    ),
}


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_are_refused_before_memory_is_used(name: str, tmp_path: Path) -> None:
    file = write_keras(tmp_path / "bomb.keras", *BOMBS[name])

    refused(file, match=r"needs (at least [0-9,.]+|more than a billion) GB of memory.*limit of 1 GB.*--model-memory")


def test_many_hard_links_to_one_array_count_each(tmp_path: Path) -> None:
    names = [f"layers/dense{f'_{i}' if i else ''}/vars/0" for i in range(120)]
    weights = {names[0]: np.zeros((2000, 2000), np.float32)} | dict.fromkeys(names[1:], names[0])
    layers = [dense(f"dense_{i}", units=2000) for i in range(120)]
    config = sequential(image(2000), *layers)

    refused(write_keras(tmp_path / "links.keras", config, weights), match="GB of memory")


def test_what_only_keras_opens_counts_them_too(tmp_path: Path) -> None:
    names = [f"layers/dense{f'_{i}' if i else ''}/vars/0" for i in range(120)]
    weights = {names[0]: np.zeros((2000, 2000), np.float32)} | dict.fromkeys(names[1:], names[0])
    layers = [dense(f"dense_{i}", units=2000) for i in range(120)]
    config = sequential(image(2000), layer("UnitNormalization", "unit", axis=-1), *layers)

    refused(write_keras(tmp_path / "links.keras", config, weights), match="GB of memory")


def test_the_advice_to_raise_the_limit_works(tmp_path: Path) -> None:
    file = write_keras(tmp_path / "wide.keras", *shared_calls(3))

    refused(file, match="--model-memory", memory=0.05, class_names=[str(i) for i in range(2000)])
    assert open_model(ModelOptions(file, memory=1, class_names=[str(i) for i in range(2000)])).runtime == "onnxruntime"


@pytest.mark.slow
def test_models_that_call_models_end(tmp_path: Path) -> None:
    """10¹² calls: the converter stops, and so does Keras."""
    refused(write_keras(tmp_path / "nested.keras", *nested(12)), match="nested.keras", timeout=2)


def test_a_chain_that_is_listed_backwards_is_converted(tmp_path: Path) -> None:
    count = 3000
    layers = [layer("Activation", f"a{i}", [f"a{i - 1}" if i else "flatten"], activation="relu") for i in range(count)]
    config = functional(dense("dense", [f"a{count - 1}"]), *reversed(layers), FLAT, image(), output="dense")
    file = write_keras(tmp_path / "chain.keras", config, WEIGHTS)

    assert convert(read_keras(file)).output_shape == (10,)


@pytest.mark.slow
def test_a_model_that_takes_long_runs_isolated_with_the_same_results(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    weights = {
        "layers/conv2d/vars/0": rng.normal(0, 0.02, (7, 7, 1, 256)).astype(np.float32),
        "layers/conv2d_1/vars/0": rng.normal(0, 0.02, (7, 7, 256, 256)).astype(np.float32),
        "layers/dense/vars/0": rng.normal(0, 0.1, (256, 10)).astype(np.float32),
    }
    conv = {"filters": 256, "kernel_size": [7, 7], "padding": "same", "use_bias": False}
    body = [layer("Conv2D", f"conv_{i}", **conv) for i in range(2)]
    config = sequential(image(), *body, layer("GlobalAveragePooling2D", "pool"), dense("dense"))
    file = write_keras(tmp_path / "slow.keras", config, weights)
    images = rng.integers(0, 256, (2, 28, 28), dtype=np.uint8)
    model = convert(read_keras(file))

    classifier = open_model(ModelOptions(file, timeout=60))

    assert model.is_large
    assert classifier.runtime == "onnxruntime"
    from dataclasses import replace

    from batch_eval.models.onnx_runtime import open_converted

    expected = open_converted(replace(model, is_large=False), 1).run(classifier.prepare(images))
    np.testing.assert_array_equal(expected, classifier.inference.run(classifier.prepare(images)))


class Slow:
    """A model that takes three seconds for each batch, by a clock of its own."""

    def __init__(self) -> None:
        self.time = 0.0

    def run(self, batch: np.ndarray) -> np.ndarray:
        self.time += 3
        return np.full((len(batch), 10), 0.1, np.float32)


def test_the_self_test_of_a_model_that_is_nearly_too_slow_ends() -> None:
    """Without a limit for the whole, up to 55 batches of nearly 5 s each would follow one another."""
    model = Slow()
    inference = Inference(Runtime("onnxruntime", model.run, (28, 28, 1), clock=lambda: model.time, seconds=5.0), "slow")

    with (
        pytest.raises(ModelProcessError, match=r"slow did not end the self-test within 10 s.*--model-timeout"),
        inference.limited("the self-test"),
    ):
        inference.run(np.zeros((3200, 28, 28, 1), np.float32))
    assert model.time <= 3 * 6  # the probe, four batches, and one that another thread had begun
    assert inference.run(np.zeros((320, 28, 28, 1), np.float32)).shape == (320, 10)  # outside there is no such limit


# Two files in one


def test_a_plain_archive_opens(tmp_path: Path) -> None:
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        file = tmp_path / "model.keras"
        file.write_bytes(zipped(keras_members(PLAIN, WEIGHTS), method))

        assert open_model(file).runtime == "onnxruntime"


def with_gap(content: bytes) -> bytes:
    """Put something between the members and the directory of an archive."""
    directory = int.from_bytes(content[-6:-2], "little")
    end = content[-22:-6] + (directory + 64).to_bytes(4, "little") + content[-2:]
    return content[:directory] + bytes(64) + content[directory:-22] + end


def with_comment(content: bytes) -> bytes:
    return content[:-2] + b"\x08\0" + bytes(8)


ARCHIVE = zipped(keras_members(PLAIN, WEIGHTS))
H5 = hdf5(WEIGHTS)


@pytest.mark.parametrize(
    "content",
    [
        ARCHIVE + H5,
        H5 + ARCHIVE,
        ARCHIVE + bytes(10),
        b"PK\x03\x04" + bytes(508) + ARCHIVE,
        with_gap(ARCHIVE),
        with_comment(ARCHIVE),
        ARCHIVE + ARCHIVE,
    ],
    ids=["h5 behind", "zip behind h5", "zeros behind", "something before", "gap", "comment", "twice"],
)
def test_two_files_in_one_are_refused(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "model.keras"
    file.write_bytes(content)

    refused(file, match="two files in one|damaged")


def test_an_archive_inside_an_hdf5_file_is_refused(tmp_path: Path) -> None:
    """Its last bytes are an archive's, though they belong to a dataset."""
    stream = io.BytesIO()
    with h5py.File(stream, "w") as file:
        file.attrs["model_config"] = json.dumps(PLAIN)
        file["model_weights/zip"] = np.frombuffer(ARCHIVE, np.uint8)
    (tmp_path / "model.h5").write_bytes(stream.getvalue())

    refused(tmp_path / "model.h5", match="two files in one")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_members_of_one_name_are_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "model.keras", "w") as archive:
        for name, content in [*keras_members(PLAIN, WEIGHTS).items(), ("config.json", b"{}")]:
            archive.writestr(name, content)

    refused(tmp_path / "model.keras", match="two files in one")


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_keras_gets_a_file_of_our_own(suffix: str, tmp_path: Path) -> None:
    """The checked config and the weights, whatever else an archive holds and whatever its name is."""
    members = keras_members(PLAIN, WEIGHTS | {"optimizer/vars/0": np.zeros(9)})
    file = tmp_path / f"model{suffix}"
    file.write_bytes(zipped(members | {"model.weights.npz": b"pickle", "assets/vocabulary.txt": b"x"}))

    content, chosen = file_for_keras(read_keras(file))

    assert chosen == ".keras"
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert {"metadata.json", "config.json", "model.weights.h5"} == set(archive.namelist())
        assert json.loads(archive.read("config.json")) == PLAIN
        with h5py.File(io.BytesIO(archive.read("model.weights.h5"))) as weights:
            assert list(weights) == ["layers"]


@pytest.mark.parametrize("class_name", ["StringLookup", "IntegerLookup", "TextVectorization", "FeatureSpace"])
def test_layers_that_read_files_are_refused(class_name: str, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("a\nb\n")
    reader = layer(class_name, "words", vocabulary=str(tmp_path / "secret"))
    file = write_keras(tmp_path / "reader.keras", sequential(image(), reader, dense("dense")), WEIGHTS)

    refused(file, match="may read any file", kind=UntrustedModelError)


# Values that no layer has

STRANGE = {
    "relu_max_huge": [layer("ReLU", "relu", max_value=10**400)],
    "relu_max_infinite": [layer("ReLU", "relu", max_value=float("inf"))],
    "rescale_scale_none": [layer("Rescaling", "scale", scale=None)],
    "rescale_scale_ragged": [layer("Rescaling", "scale", scale=[[1], [1, 2]])],
    "axis_list": [layer("Softmax", "softmax", axis=[[1]])],
    "negative_cropping": [layer("Reshape", "reshape", target_shape=[28, 28, 1]), layer("Cropping2D", "c", cropping=9)],
    "escape": [layer("Lambda", "\x1b]0;owned\x07\x1b[2J", function="x")],
    "long_name": [layer("UnitNormalization", "n" * 100_000, axis=-1)],
    "unknown_module": [layer("Dense", "d") | {"module": "\x1b[31mos\n"}],
    "number_as_class": [layer("Dense", "d") | {"class_name": 7}],
    "config_is_a_list": [layer("Dense", "d") | {"config": [1, 2]}],
    "input_zero": [],
}


@pytest.mark.slow
@pytest.mark.parametrize("name", STRANGE)
def test_strange_values_end_in_one_line(name: str, tmp_path: Path) -> None:
    first = image(0, 28, 1) if name == "input_zero" else image()
    config = sequential(first, layer("Flatten", "flatten"), *STRANGE[name], dense("dense"))
    file = write_keras(tmp_path / f"{name}.keras", config, WEIGHTS)
    try:
        open_model(file)
    except ModelError:
        refused(file, match=re.escape(file.name))


def test_a_name_with_escapes_is_escaped_in_the_message(tmp_path: Path) -> None:
    file = write_keras(tmp_path / "\x1b[31mred.keras", sequential(image(), layer("Lambda", "\x1b[2J", x=1)), {})

    with pytest.raises(UntrustedModelError) as caught:
        open_model(file)

    assert "\\x1b[31mred.keras" in str(caught.value)
    assert str(caught.value).isprintable()


# ONNX


def onnx_with_function(*, external: bool) -> onnx.ModelProto:
    """Return a model with a function whose attribute has a tensor as its default."""
    weights = numpy_helper.from_array(np.zeros((784, 10), np.float32), "w")
    if external:
        weights.ClearField("raw_data")
        weights.data_location = TensorProto.EXTERNAL
        weights.external_data.add(key="location", value="ext.bin")
    constant = helper.make_node("Constant", [], ["k"])
    constant.attribute.add(name="value", ref_attr_name="w", type=onnx.AttributeProto.TENSOR)
    function = helper.make_function(
        "mine",
        "F",
        ["x"],
        ["y"],
        [constant, helper.make_node("MatMul", ["x", "k"], ["y"])],
        [helper.make_opsetid("", 17)],
        attribute_protos=[helper.make_attribute("w", weights)],
    )
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [helper.make_node("F", ["x"], ["y"], domain="mine")],
        "graph",
        [value("x", TensorProto.FLOAT, ["b", 784])],
        [value("y", TensorProto.FLOAT, ["b", 10])],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("mine", 1)]
    return helper.make_model(graph, functions=[function], opset_imports=opsets, ir_version=9)


def test_external_data_by_way_of_a_function_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("ext.bin").write_bytes(bytes(31360))
    file = tmp_path / "function.onnx"

    file.write_bytes(onnx_with_function(external=False).SerializeToString())
    assert open_model(file).runtime == "onnxruntime"

    file.write_bytes(onnx_with_function(external=True).SerializeToString())
    refused(file, match="keeps its weights in other files")


def test_the_runtimes_own_format_is_refused(tmp_path: Path) -> None:
    """Bytes 4 to 7 decide what ONNX Runtime reads; a producer's name can hold them."""
    model = onnx_with_function(external=False)
    model.ClearField("ir_version")
    content = b"\x08\x09\x12\x05" + b"ORTM!" + model.SerializeToString()
    assert onnx.load_from_string(content).producer_name == "ORTM!" or content[4:8] == b"ORTM"
    (tmp_path / "model.onnx").write_bytes(content)

    refused(tmp_path / "model.onnx", match="own format")


@pytest.mark.parametrize(
    "field", [b"\xfa\x3e\x02\x08\x01", b"\x3d\0\0\0\0", b"\x3b\x3c"], ids=["number", "type", "group"]
)
def test_unknown_fields_are_refused(field: bytes, tmp_path: Path) -> None:
    content = onnx_with_function(external=False).SerializeToString()
    (tmp_path / "model.onnx").write_bytes(content + field)

    refused(tmp_path / "model.onnx", match="unknown field")


def test_the_schema_is_that_of_the_onnx_package() -> None:
    """A newer release of onnx may add fields, which are then to be added here."""
    kinds = {1: "doubles", 2: "float", 3: "int", 4: "int", 5: "int", 8: "int", 9: "text", 12: "text", 14: "int"}
    is_newest = Version(onnx.__version__) >= Version("1.23")  # older releases have fewer fields
    ours = {"model": onnx.ModelProto.DESCRIPTOR}
    for name in ours.keys() | _MESSAGES.keys():
        assert name in _SCHEMA
    waiting, seen = ["model"], set()
    while waiting:
        name = waiting.pop()
        seen.add(name)
        for theirs in ours[name].fields:
            content = _SCHEMA[name][theirs.number]
            if theirs.message_type is None:
                assert content.rstrip("s") == kinds[theirs.type].rstrip("s"), (name, theirs.name)
            elif content not in seen:
                ours.setdefault(content, theirs.message_type)
                waiting.append(content)
        if is_newest:
            assert {theirs.number for theirs in ours[name].fields} >= _SCHEMA[name].keys(), name
    assert seen == set(_SCHEMA) if is_newest else seen <= set(_SCHEMA)


def test_an_input_of_huge_size_is_refused(tmp_path: Path) -> None:
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [helper.make_node("GlobalAveragePool", ["x"], ["p"]), helper.make_node("Flatten", ["p"], ["y"])],
        "graph",
        [value("x", TensorProto.FLOAT, ["b", 1, 20000, 20000])],
        [value("y", TensorProto.FLOAT, ["b", 1])],
    )
    file = tmp_path / "large.onnx"
    file.write_bytes(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString()
    )

    refused(file, match="GB of memory")


@pytest.mark.slow
def test_many_parts_are_refused() -> None:
    with pytest.raises(ValueError, match="too many parts"):
        read_structure(b"\x08\x08" * 2_000_001)


# Files that are none


def test_devices_and_pipes_are_refused(tmp_path: Path) -> None:
    refused(Path("/dev/zero"), match="is not a file")


@pytest.mark.slow
def test_a_file_larger_than_the_limit_is_not_read(tmp_path: Path) -> None:
    file = tmp_path / "sparse.onnx"
    with file.open("wb") as stream:
        stream.write(b"\x08\x08")
        stream.truncate(40 << 30)

    refused(file, match="at least 42.9 GB")


@pytest.mark.slow
@pytest.mark.parametrize("name", CRAFTED)
def test_crafted_models_open_or_end_in_one_line(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`benchmarks/hostile.py` gives them to the command line, and measures time and memory."""
    monkeypatch.chdir(tmp_path)
    file = tmp_path / name
    file.write_bytes(CRAFTED[name]())
    for look in (open_model, describe):
        try:
            look(file)
        except ModelError as error:
            check_message(str(error), file)

    assert [each.name for each in tmp_path.iterdir()] == [name]
