"""Run ``.tflite`` models with the interpreter of LiteRT if it is installed, else with TensorFlow's."""

from __future__ import annotations

import warnings
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from batch_eval.errors import ModelError
from batch_eval.installation import missing
from batch_eval.models.input_range import range_from_bounds
from batch_eval.models.isolation import Job, open_isolated
from batch_eval.models.model_file import ModelFile
from batch_eval.models.runtime import DEFAULT_SIDE, INTEGER_DTYPES, Batch, Runtime
from batch_eval.models.tensorflow_runtime import import_tensorflow
from batch_eval.models.tflite_file import check_tflite

_BATCH = 32
"""Images per batch, where the graph allows it."""


def open_tflite(file: ModelFile, threads: int) -> Runtime:
    """Open a ``.tflite`` file in a child process (``isolation.py``).

    Raises:
        ModelError: The file is damaged, uses operators that may run code, or no interpreter is installed or opens it.

    """
    if not any(map(find_spec, ("ai_edge_litert", "tensorflow"))):
        raise ModelError(f"{file.path} needs LiteRT or TensorFlow. {missing('LiteRT', 'tflite')}")
    activation = check_tflite(file)
    runtime = open_isolated(Job("tflite", file.data, {"threads": threads}), file.path, file.limits)
    # a quantized softmax is rounded, so that its values alone look like those of sigmoids
    return replace(runtime, activation=activation)


def import_interpreter(subject: str) -> Any:
    """Return the class of LiteRT's interpreter, or TensorFlow's where only that is installed; ``subject`` needs it."""
    try:
        from ai_edge_litert.interpreter import Interpreter  # type: ignore[import-not-found,unused-ignore]
    except ImportError:
        return import_tensorflow(subject).lite.Interpreter
    return Interpreter


def load_tflite(payload: bytes, file: Path, *, threads: int, folder: Path) -> Runtime:  # noqa: ARG001 - as load_keras
    """Open a ``.tflite`` file in this process. Quantized inputs and outputs are converted.

    Raises:
        ModelError: The interpreter cannot open the file, or it has several inputs or outputs.

    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # TensorFlow warns that its interpreter moves to LiteRT
            interpreter = import_interpreter(str(file))(model_content=payload, num_threads=threads or None)
        batch = _allocate(interpreter)
    except (ValueError, RuntimeError) as error:
        raise ModelError(f"{file} cannot be opened by the TensorFlow Lite interpreter: {error}") from error
    inputs, outputs = interpreter.get_input_details(), interpreter.get_output_details()
    if len(inputs) != 1 or len(outputs) != 1:
        raise ModelError(f"{file} has {len(inputs)} inputs and {len(outputs)} outputs. Expected one of each.")
    source, target = inputs[0], outputs[0]
    lock = Lock()

    def run(images: Batch) -> Batch:
        with lock:  # the interpreter keeps the tensors of one call
            interpreter.set_tensor(source["index"], _quantize(images, source))
            interpreter.invoke()
            return _dequantize(interpreter.get_tensor(target["index"]), target)

    shape = tuple(int(size) if size > 0 else DEFAULT_SIDE for size in source["shape"][1:])
    return Runtime("tflite", run, shape, pixel_range=_stated_range(source), batch=batch)


def _stated_range(source: dict[str, Any]) -> str | None:
    """Return the range of pixel values that an integer input can hold; None for floats."""
    dtype, (scale, zero_point) = np.dtype(source["dtype"]), source["quantization"]
    if dtype.name not in INTEGER_DTYPES:
        return None
    if not scale:  # not quantized: it takes the pixels as they are
        return "0..255"
    limits = np.iinfo(dtype)
    return range_from_bounds(*(scale * (end - zero_point) for end in (limits.min, limits.max)))


def _allocate(interpreter: Any) -> int:
    """Allocate the tensors, and return the batch size: 32 if possible, else the graph's own."""
    # A .tflite graph has a fixed batch size, mostly 1. It can be resized, but a Reshape inside may still hold the old
    # size. Then the output keeps it, or invoke() fails.
    source = interpreter.get_input_details()[0]
    fixed = int(source["shape"][0])
    try:
        interpreter.resize_tensor_input(source["index"], [_BATCH, *source["shape"][1:]])
        interpreter.allocate_tensors()
        if interpreter.get_output_details()[0]["shape"][0] == _BATCH:
            interpreter.invoke()
            return _BATCH
    except (ValueError, RuntimeError):
        pass
    interpreter.resize_tensor_input(source["index"], source["shape"])
    interpreter.allocate_tensors()
    return fixed


def _quantize(images: Batch, detail: dict[str, Any]) -> NDArray[Any]:
    """Return images in the type of the input: round(x / scale) + zero point where it is quantized.

    https://ai.google.dev/edge/litert/models/quantization_spec
    """
    scale, zero_point = detail["quantization"]
    dtype = np.dtype(detail["dtype"])
    if not scale:
        return images.astype(dtype)
    limits = np.iinfo(dtype)
    quantized: NDArray[Any] = np.clip(np.rint(images / scale) + zero_point, limits.min, limits.max)
    return quantized.astype(dtype)


def _dequantize(values: NDArray[Any], detail: dict[str, Any]) -> Batch:
    """Return outputs as float32: (q - zero point) · scale where they are quantized."""
    scale, zero_point = detail["quantization"]
    numbers = values.astype(np.float32)
    return (numbers - np.float32(zero_point)) * np.float32(scale) if scale else numbers
