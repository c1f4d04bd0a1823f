"""Models that are made to harm, by the name of the file: what each does is said beside it.

Every function returns the bytes of a file. None of them needs TensorFlow; those for ONNX need the onnx package.
"""

from __future__ import annotations

import io
import json
import struct
import zipfile
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from hostile_models import (
    Layer,
    Table,
    dense,
    functional,
    hdf5,
    image,
    keras_members,
    kernel,
    layer,
    sequential,
    tensor,
    tflite,
    tflite_code,
    tflite_node,
    tflite_tensor,
    zipped,
)

Make = Callable[[], bytes]
FLAT = layer("Flatten", "flatten")
PLAIN = sequential(image(), FLAT, dense("dense"))
WEIGHTS = kernel(784, 10)
LAMBDA = layer("Lambda", "program", function={"class_name": "__lambda__", "config": {"code": "4wAAAA==\n"}})


def keras(config: Mapping[str, Any], weights: Mapping[str, Any] | None = None) -> bytes:
    """Return a ``.keras`` file."""
    return zipped(keras_members(config, WEIGHTS if weights is None else weights), zipfile.ZIP_STORED)


def chain(*middle: Layer, first: Layer | None = None) -> Make:
    """Return a model of some layers between an image and a dense layer."""
    return lambda: keras(sequential(first or image(), *middle, dense("dense")))


def h5(config: Mapping[str, Any] | str = PLAIN, extra: Callable[[Any], None] | None = None) -> bytes:
    """Return an ``.h5`` file with one dense layer; ``extra`` may change it."""
    import h5py

    stream = io.BytesIO()
    with h5py.File(stream, "w") as file:
        file.attrs["model_config"] = config if isinstance(config, str) else json.dumps(config)
        file.attrs["keras_version"] = "3.12.0"
        file["model_weights/dense/dense/kernel"] = np.zeros((784, 10), np.float32)
        file["model_weights/dense"].attrs["weight_names"] = [b"dense/kernel"]
        if extra:
            extra(file)
    return stream.getvalue()


def linked(link: str) -> Make:
    """Return an ``.h5`` file whose weights are elsewhere."""

    def change(file: Any) -> None:
        import h5py

        del file["model_weights/dense/dense/kernel"]
        place = "model_weights/dense/dense/kernel"
        if link == "external link":
            file[place] = h5py.ExternalLink("ext.bin", "/kernel")
        elif link == "soft link":
            file["elsewhere"] = np.zeros((784, 10), np.float32)
            file[place] = h5py.SoftLink("/elsewhere")
        elif link == "external data":
            file["model_weights/dense/dense"].create_dataset(
                "kernel", (784, 10), np.float32, external=[("ext.bin", 0, 31360)]
            )
        else:
            layout = h5py.VirtualLayout((784, 10), np.float32)
            layout[:] = h5py.VirtualSource("ext.bin", "kernel", (784, 10))
            file["model_weights/dense/dense"].create_virtual_dataset("kernel", layout)

    return lambda: h5(extra=change)


def unwritten() -> bytes:
    """Return an ``.h5`` file that declares 40 GB of weights and stores none."""

    def change(file: Any) -> None:
        del file["model_weights/dense/dense/kernel"]
        group = file["model_weights/dense/dense"]
        group.create_dataset("kernel", (10**9, 10), np.float32, chunks=(1000, 10))

    return h5(extra=change)


def cycle() -> bytes:
    """Return an ``.h5`` file with a group that contains itself."""

    def change(file: Any) -> None:
        file["model_weights/dense/again"] = file["model_weights"]

    return h5(extra=change)


def nested(depth: int) -> bytes:
    """Return a model that calls a model nine times, which calls a model nine times, and so on."""
    inner = functional(image(784), layer("Activation", "a", ["image"], activation="relu"), output="a")
    for i in range(depth):
        calls = ["image", *((f"model_{i}", number) for number in range(8))]
        inner |= {"name": f"model_{i}", "inbound_nodes": [{"args": [tensor(call)], "kwargs": {}} for call in calls]}
        inner = functional(image(784), inner, output=(f"model_{i}", 8))
    return keras(inner, {})


def bomb(member: str) -> Make:
    """Return an archive with a member of 500 MB of zeros in 500 kB."""

    def make() -> bytes:
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
            for one, content in keras_members(PLAIN, WEIGHTS).items():
                if one != member:
                    archive.writestr(one, content)
            with archive.open(member, "w", force_zip64=True) as target:
                for _ in range(50):
                    target.write(bytes(10_000_000))
        return stream.getvalue()

    return make


