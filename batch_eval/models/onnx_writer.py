"""Write an ONNX model as bytes, without the onnx package (whose import alone takes longer than opening a model).

The field numbers are those of https://github.com/onnx/onnx/blob/main/onnx/onnx.proto, the encoding is
https://protobuf.dev/programming-guides/encoding/.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

IR_VERSION = 8
OPSET = 17  # the first with LayerNormalization; every onnxruntime that we accept runs it

Attribute = int | float | str | Sequence[int] | Sequence[float]
Dimension = int | str
Piece = bytes | memoryview

_VARINT, _BYTES, _FIXED32 = 0, 2, 5
_TENSOR_TYPES = {"float32": 1, "uint8": 2, "int32": 6, "int64": 7, "bool": 9, "float64": 11}
_FLOAT, _INT, _STRING, _FLOATS, _INTS = 1, 2, 3, 6, 7


@dataclass(frozen=True)
class Node:
    """One operation: ``inputs`` and ``outputs`` are names; an empty input name means that it is left out."""

    op_type: str
    inputs: Sequence[str]
    outputs: Sequence[str]
    attributes: Mapping[str, Attribute] = field(default_factory=dict)


@dataclass(frozen=True)
class Value:
    """A graph input or output; a dimension is a number or a name such as ``batch``."""

    name: str
    shape: Sequence[Dimension]
    dtype: str = "float32"


def encode_model(
    nodes: Iterable[Node],
    constants: Mapping[str, NDArray[np.generic]],
    inputs: Iterable[Value],
    outputs: Iterable[Value],
) -> bytes:
    """Return a serialized ``ModelProto``; the nodes must be in an order in which inputs exist before their use."""
    graph = [
        *(_message(1, _node(node)) for node in nodes),
        _text(2, "batch_eval"),
        *(piece for name, array in constants.items() for piece in _around(5, _tensor(name, array))),
        *(_message(11, _value(value)) for value in inputs),
        *(_message(12, _value(value)) for value in outputs),
    ]
    opset = _text(1, "") + _number(2, OPSET)
    return b"".join([_number(1, IR_VERSION), _text(2, "batch_eval"), *_around(7, graph), _message(8, opset)])


def _varint(number: int) -> bytes:
    number &= (1 << 64) - 1  # negative numbers are written as their 64-bit two's complement
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _number(tag: int, number: int) -> bytes:
    return _varint(tag << 3 | _VARINT) + _varint(number)


def _around(tag: int, pieces: Sequence[Piece]) -> list[Piece]:
    """Return a message whose content comes in pieces, which are copied only once, when all is joined."""
    return [_varint(tag << 3 | _BYTES) + _varint(sum(map(len, pieces))), *pieces]


def _message(tag: int, content: bytes) -> bytes:
    return b"".join(_around(tag, [content]))


def _text(tag: int, text: str) -> bytes:
    return _message(tag, text.encode())


def _float(tag: int, number: float) -> bytes:
    return _varint(tag << 3 | _FIXED32) + struct.pack("<f", number)


def _node(node: Node) -> bytes:
    return b"".join(
        [
            *(_text(1, name) for name in node.inputs),
            *(_text(2, name) for name in node.outputs),
            _text(4, node.op_type),
            *(_message(5, _attribute(name, value)) for name, value in node.attributes.items()),
        ]
    )


def _attribute(name: str, value: Attribute) -> bytes:
    if isinstance(value, str):
        content, kind = _text(4, value), _STRING
    elif isinstance(value, float):
        content, kind = _float(2, value), _FLOAT
    elif isinstance(value, int):
        content, kind = _number(3, value), _INT
    elif value and isinstance(value[0], float):
        content, kind = b"".join(_float(7, number) for number in value), _FLOATS
    else:
        content, kind = b"".join(_number(8, int(number)) for number in value), _INTS
    return _text(1, name) + content + _number(20, kind)


def _tensor(name: str, array: NDArray[np.generic]) -> list[Piece]:
    dims = b"".join(_number(1, size) for size in array.shape)
    little_endian = np.asarray(array, dtype=array.dtype.newbyteorder("<"), order="C")
    numbers = little_endian.reshape(-1).view(np.uint8).data
    return [dims, _number(2, _TENSOR_TYPES[array.dtype.name]), _text(8, name), *_around(9, [numbers])]


def _value(value: Value) -> bytes:
    dimensions = b"".join(_message(1, _dimension(size)) for size in value.shape)
    tensor_type = _number(1, _TENSOR_TYPES[value.dtype]) + _message(2, dimensions)
    return _text(1, value.name) + _message(2, _message(1, tensor_type))


def _dimension(size: Dimension) -> bytes:
    return _text(2, size) if isinstance(size, str) else _number(1, size)
