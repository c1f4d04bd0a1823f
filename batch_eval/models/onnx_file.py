"""Look into an ``.onnx`` file before it is run: does it refer to other files, and what do its outputs come from?

Only the few fields needed are read, with the wire format of protocol buffers:
https://protobuf.dev/programming-guides/encoding/ and https://github.com/onnx/onnx/blob/main/onnx/onnx.proto.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_DEEPEST = 64  # graphs inside the branches of If and Loop

# (message, field number) -> the message that the field holds; every other field is passed over
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
    """What matters of an ONNX file: whether weights lie in other files, and each output's operation by name."""

    external_data: bool
    producers: dict[str, str]


def read_structure(data: bytes) -> OnnxStructure:
    """Read an ONNX file's structure.

    Raises:
        ValueError: The bytes are no ONNX model.

    """
    view = memoryview(data)
    fields = list(_fields(view))
    graphs = [content for number, content in fields if number == 7 and isinstance(content, memoryview)]
    if len(graphs) != 1 or not any(number == 1 and isinstance(content, int) for number, content in fields):
        raise ValueError("no graph was found")
    nodes = [content for number, content in _fields(graphs[0]) if number == 1 and isinstance(content, memoryview)]
    producers = {output: op_type for node in nodes for op_type, outputs in [_node(node)] for output in outputs}
    return OnnxStructure(_is_external(view, "model", 0), producers)


def _node(node: memoryview) -> tuple[str, list[str]]:
    texts = [
        (number, str(content, "utf-8"))
        for number, content in _fields(node)
        if isinstance(content, memoryview) and number in (2, 4)
    ]
    return next((text for number, text in texts if number == 4), ""), [text for number, text in texts if number == 2]


def _is_external(message: memoryview, kind: str, depth: int) -> bool:
    """Whether any tensor inside keeps its numbers in another file."""
    if depth > _DEEPEST:
        raise ValueError("the graph is nested too deeply")
    for number, content in _fields(message):
        if kind == "tensor" and (number == _EXTERNAL_DATA or (number == _DATA_LOCATION and content != 0)):
            return True
        inside = _INSIDE.get((kind, number))
        if inside and isinstance(content, memoryview) and _is_external(content, inside, depth + 1):
            return True
    return False


def _fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Yield (number, content) of each field; the content is a number or the bytes of a text or message."""
    position, end = 0, len(message)
    while position < end:
        tag, position = _varint(message, position)
        number, wire = tag >> 3, tag & 7
        if wire == _VARINT:
            value, position = _varint(message, position)
            yield number, value
            continue
        size = {_FIXED64: 8, _FIXED32: 4}.get(wire, 0)
        if wire == _BYTES:
            size, position = _varint(message, position)
        elif not size:
            raise ValueError(f"wire type {wire}")
        if number == 0 or position + size > end:
            raise ValueError("the file is cut off")
        yield number, message[position : position + size]
        position += size


def _varint(message: memoryview, position: int) -> tuple[int, int]:
    number = 0
    for shift in range(0, 70, 7):
        if position >= len(message):
            raise ValueError("the file is cut off")
        byte = message[position]
        position += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, position
    raise ValueError("a number that does not end")