def pickled() -> bytes:
    """Return a file with pickled weights beside the weights."""
    members = keras_members(PLAIN, WEIGHTS) | {"model.weights.npz": b"\x80\x04cposix\nsystem\n(S'touch owned'\ntR."}
    return zipped(members, zipfile.ZIP_STORED)


def deep_json(depth: int) -> bytes:
    """Return a file whose config is nested deeply."""
    return zipped(keras_members(PLAIN, WEIGHTS) | {"config.json": b"[" * depth + b"]" * depth})


def external_onnx(place: str) -> Make:
    """Return a model with a tensor in another file, in a place where it may be overlooked."""

    def make() -> bytes:
        from onnx import AttributeProto, TensorProto, helper, numpy_helper

        weights = numpy_helper.from_array(np.zeros((784, 10), np.float32), "w")
        weights.ClearField("raw_data")
        weights.data_location = TensorProto.EXTERNAL
        weights.external_data.add(key="location", value="../here/ext.bin" if place == "initializer" else "ext.bin")
        nodes, initializers = [helper.make_node("MatMul", ["x", "w"], ["y"])], []
        if place == "initializer":
            initializers = [weights]
        elif place == "attribute":
            nodes.insert(0, helper.make_node("Constant", [], ["w"], value=weights))
        elif place == "tensors":
            node = helper.make_node("Constant", [], ["w"])
            attribute = node.attribute.add(name="value", type=AttributeProto.TENSORS)
            attribute.tensors.append(weights)
            nodes.insert(0, node)
        else:
            branch = helper.make_graph(
                [helper.make_node("Constant", [], ["w"], value=weights)],
                "branch",
                [],
                [helper.make_tensor_value_info("w", 1, [784, 10])],
            )
            condition = numpy_helper.from_array(np.array(True), "c")
            initializers = [condition]
            nodes.insert(0, helper.make_node("If", ["c"], ["w"], then_branch=branch, else_branch=branch))
        return onnx_model(nodes, initializers)

    return make


def onnx_model(nodes: Sequence[Any], initializers: Sequence[Any] = (), size: int = 784) -> bytes:
    """Return a model whose nodes make y (b, 10) from x (b, size)."""
    from onnx import helper

    value = helper.make_tensor_value_info
    graph = helper.make_graph(nodes, "graph", [value("x", 1, ["b", size])], [value("y", 1, ["b", 10])], initializers)
    return bytes(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString()
    )


def onnx_nodes(*nodes: tuple[Any, ...], constants: Mapping[str, Any] | None = None, size: int = 784) -> Make:
    """Return a model of nodes (operation, inputs, outputs, attributes)."""

    def make() -> bytes:
        from onnx import helper, numpy_helper

        made = [helper.make_node(one[0], one[1], one[2], **(one[3] if len(one) > 3 else {})) for one in nodes]
        arrays = {"w": np.zeros((784, 10), np.float32)} | dict(constants or {})
        return onnx_model(made, [numpy_helper.from_array(np.asarray(a), name) for name, a in arrays.items()], size)

    return make


def onnx_loop(rounds: int) -> Make:
    """Return a model with a loop of many rounds that no optimizer can leave out."""

    def make() -> bytes:
        from onnx import helper, numpy_helper

        value = helper.make_tensor_value_info
        body = helper.make_graph(
            [helper.make_node("MatMul", ["s", "s"], ["n"]), helper.make_node("Identity", ["c"], ["d"])],
            "body",
            [value("i", 7, []), value("c", 9, []), value("s", 1, [128, 128])],
            [value("d", 9, []), value("n", 1, [128, 128])],
        )
        constants = {"r": np.array(rounds), "z": np.zeros((128, 128), np.float32), "w": np.zeros((784, 10), np.float32)}
        nodes = [
            helper.make_node("ReduceMean", ["x"], ["m"], keepdims=0),
            helper.make_node("Add", ["z", "m"], ["s0"]),
            helper.make_node("Loop", ["r", "", "s0"], ["e"], body=body),
            helper.make_node("ReduceSum", ["e"], ["t"], keepdims=0),
            helper.make_node("MatMul", ["x", "w"], ["a"]),
            helper.make_node("Add", ["a", "t"], ["y"]),
        ]
        return onnx_model(nodes, [numpy_helper.from_array(array, name) for name, array in constants.items()])

    return make


