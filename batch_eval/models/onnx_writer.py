"""Serialize an ONNX model without the onnx package, whose import takes longer than opening a model.

An ONNX model is one protocol buffer: nested messages of fields. Each field has a tag and a content.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

IR_VERSION = 8
"""Version of the file format: that of ONNX 1.12, the first release with opset 17."""
OPSET = 17
"""Version of the operator set: the first with LayerNormalization. Every supported onnxruntime runs it."""

Attribute = int | float | str | Sequence[int] | Sequence[float]
Dimension = int | str
Piece = bytes | memoryview
"""A part of a serialized message. Weights stay memoryviews: they are copied once."""

_VARINT, _BYTES, _FIXED32 = 0, 2, 5  # wire types
_TENSOR_TYPES = {"float32": 1, "uint8": 2, "int32": 6, "int64": 7, "bool": 9, "float64": 11}  # TensorProto.DataType
_FLOAT, _INT, _STRING, _FLOATS, _INTS = 1, 2, 3, 6, 7  # AttributeProto.AttributeType


@dataclass(frozen=True)
class Node:
    """One operation, with the names of its inputs and outputs. An empty name leaves out an optional input."""

    op_type: str
    inputs: Sequence[str]
    outputs: Sequence[str]
    attributes: Mapping[str, Attribute] = field(default_factory=dict)


@dataclass(frozen=True)
class Value:
    """An input or output of the graph. A dimension is a number, or a name such as ``batch`` if it is open."""

    name: str
    shape: Sequence[Dimension]
    dtype: str = "float32"


def encode_model(
    nodes: Iterable[Node],
    constants: Mapping[str, NDArray[np.generic]],
    inputs: Iterable[Value],
    outputs: Iterable[Value],
) -> bytes:
    """Return a serialized ``ModelProto``.

    Args:
        nodes: The operations, each after those that produce its inputs.
        constants: The weights by name.
        inputs: The inputs of the graph.
        outputs: The outputs of the graph.

    """
    # The field numbers here and below are those of https://github.com/onnx/onnx/blob/main/onnx/onnx.proto.
    graph = [
        *(_message_field(1, _node(node)) for node in nodes),
        _text_field(2, "batch_eval"),
        *(piece for name, array in constants.items() for piece in bytes_field(5, _tensor(name, array))),
        *(_message_field(11, _value(value)) for value in inputs),
        *(_message_field(12, _value(value)) for value in outputs),
    ]
    opset = _text_field(1, "") + varint_field(2, OPSET)
    return b"".join(
        [varint_field(1, IR_VERSION), _text_field(2, "batch_eval"), *bytes_field(7, graph), _message_field(8, opset)]
    )


def _varint(number: int) -> bytes:
    """Return an integer as a varint (https://protobuf.dev/programming-guides/encoding/)."""
    # seven bits a byte, lowest first; the eighth bit says that more follow
    number &= (1 << 64) - 1  # negative integers are written in 64-bit two's complement
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def varint_field(field_number: int, number: int) -> bytes:
    """Return a field of an integer."""
    return _varint(field_number << 3 | _VARINT) + _varint(number)


def bytes_field(field_number: int, pieces: Sequence[Piece]) -> list[Piece]:
    """Return a field of bytes with a length prefix. The pieces are copied once, when all are joined."""
    return [_varint(field_number << 3 | _BYTES) + _varint(sum(map(len, pieces))), *pieces]


def _message_field(field_number: int, content: bytes) -> bytes:
    return b"".join(bytes_field(field_number, [content]))


def _text_field(field_number: int, text: str) -> bytes:
    return _message_field(field_number, text.encode())


def _float_field(field_number: int, number: float) -> bytes:
    return _varint(field_number << 3 | _FIXED32) + struct.pack("<f", number)


def _node(node: Node) -> bytes:
    return b"".join(
        [
            *(_text_field(1, name) for name in node.inputs),
            *(_text_field(2, name) for name in node.outputs),
            _text_field(4, node.op_type),
            *(_message_field(5, _attribute(name, value)) for name, value in node.attributes.items()),
        ]
    )


def _attribute(name: str, value: Attribute) -> bytes:
    """Return an AttributeProto. An empty sequence is one of integers."""
    if isinstance(value, str):
        content, kind = _text_field(4, value), _STRING
    elif isinstance(value, float):
        content, kind = _float_field(2, value), _FLOAT
    elif isinstance(value, int):
        content, kind = varint_field(3, value), _INT
    elif value and isinstance(value[0], float):
        content, kind = b"".join(_float_field(7, number) for number in value), _FLOATS
    else:
        content, kind = b"".join(varint_field(8, int(number)) for number in value), _INTS
    return _text_field(1, name) + content + varint_field(20, kind)


def _tensor(name: str, array: NDArray[np.generic]) -> list[Piece]:
    """Return a TensorProto in pieces; its numbers (``raw_data``) are little-endian in every file."""
    dims = b"".join(varint_field(1, size) for size in array.shape)
    little_endian = np.asarray(array, dtype=array.dtype.newbyteorder("<"), order="C")
    numbers = little_endian.reshape(-1).view(np.uint8).data
    return [dims, varint_field(2, _TENSOR_TYPES[array.dtype.name]), _text_field(8, name), *bytes_field(9, [numbers])]


def _value(value: Value) -> bytes:
    """Return a ValueInfoProto: the name, element type and shape of an input or output."""
    dimensions = b"".join(_message_field(1, _dimension(size)) for size in value.shape)
    tensor_type = varint_field(1, _TENSOR_TYPES[value.dtype]) + _message_field(2, dimensions)
    return _text_field(1, value.name) + _message_field(2, _message_field(1, tensor_type))


def _dimension(size: Dimension) -> bytes:
    return _text_field(2, size) if isinstance(size, str) else varint_field(1, size)
