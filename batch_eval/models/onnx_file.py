"""Inspect an ``.onnx`` file before it is run, without the onnx package.

Two things matter. Does any tensor refer to another file? ONNX Runtime would read it. And which operation produces
each output? This tells a softmax from logits.

An ONNX file is one protocol buffer, a sequence of fields. Each has a tag (field number and wire type) and a content.
``_SCHEMA`` lists every field of every message. What it does not list is refused rather than skipped: it could hold a
tensor.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_MAX_DEPTH = 64
"""Levels of nested messages: the branches of If and Loop hold graphs."""
_MAX_FIELDS = 2_000_000
"""Fields in all messages. A large network has 20,000; each takes a few microseconds to read."""

_INT, _INTS, _TEXT, _FLOAT, _FLOATS, _DOUBLES = "int", "ints", "text", "float", "floats", "doubles"
# what a field may hold -> its wire types; repeated numbers may be packed into one field of bytes
_WIRES = {
    _INT: (_VARINT,),
    _INTS: (_VARINT, _BYTES),
    _TEXT: (_BYTES,),
    _FLOAT: (_FIXED32,),
    _FLOATS: (_FIXED32, _BYTES),
    _DOUBLES: (_FIXED64, _BYTES),
}
# the fields of each message as number:content, where the content may be another message:
# https://github.com/onnx/onnx/blob/main/onnx/onnx.proto of ONNX 1.23
_MESSAGES = {
    "model": "1:int 2:text 3:text 4:text 5:int 6:text 7:graph 8:opset 14:entry 20:training 25:function 26:device",
    "opset": "1:text 2:int",
    "graph": "1:node 2:text 5:tensor 10:text 11:value 12:value 13:value 14:annotation 15:sparse 16:entry",
    "node": "1:text 2:text 3:text 4:text 5:attribute 6:text 7:text 8:text 9:entry 10:node-device",
    "attribute": "1:text 2:float 3:int 4:text 5:tensor 6:graph 7:floats 8:ints 9:text "
    "10:tensor 11:graph 13:text 14:type 15:type 20:int 21:text 22:sparse 23:sparse",
    "tensor": "1:ints 2:int 3:segment 4:floats 5:ints 6:text 7:ints "
    "8:text 9:text 10:doubles 11:ints 12:text 13:entry 14:int 16:entry",
    "segment": "1:int 2:int",
    "entry": "1:text 2:text",
    "sparse": "1:tensor 2:tensor 3:ints",
    "type": "1:tensor-type 4:sequence 5:map 6:text 7:opaque 8:tensor-type 9:sequence",
    "tensor-type": "1:int 2:shape",
    "shape": "1:dimension",
    "dimension": "1:int 2:text 3:text",
    "sequence": "1:type",
    "map": "1:int 2:type",
    "opaque": "1:text 2:text",
    "value": "1:text 2:type 3:text 4:entry",
    "annotation": "1:text 2:entry",
    "training": "1:graph 2:graph 3:entry 4:entry",
    "function": "1:text 4:text 5:text 6:text 7:node 8:text 9:opset 10:text 11:attribute 12:value 13:text 14:entry",
    "device": "1:text 2:int 3:text",
    "node-device": "1:text 2:sharding 3:int",
    "sharding": "1:text 2:ints 3:integers 4:sharded",
    "integers": "1:int 2:ints",
    "sharded": "1:int 2:shard",
    "shard": "1:int 2:text 3:int",
}
_SCHEMA = {
    message: {int(number): content for number, _, content in (field.partition(":") for field in fields.split())}
    for message, fields in _MESSAGES.items()
}
_EXTERNAL_DATA, _DATA_LOCATION = 13, 14
_WEIGHT_TYPES = (1, 2, 3, 10, 11, 16)
"""TensorProto.DataType of weights: floats of any width, and 8-bit integers of quantized models."""
_MAX_DIMS = 8
"""Dimensions of a tensor that are counted. A file could claim millions, whose product would take hours."""
_MAX_DIMS_BYTES = 10 * _MAX_DIMS
_ORT_FORMAT = b"ORTM"
"""What bytes 4 to 7 of ONNX Runtime's own format are: its reader takes such a file for that, and nothing else."""


@dataclass(frozen=True)
class OnnxStructure:
    """What matters about an ONNX file."""

    external_data: bool
    """Whether any tensor is stored in another file."""
    producers: dict[str, str]
    """Name of a value -> the operation (``op_type``) that produces it."""
    outputs: tuple[str, ...]
    """Names of the graph's outputs."""
    weights: int
    """Number of weights in the graph's initializers."""


