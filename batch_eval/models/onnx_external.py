"""Bring the weights that an ``.onnx`` file keeps in files beside it into the model.

Exporters write weights of large models into a file of their own, and PyTorch's does so for any. Such a file is read
only from the model's own folder, by a name without a path. So a model cannot make us read any other
file. ONNX Runtime gets a model in one piece, and opens no file at all.
"""

from __future__ import annotations

from batch_eval.errors import ModelError
from batch_eval.models.budget import Budget
from batch_eval.models.model_file import ModelFile
from batch_eval.models.onnx_file import MessageReader
from batch_eval.models.onnx_writer import bytes_field, varint_field

_GRAPH, _INITIALIZER = 7, 5
"""Fields of a model and of its graph."""
_RAW_DATA, _EXTERNAL_DATA, _DATA_LOCATION = 9, 13, 14
"""Fields of a tensor."""
_NUMBERS = (4, 5, 6, 7, 10, 11)
"""Fields of a tensor that hold numbers in other forms."""


def with_weights_inside(file: ModelFile) -> ModelFile:
    """Return a model with the weights of its graph inside; those elsewhere in it stay outside.

    Raises:
        ValueError: The bytes are not an ONNX model.
        ModelError: Weights lie in another folder, are missing, or are larger than the limit.

    """
    weights, reader = _Weights(file), MessageReader()
    fields = [
        _field(number, _graph(reader, content, weights) if number == _GRAPH else content)
        for number, content in reader.fields(memoryview(file.data), "model")
    ]
    return ModelFile(file.path, b"".join(fields), file.limits)


def _graph(reader: MessageReader, graph: int | memoryview, weights: _Weights) -> memoryview:
    """Return a graph with the weights inside."""
    fields = [
        _field(number, _tensor(reader, content, weights) if number == _INITIALIZER else content)
        for number, content in reader.fields(_bytes(graph), "graph")
    ]
    return memoryview(b"".join(fields))


def _bytes(content: int | memoryview) -> memoryview:
    if isinstance(content, int):
        raise TypeError("a message is no integer")  # the schema excludes it
    return content


def _tensor(reader: MessageReader, content: int | memoryview, weights: _Weights) -> memoryview:
    """Return a tensor with its numbers inside."""
    tensor = _bytes(content)
    fields = list(reader.fields(tensor, "tensor"))
    numbers = [number for number, _ in fields]
    if _EXTERNAL_DATA not in numbers:
        return tensor
    if _RAW_DATA in numbers or any(number in numbers for number in _NUMBERS):
        raise ValueError("a tensor has its numbers both inside and outside")
    entries = dict(_entry(reader, content) for number, content in fields if number == _EXTERNAL_DATA)
    kept = [_field(number, content) for number, content in fields if number not in (_EXTERNAL_DATA, _DATA_LOCATION)]
    return memoryview(b"".join([*kept, _field(_RAW_DATA, weights.read(entries))]))


def _entry(reader: MessageReader, content: int | memoryview) -> tuple[str, str]:
    """Return a key and its value."""
    texts = {number: str(_bytes(text), "utf-8") for number, text in reader.fields(_bytes(content), "entry")}
    return texts.get(1, ""), texts.get(2, "")


def _field(number: int, content: int | memoryview) -> bytes:
    """Return a field of an integer or of bytes. The messages here have no others."""
    return varint_field(number, content) if isinstance(content, int) else b"".join(bytes_field(number, [content]))


class _Weights:
    """The files beside the model, each read once."""

    def __init__(self, model: ModelFile) -> None:
        self._model, self._budget = model, Budget(model.limits)
        self._files: dict[str, bytes] = {}

    def read(self, entries: dict[str, str]) -> memoryview:
        """Return a tensor's bytes, of which ``entries`` have the file, the offset and the length."""
        name = entries.get("location", "")
        data = self._file(name)
        try:
            start = int(entries.get("offset", "0"))
            length = int(entries.get("length", str(len(data) - start)))
        except ValueError:
            raise ValueError("an offset of weights is no number") from None
        if start < 0 or length < 0 or start + length > len(data):
            raise ModelError(
                f"{self._model.path} keeps {length:,} bytes of weights at {start:,} in {name}, which has "
                f"{len(data):,}. Copy or export both files again."
            )
        self._budget.spend(length)
        return memoryview(data)[start : start + length]

    def _file(self, name: str) -> bytes:
        if name not in self._files:
            self._files[name] = self._read(name)
        return self._files[name]

    def _read(self, name: str) -> bytes:
        folder = self._model.path.parent
        if not name or name in (".", "..") or any(mark in name for mark in "/\\:\0"):
            raise ModelError(
                f"{self._model.path} keeps its weights in {name!r}, outside its folder; such files are never read. "
                "Save it as one file, with onnx.save(model, path, save_as_external_data=False)."
            )
        path = folder / name
        if path.is_symlink():
            raise ModelError(
                f"{self._model.path} keeps its weights in {name}, which is a link; links are never followed. "
                "Copy the file itself there."
            )
        if not path.exists():
            raise ModelError(
                f"{self._model.path} keeps its weights in {name}, which is not beside it. Copy both files together."
            )
        return ModelFile.read(path, self._model.limits).data
