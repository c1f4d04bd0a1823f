"""Inspect an ``.onnx`` file before it is run, without the onnx package.

Two things matter. Does any tensor refer to another file? ONNX Runtime would read it. And which operation produces
each output? This tells a softmax from logits.

An ONNX file is one protocol buffer, a sequence of fields. Each has a tag (field number and wire type) and a content.
Only the fields needed are read. All others are skipped by their length.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_MAX_DEPTH = 64
"""Levels of nested messages: the branches of If and Loop hold graphs."""

# The field numbers are those of https://github.com/onnx/onnx/blob/main/onnx/onnx.proto.
# (message, field number) -> the message in that field, for every field that may hold a tensor somewhere inside
_INSIDE = {
    ("model", 7): "graph",
    ("model", 25): "function",
    ("function", 7): "node",
    ("graph", 1): "node",
    ("graph", 5): "tensor",
    ("graph", 15): "sparse",
    ("node", 5): "attribute",
    ("attribute", 5): "tensor",
    ("attribute", 6): "graph",
    ("attribute", 10): "tensor",
    ("attribute", 11): "graph",
    ("attribute", 22): "sparse",
    ("attribute", 23): "sparse",
    ("sparse", 1): "tensor",
    ("sparse", 2): "tensor",
}
_EXTERNAL_DATA, _DATA_LOCATION = 13, 14


@dataclass(frozen=True)
class OnnxStructure:
    """What matters about an ONNX file."""

    external_data: bool
    """Whether any tensor is stored in another file."""
    producers: dict[str, str]
    """Name of a value -> the operation (``op_type``) that produces it."""


def read_structure(data: bytes) -> OnnxStructure:
    """Return the structure of an ONNX file.

    Raises:
        ValueError: The bytes are not an ONNX model.

    """
    view = memoryview(data)
    # a ModelProto has one graph (field 7) and an ir_version (field 1)
    fields = list(_fields(view))
    graphs = [content for number, content in fields if number == 7 and isinstance(content, memoryview)]
    if len(graphs) != 1 or not any(number == 1 and isinstance(content, int) for number, content in fields):
        raise ValueError("no graph was found")
    nodes = [content for number, content in _fields(graphs[0]) if number == 1 and isinstance(content, memoryview)]
    producers = {output: op_type for node in nodes for op_type, outputs in [_node(node)] for output in outputs}
    return OnnxStructure(_is_external(view, "model", 0), producers)


def _node(node: memoryview) -> tuple[str, list[str]]:
    """Return the ``op_type`` (field 4) and the outputs (field 2) of a NodeProto."""
    texts = [
        (number, str(content, "utf-8"))
        for number, content in _fields(node)
        if isinstance(content, memoryview) and number in (2, 4)
    ]
    return next((text for number, text in texts if number == 4), ""), [text for number, text in texts if number == 2]


def _is_external(message: memoryview, kind: str, depth: int) -> bool:
    """Return whether a message holds a tensor that is stored in another file."""
    if depth > _MAX_DEPTH:
        raise ValueError("the graph is nested too deeply")
    for number, content in _fields(message):
        if kind == "tensor" and (number == _EXTERNAL_DATA or (number == _DATA_LOCATION and content != 0)):
            return True
        inside = _INSIDE.get((kind, number))
        if inside and isinstance(content, memoryview) and _is_external(content, inside, depth + 1):
            return True
    return False


def _fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Yield (number, content) of each field: an integer, or the bytes of anything else."""
    # https://protobuf.dev/programming-guides/encoding/
    position, end = 0, len(message)
    while position < end:
        # the lower three bits of a tag are the wire type: how long the content is
        tag, position = _varint(message, position)
        number, wire = tag >> 3, tag & 7
        if wire == _VARINT:
            value, position = _varint(message, position)
            yield number, value
            continue
        size = {_FIXED64: 8, _FIXED32: 4}.get(wire, 0)
        if wire == _BYTES:
            size, position = _varint(message, position)
        elif not size:  # groups, which ONNX does not use, and types that do not exist
            raise ValueError(f"wire type {wire}")
        if number == 0 or position + size > end:
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