def deep_onnx() -> bytes:
    """Return a message of a thousand graphs within one another."""
    content = b""
    for _ in range(1000):
        attribute = b"\x32" + _varint(len(content)) + content  # AttributeProto.g
        node = b"\x2a" + _varint(len(attribute)) + attribute  # NodeProto.attribute
        content = b"\x0a" + _varint(len(node)) + node  # GraphProto.node
    return b"\x08\x08\x3a" + _varint(len(content)) + content


def _varint(number: int) -> bytes:
    parts = []
    while number >= 128:
        parts.append(number & 127 | 128)
        number >>= 7
    return bytes([*parts, number])


def raw_tensor(size: int) -> bytes:
    """Return an ONNX file whose weight declares more numbers than it holds."""
    from onnx import TensorProto, helper

    weights = TensorProto(name="w", data_type=1, dims=[784, size], raw_data=bytes(16))
    return onnx_model([helper.make_node("MatMul", ["x", "w"], ["y"])], [weights])


def lite(number: int, inputs: Sequence[int], outputs: Sequence[int] = (2,), name: str = "", **fields: Any) -> Make:
    """Return a ``.tflite`` file with one operator."""
    return lambda: tflite(nodes=[tflite_node(0, inputs, outputs, **fields)], codes=[tflite_code(number, name)])


def lite_shape(shape: Sequence[int], **fields: Any) -> Make:
    """Return a ``.tflite`` file whose input has a shape."""
    return lambda: tflite([tflite_tensor(shape, **fields), tflite_tensor([10, 784], 1), tflite_tensor([1, 10])])