def read_structure(data: bytes) -> OnnxStructure:
    """Return the structure of an ONNX file.

    Raises:
        ValueError: The bytes are not an ONNX model, or hold a part that is unknown.

    """
    if data[4:8] == _ORT_FORMAT:
        raise ValueError("it claims to be in ONNX Runtime's own format")
    reader = MessageReader()
    model = list(reader.fields(memoryview(data), "model"))
    # a ModelProto has one graph (field 7) and an ir_version (field 1)
    graphs = [content for number, content in model if number == 7 and isinstance(content, memoryview)]
    if len(graphs) != 1 or not any(number == 1 for number, _ in model):
        raise ValueError("no graph was found")
    graph = list(reader.fields(graphs[0], "graph"))
    nodes = [_texts(reader, content, "node") for number, content in graph if number == 1]
    return OnnxStructure(
        reader.is_external(memoryview(data), "model", 0),
        {output: op_type for node in nodes for op_type in node.get(4, ())[:1] for output in node.get(2, ())},
        tuple(
            name for number, content in graph if number == 12 for name in _texts(reader, content, "value").get(1, ())
        ),
        sum(_weights(reader, content) for number, content in graph if number == 5),
    )


def _weights(reader: MessageReader, tensor: int | memoryview) -> int:
    """Return the number of elements of a TensorProto; 0 for shapes and other integers."""
    sizes: list[int] = []
    kind = 0
    for number, content in reader.fields(tensor, "tensor") if isinstance(tensor, memoryview) else ():
        if number == 1:  # dims: one field each, or packed into one
            sizes += [content] if isinstance(content, int) else _varints(content[:_MAX_DIMS_BYTES])
        elif number == 2 and isinstance(content, int):
            kind = content
    return prod(sizes[:_MAX_DIMS]) if kind in _WEIGHT_TYPES else 0


def _varints(packed: memoryview) -> list[int]:
    """Return the varints of a packed field."""
    found, position = [], 0
    while position < len(packed):
        value, position = _varint(packed, position)
        found.append(value)
    return found


def _texts(reader: MessageReader, message: int | memoryview, kind: str) -> dict[int, list[str]]:
    """Return the texts of a message by field number."""
    found: dict[int, list[str]] = {}
    for number, content in reader.fields(message, kind) if isinstance(message, memoryview) else ():
        if _SCHEMA[kind][number] == _TEXT and isinstance(content, memoryview):
            found.setdefault(number, []).append(str(content, "utf-8"))
    return found


class MessageReader:
    """Reads messages by the schema, and counts their fields."""

    def __init__(self) -> None:
        self._count = 0

    def is_external(self, message: memoryview, kind: str, depth: int) -> bool:
        """Return whether a message holds a tensor that is stored in another file, after reading all of it."""
        if depth > _MAX_DEPTH:
            raise ValueError("the graph is nested too deeply")
        found = False
        for number, content in self.fields(message, kind):
            inside = _SCHEMA[kind][number]
            if kind == "tensor" and (number == _EXTERNAL_DATA or (number == _DATA_LOCATION and content != 0)):
                found = True
            if inside in _SCHEMA and isinstance(content, memoryview):
                found |= self.is_external(content, inside, depth + 1)
        return found

    def fields(self, message: memoryview, kind: str) -> Iterator[tuple[int, int | memoryview]]:
        """Yield (number, content) of each field: an integer, or the bytes of anything else."""
        # https://protobuf.dev/programming-guides/encoding/
        position, end, known = 0, len(message), _SCHEMA[kind]
        while position < end:
            self._count += 1
            if self._count > _MAX_FIELDS:
                raise ValueError("it has too many parts")
            # the lower three bits of a tag are the wire type: how long the content is
            tag, position = _varint(message, position)
            number, wire = tag >> 3, tag & 7
            if number not in known or wire not in _WIRES.get(known[number], (_BYTES,)):
                raise ValueError(f"the unknown field {number} (type {wire}) of a {kind}")
            if wire == _VARINT:
                value, position = _varint(message, position)
                yield number, value
                continue
            size = {_FIXED64: 8, _FIXED32: 4}.get(wire, 0)
            if wire == _BYTES:
                size, position = _varint(message, position)
            if position + size > end:
                raise ValueError("the file is cut off")
            yield number, message[position : position + size]
            position += size


def _varint(message: memoryview, position: int) -> tuple[int, int]:
    """Return the varint at a position, and the position after it."""
    # seven bits a byte, lowest first; the eighth says that more follow; 64 bits take ten bytes at most
    number = 0
    for shift in range(0, 70, 7):
        if position >= len(message):
            raise ValueError("the file is cut off")
        byte = message[position]
        position += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, position
    raise ValueError("a number is longer than 64 bits")
