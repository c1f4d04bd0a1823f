"""Inspect a ``.tflite`` file before TensorFlow Lite's interpreter sees it.

The interpreter is made for phones. It trusts its file: indices and shapes that do not fit make it read and write
anywhere in memory. So all of them are checked here, in plain Python.

A ``.tflite`` file is a FlatBuffer (https://flatbuffers.dev/internals/) of the schema that ``tflite_operators.py``
names. A table holds fields by number; where a field is, or whether it is there, its vtable tells.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isfinite, prod
from typing import Any

from batch_eval.errors import ModelError
from batch_eval.models.budget import Budget
from batch_eval.models.model_file import ModelFile
from batch_eval.models.tflite_operators import OPERATORS, Operator

IDENTIFIER = b"TFL3"
"""Bytes 4 to 7 of a file."""
_CUSTOM = 32
_EDGE_TPU = "edgetpu-custom-op"
"""What edgetpu_compiler makes of all operators that the device runs."""
_ACTIVATIONS = {"SOFTMAX": "softmax", "LOGISTIC": "sigmoid", "LOG_SOFTMAX": "log_softmax"}
_PASSING = ("QUANTIZE", "DEQUANTIZE", "RESHAPE", "SQUEEZE", "CAST")
_MAX_ITEMS = 200_000
"""Tables, tensors and operators in a file at most."""
_MAX_RANK = 6
# number of a type in the schema -> bytes of one number; TensorFlow Lite's converter makes no others for networks
_SIZES = {0: 4, 1: 2, 2: 4, 3: 1, 4: 8, 6: 1, 7: 2, 9: 1}


class _FlatBuffer:
    """The bytes of the file, read within their bounds."""

    def __init__(self, data: bytes) -> None:
        self._data = memoryview(data)
        self._items = 0

    def root(self) -> _Table:
        """Return the outermost table."""
        return _Table(self, self.number("<I", 0))

    def number(self, layout: str, position: int) -> Any:
        """Return a number at a position."""
        if not 0 <= position <= len(self._data) - struct.calcsize(layout):
            raise ValueError("an offset is beyond its end")
        return struct.unpack_from(layout, self._data, position)[0]

    def vector(self, layout: str, position: int) -> tuple[Any, ...]:
        """Return the numbers of a vector, which begins with their count."""
        count = self.number("<I", position)
        size = count * struct.calcsize(f"<{layout}")
        if size > len(self._data) - position - 4:
            raise ValueError("a list is cut off")
        if layout != "B":
            self.count(count)
            return struct.unpack_from(f"<{count}{layout}", self._data, position + 4)
        return (self._data[position + 4 : position + 4 + count],)

    def count(self, items: int) -> None:
        """Count what was read: lists may overlap, so that a small file holds much."""
        self._items += items
        if self._items > _MAX_ITEMS:
            raise ValueError("it has too many parts")


@dataclass(frozen=True)
class _Table:
    """A table; a field that is missing has its default."""

    buffer: _FlatBuffer
    position: int

    def _field(self, number: int) -> int | None:
        """Return the position of a field."""
        vtable = self.position - self.buffer.number("<i", self.position)
        if 4 + 2 * number >= self.buffer.number("<H", vtable):
            return None
        offset = self.buffer.number("<H", vtable + 4 + 2 * number)
        return self.position + offset if offset else None

    def number(self, number: int, layout: str = "<i", default: Any = 0) -> Any:
        """Return a number."""
        position = self._field(number)
        return default if position is None else self.buffer.number(layout, position)

    def _target(self, number: int) -> int | None:
        position = self._field(number)
        return None if position is None else position + self.buffer.number("<I", position)

    def numbers(self, number: int, layout: str = "i") -> tuple[Any, ...]:
        """Return a list of numbers."""
        target = self._target(number)
        return () if target is None else self.buffer.vector(layout, target)

    def content(self, number: int) -> memoryview:
        """Return a list of bytes, or a text."""
        target = self._target(number)
        found: memoryview = memoryview(b"") if target is None else self.buffer.vector("B", target)[0]
        return found

    def has(self, number: int) -> bool:
        """Return whether a field is there."""
        return self._field(number) is not None

    def table(self, number: int) -> _Table | None:
        """Return a table."""
        target = self._target(number)
        return None if target is None else _Table(self.buffer, target)

    def tables(self, number: int) -> list[_Table]:
        """Return a list of tables."""
        target = self._target(number)
        offsets = () if target is None else self.buffer.vector("I", target)
        return [_Table(self.buffer, (target or 0) + 4 + 4 * i + offset) for i, offset in enumerate(offsets)]


@dataclass(frozen=True)
class _Tensor:
    shape: tuple[int, ...]
    constant: bool


def check_tflite(file: ModelFile) -> str:
    """Check a ``.tflite`` file, and return the name of its last activation; empty if that is unknown.

    Raises:
        ModelError: It is damaged, too large, or uses an operator that is not allowed.

    """
    try:
        return _check_model(_FlatBuffer(file.data).root(), Budget(file.limits))
    except ValueError as error:
        raise ModelError(f"{file.path} is damaged, or made to be: {error}. Convert the model again.") from error


def _check_model(model: _Table, budget: Budget) -> str:
    graphs = model.tables(2)
    operators = [_allowed(code) for code in model.tables(1)]
    if len(graphs) != 1:
        raise ModelError(f"The model holds {len(graphs)} graphs. Expected one: loops and conditions are not supported.")
    if model.has(8) or model.has(9):
        raise ModelError("The model keeps its weights in other files, which are never read.")
    buffers = [_stored(table) for table in model.tables(4)]
    tensors = [_tensor(table, buffers, budget) for table in graphs[0].tables(0)]
    inputs, outputs = graphs[0].numbers(1), graphs[0].numbers(2)
    if len(inputs) != 1 or len(outputs) != 1:
        raise ModelError(f"The model has {len(inputs)} inputs and {len(outputs)} outputs. Expected one of each.")
    nodes = graphs[0].tables(3)
    _check_graph(nodes, operators, tensors, inputs[0], outputs[0])
    return _last_activation(nodes, operators, outputs[0])


def _last_activation(nodes: Sequence[_Table], operators: Sequence[Operator], target: int) -> str:
    """Return the activation that an output comes from, by way of operators that only round or reshape it."""
    for node in reversed(nodes):
        if target not in node.numbers(2):
            continue
        name = operators[node.number(0, "<I")].name
        if name not in _PASSING:
            return _ACTIVATIONS.get(name, "")
        target = node.numbers(1)[0]
    return ""


def _allowed(code: _Table) -> Operator:
    """Return the operator of an operator code; raises ModelError for one that is not allowed."""
    # old files have the number in a byte, new ones in a field of its own
    number = max(code.number(0, "<b"), code.number(3))
    if number in OPERATORS:
        return OPERATORS[number]
    name = bytes(code.content(1)).decode("utf-8", "replace")
    if number == _CUSTOM and name.startswith("Flex"):
        raise ModelError(
            f"The model uses the TensorFlow operator {name}, which may read and write files. Convert it with "
            "TensorFlow Lite's own operators alone (tf.lite.OpsSet.TFLITE_BUILTINS)."
        )
    if number == _CUSTOM and name == _EDGE_TPU:
        raise ModelError(
            "The model was compiled for an Edge TPU, which alone runs it. Name the .tflite file that was given to "
            "edgetpu_compiler: the one without _edgetpu in its name."
        )
    what = f"the custom operator {name}, which is code outside the file" if number == _CUSTOM else f"operator {number}"
    raise ModelError(f"The model uses {what}. Such a model is never opened: export it to ONNX.")


def _stored(table: _Table) -> memoryview:
    """Return the content of a buffer."""
    if table.number(1, "<Q") or table.number(2, "<Q"):
        raise ModelError("The model keeps weights behind the end of its tables, as only models of over 2 GB do.")
    return table.content(0)


def _tensor(table: _Table, buffers: Sequence[memoryview], budget: Budget) -> _Tensor:
    """Check the shape, type and content of a tensor."""
    shape, kind, buffer = table.numbers(0), table.number(1, "<b"), table.number(2, "<I")
    least = 0 if len(shape) == 1 else 1  # an empty list is the shape of a scalar
    if kind not in _SIZES or len(shape) > _MAX_RANK or any(size < least for size in shape):
        raise ValueError(f"a tensor of type {kind} and shape {shape}")
    if table.number(5, "<?") or table.has(6) or table.has(9) or table.number(10, "<I"):
        raise ModelError("The model has variables, sparse tensors or weights in other files. Export it to ONNX.")
    signature = table.numbers(7)
    if signature and (len(signature) != len(shape) or any(size < -1 for size in signature)):
        raise ValueError(f"a tensor of the shapes {shape} and {signature}")
    if buffer >= len(buffers):
        raise ValueError(f"the missing buffer {buffer}")
    size, content = prod(shape) * _SIZES[kind], buffers[buffer]
    if len(content) and len(content) != size:
        raise ValueError(f"{len(content):,} bytes for a tensor of {size:,}")
    budget.spend(size)
    quantization = table.table(4)
    if quantization:
        _check_quantization(quantization, shape)
    return _Tensor(shape, constant=bool(len(content)))


def _check_quantization(table: _Table, shape: tuple[int, ...]) -> None:
    """Check that there is one scale, or one for each index of an axis."""
    scales, zeros, axis = table.numbers(2, "f"), table.numbers(3, "q"), table.number(6)
    if table.has(4) or any(not isfinite(scale) or scale < 0 for scale in scales):
        raise ValueError("an unknown quantization")
    if len(scales) > 1 and (not 0 <= axis < len(shape) or len(scales) != shape[axis]):
        raise ValueError(f"{len(scales)} scales for a tensor of shape {shape}")
    if len(zeros) not in (0, 1, len(scales)) or any(not -(2**31) <= zero < 2**31 for zero in zeros):
        raise ValueError("zero points that do not fit")


def _check_graph(
    nodes: Sequence[_Table], operators: Sequence[Operator], tensors: Sequence[_Tensor], source: int, target: int
) -> None:
    """Check that every operator is given what it takes, by an operator before it."""
    known = {i for i, tensor in enumerate(tensors) if tensor.constant}
    if not 0 <= source < len(tensors) or source in known or not len(tensors[source].shape):
        raise ValueError(f"the input {source}")
    known.add(source)
    for node in nodes:
        code = node.number(0, "<I")
        if code >= len(operators):
            raise ValueError(f"the missing operator {code}")
        for i in _checked_outputs(node, operators[code], tensors, known):
            known.add(i)
    if target not in known:
        raise ValueError(f"the output {target}")


def _checked_outputs(node: _Table, operator: Operator, tensors: Sequence[_Tensor], known: set[int]) -> Iterator[int]:
    """Check one operator and yield its outputs."""
    inputs, outputs, most = node.numbers(1), node.numbers(2), operator.most or operator.inputs
    if not operator.inputs <= len(inputs) <= most or not 1 <= len(outputs) <= operator.outputs:
        raise ValueError(f"{operator.name} with {len(inputs)} inputs and {len(outputs)} outputs")
    for i, index in enumerate(inputs):
        if index == -1 and i >= operator.inputs:  # left out
            continue
        if index not in known:
            raise ValueError(f"{operator.name} with the input {index}")
        rank = operator.ranks[i] if i < len(operator.ranks) else None
        if rank is not None and len(tensors[index].shape) != rank:
            raise ValueError(f"{operator.name} with an input of shape {tensors[index].shape}")
    if len(set(outputs)) != len(outputs) or any(not 0 <= i < len(tensors) or i in known for i in outputs):
        raise ValueError(f"{operator.name} with the outputs {outputs}")
    if any(node.has(number) for number in (5, 7, 9, 10, 12)) or node.numbers(8):
        raise ValueError(f"{operator.name} with options of a custom operator")
    _check_options(node, operator)
    yield from outputs


def _check_options(node: _Table, operator: Operator) -> None:
    kind, options = node.number(3, "<B"), node.table(4)
    # most options may be left out; those of windows may not, as a step of 0 would be divided by
    if kind not in (0, operator.options) or (operator.positive and (options is None or not kind)):
        raise ValueError(f"{operator.name} with options of kind {kind}")
    for number, default in operator.positive:
        if options is not None and options.number(number, "<i", default) < 1:
            raise ValueError(f"{operator.name} with a step or size of {options.number(number, '<i', default)}")