CRAFTED: dict[str, Make] = {
    # sizes: a few kilobytes that ask for gigabytes
    "units_1048576.keras": lambda: keras(
        sequential(image(1), dense("dense", units=1048576), dense("dense_1")), kernel(1, 1048576)
    ),
    "repeat_in_2d.keras": chain(FLAT, layer("RepeatVector", "repeat", n=10_000_000)),
    "upsampling_60000.keras": chain(layer("UpSampling2D", "up", size=[60000, 60000], interpolation="nearest")),
    "upsampling_bilinear.keras": chain(layer("UpSampling2D", "up", size=[9999, 9999], interpolation="bilinear")),
    "resizing_200000.keras": chain(layer("Resizing", "r", height=200000, width=200000, interpolation="bilinear")),
    "padding_million.keras": chain(layer("ZeroPadding2D", "pad", padding=[[0, 10**6], [0, 10**6]])),
    "padding_astronomic.keras": chain(layer("ZeroPadding2D", "pad", padding=[[0, 10**300], [0, 1]])),
    "reshape_to_nothing.keras": chain(layer("Reshape", "r", target_shape=[0, -1])),
    "input_1e9.keras": chain(FLAT, first=image(10**9)),
    "input_negative.keras": chain(FLAT, first=image(-28, -28, 1)),
    "input_of_text.keras": chain(FLAT, first=image() | {"config": {"name": "image", "batch_shape": [None, "a", "b"]}}),
    "conv_transpose_stride.keras": lambda: keras(
        sequential(
            image(), layer("Conv2DTranspose", "c", filters=1, kernel_size=[9, 9], strides=[5000, 5000], use_bias=False)
        ),
        kernel(9, 9, 1, 1, layer="conv2d_transpose"),
    ),
    "depth_multiplier.keras": lambda: keras(
        sequential(image(), layer("DepthwiseConv2D", "d", kernel_size=[1, 1], depth_multiplier=10**9, use_bias=False))
    ),
    "filters_huge.keras": chain(layer("Conv2D", "c", filters=10**12, kernel_size=[3, 3])),
    "kernel_huge.keras": chain(layer("Conv2D", "c", filters=1, kernel_size=[10**9, 10**9], padding="same")),
    "strides_zero.keras": chain(layer("Conv2D", "c", filters=1, kernel_size=[3, 3], strides=[0, 0])),
    "pool_zero.keras": chain(layer("MaxPooling2D", "p", pool_size=[0, 0], strides=[0, 0])),
    "unwritten_weights.h5": unwritten,
    "groups_in_a_circle.h5": cycle,
    "nested_calls.keras": lambda: nested(12),
    "deflate_bomb_weights.keras": bomb("model.weights.h5"),
    "deflate_bomb_config.keras": bomb("config.json"),
    "deep_config.keras": lambda: deep_json(100_000),
    "long_config.keras": lambda: zipped(
        keras_members(PLAIN, WEIGHTS) | {"config.json": b'{"a":' + b" " * 40_000_000 + b"1}"}
    ),
    # programs and readers
    "lambda.keras": chain(LAMBDA, FLAT),
    "lambda_in_wrapper.keras": chain(layer("TimeDistributed", "t", layer=LAMBDA), FLAT),
    "tfsm_layer.keras": chain(layer("TFSMLayer", "t", filepath="here", call_endpoint="serve"), FLAT),
    "string_lookup.keras": chain(layer("StringLookup", "words", vocabulary="secret"), FLAT),
    "text_vectorization.keras": chain(layer("TextVectorization", "words", vocabulary="secret"), FLAT),
    "module_os.keras": chain(layer("Dense", "d") | {"module": "os", "class_name": "system"}, FLAT),
    "registered.keras": chain(layer("Dense", "d") | {"registered_name": "evil>Dense"}, FLAT),
    "activation_function.keras": chain(
        FLAT, layer("Activation", "a", activation={"module": "os", "class_name": "function", "config": "system"})
    ),
    "initializer_module.keras": chain(
        FLAT,
        layer("Dense", "d", units=9, kernel_initializer={"module": "subprocess", "class_name": "Popen", "config": {}}),
    ),
    "pickled_beside.keras": pickled,
    # files within files, and links
    "zip_then_h5.keras": lambda: keras(PLAIN) + h5(),
    "h5_then_zip.keras": lambda: h5() + keras(PLAIN),
    "zip_comment.keras": lambda: keras(PLAIN)[:-2] + b"\x08\0" + bytes(8),
    "zip_twice.keras": lambda: keras(PLAIN) * 2,
    "external_link.h5": linked("external link"),
    "soft_link.h5": linked("soft link"),
    "external_data.h5": linked("external data"),
    "virtual.h5": linked("virtual"),
    "config_of_escapes.h5": lambda: h5('{"class_name": "\x1b]0;owned\x07\x1b[2J", "config": {}}'),
    "member_up.keras": lambda: zipped(keras_members(PLAIN, WEIGHTS) | {"../../owned": b"x"}),
    "weights_elsewhere.keras": lambda: zipped(
        keras_members(PLAIN, WEIGHTS) | {"model.weights.h5": hdf5({"other/a": np.zeros(3)})}
    ),
    # strange values
    "scale_ragged.keras": chain(layer("Rescaling", "s", scale=[[1], [1, 2]]), FLAT),
    "scale_nan.keras": chain(layer("Rescaling", "s", scale=float("nan")), FLAT),
    "axis_huge.keras": chain(FLAT, layer("Softmax", "s", axis=10**30)),
    "name_of_a_megabyte.keras": chain(FLAT, layer("UnitNormalization", "n" * 1_000_000, axis=-1)),
    "name_escapes.keras": chain(layer("Mystery", "\x1b]0;owned\x07\x1b[2J\u202e"), FLAT),
    "no_layers.keras": lambda: keras(sequential()),
    "config_null.keras": lambda: zipped(keras_members(PLAIN, WEIGHTS) | {"config.json": b"null"}),
    "same_names.keras": chain(FLAT, dense("same"), dense("same")),
    "loop_of_layers.keras": lambda: keras(
        functional(image(), layer("ReLU", "a", ["b"]), layer("ReLU", "b", ["a"]), output="b")
    ),
    # ONNX
    "external_initializer.onnx": external_onnx("initializer"),
    "external_attribute.onnx": external_onnx("attribute"),
    "external_tensors.onnx": external_onnx("tensors"),
    "external_branch.onnx": external_onnx("branch"),
    "ort_format.onnx": lambda: b"\x08\x08\x12\x05ORTM!" + external_onnx("initializer")(),
    "expand_8_gb.onnx": onnx_nodes(
        ("ReduceSum", ["x"], ["r"], {"keepdims": 1}),
        ("Expand", ["r", "s"], ["e"]),
        ("ReduceSum", ["e"], ["t"], {"keepdims": 0}),
        ("MatMul", ["x", "w"], ["a"]),
        ("Add", ["a", "t"], ["y"]),
        constants={"s": np.array([1, 2 * 10**9])},
    ),
    "constant_of_shape.onnx": onnx_nodes(
        ("ConstantOfShape", ["s"], ["e"]),
        ("ReduceSum", ["e"], ["t"], {"keepdims": 0}),
        ("MatMul", ["x", "w"], ["a"]),
        ("Add", ["a", "t"], ["y"]),
        constants={"s": np.array([3 * 10**9])},
    ),
    "tile_huge.onnx": onnx_nodes(
        ("Tile", ["x", "s"], ["e"]),
        ("ReduceSum", ["e"], ["t"], {"keepdims": 0}),
        ("MatMul", ["x", "w"], ["a"]),
        ("Add", ["a", "t"], ["y"]),
        constants={"s": np.array([1, 10**7])},
    ),
    "loop_endless.onnx": onnx_loop(2**63 - 1),
    "loop_a_billion.onnx": onnx_loop(10**9),
    "range_endless.onnx": onnx_nodes(
        ("Range", ["0", "1", "2"], ["e"]),
        ("ReduceSum", ["e"], ["t"], {"keepdims": 0}),
        ("MatMul", ["x", "w"], ["a"]),
        ("Add", ["a", "t"], ["y"]),
        constants={"0": np.float32(0), "1": np.float32(1e30), "2": np.float32(1)},
    ),
    "custom_domain.onnx": onnx_nodes(("Own", ["x"], ["y"], {"domain": "evil\x1b[2J"})),
    "unknown_field.onnx": lambda: onnx_nodes(("MatMul", ["x", "w"], ["y"]))() + b"\xfa\x3e\x02\x08\x01",
    "deep_graphs.onnx": deep_onnx,
    "short_weight.onnx": lambda: raw_tensor(10),
    "weight_of_a_terabyte.onnx": lambda: raw_tensor(10**9),
    "input_10_million.onnx": onnx_nodes(("MatMul", ["x", "w"], ["y"]), size=10**9),
    "name_escapes.onnx": onnx_nodes(("Relu\x1b[2J", ["x"], ["y"], {"name": "\x1b]0;owned\x07"})),
    # TensorFlow Lite
    "flex.tflite": lite(32, [0, 1], name="FlexWriteFile"),
    "custom.tflite": lite(32, [0, 1], name="\x1b[2Jown"),
    "missing_operand.tflite": lite(9, [0]),
    "operand_beyond.tflite": lite(9, [0, 99, -1]),
    "operand_negative.tflite": lite(9, [0, -7, -1]),
    "output_beyond.tflite": lite(9, [0, 1, -1], [77]),
    "output_is_weight.tflite": lite(9, [0, 1, -1], [1]),
    "output_of_itself.tflite": lite(9, [2, 1, -1]),
    "code_beyond.tflite": lambda: tflite(nodes=[tflite_node(5, [0, 1, -1], [2])]),
    "no_nodes.tflite": lambda: tflite(nodes=[]),
    "no_input.tflite": lambda: tflite(ends=((), (2,))),
    "input_beyond.tflite": lambda: tflite(ends=((9,), (2,))),
    "conv_of_vectors.tflite": lite(3, [0, 1, -1]),
    "pool_stride_zero.tflite": lite(17, [0], more={3: ("B", 5), 4: Table({1: ("i", 0), 2: ("i", 0)})}),
    "buffer_beyond.tflite": lite_shape([1, 784], buffer=40),
    "shape_negative.tflite": lite_shape([1, -784]),
    "shape_huge.tflite": lite_shape([1, 2**31 - 1, 4]),
    "rank_40.tflite": lite_shape([1] * 40),
    "type_unknown.tflite": lite_shape([1, 784], kind=99),
    "quantized_axis.tflite": lite_shape(
        [1, 784], more={4: Table({2: ("f", [1.0, 2.0]), 3: ("q", [0, 0]), 6: ("i", 7)})}
    ),
    "variable.tflite": lite_shape([1, 784], more={5: ("?", True)}),
    "short_buffer.tflite": lambda: tflite(buffers=[Table(), Table({0: bytes(16)})]),
    "two_graphs.tflite": lambda: tflite(more={2: [Table(), Table()]}),
    "offset_beyond.tflite": lambda: struct.pack("<I", 2**31) + b"TFL3" + bytes(64),
    "while.tflite": lite(119, [0, 1]),
    "call_once.tflite": lite(129, [0, 1]),
    "read_variable.tflite": lite(143, [0, 1]),
    # no models
    "empty.keras": lambda: b"",
    "zeros.onnx": lambda: bytes(4096),
    "half.h5": lambda: h5()[: len(h5()) // 2],
    "web_page.keras": lambda: b"<!DOCTYPE html><title>404\x1b[2J</title>",
}
"""What makes each file."""
