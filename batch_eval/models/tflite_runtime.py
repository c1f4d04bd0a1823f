"""Run ``.tflite`` models with the interpreter of LiteRT if it is installed, else with TensorFlow's."""

from __future__ import annotations

import warnings
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from batch_eval.errors import ModelError
from batch_eval.installation import missing
from batch_eval.models.input_range import range_from_bounds
from batch_eval.models.runtime import DEFAULT_SIDE, INTEGER_DTYPES, Batch, Runtime
from batch_eval.models.tensorflow_runtime import import_tensorflow

_BATCH = 32
"""Images per batch, where the graph allows it."""


def open_tflite(file: Path, threads: int) -> Runtime:
    """Open a ``.tflite`` file. Quantized inputs and outputs are converted.

    Raises:
        ModelError: No interpreter is installed or can open the file, or it has several inputs or outputs.

    """
    try:
        interpreter = _interpreter(file, threads or None)
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


def _interpreter(file: Path, threads: int | None) -> Any:
    """Return an interpreter for a model."""
    interpreter = _interpreter_class(file)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # TensorFlow warns that its interpreter moves to LiteRT
        return interpreter(model_content=file.read_bytes(), num_threads=threads)


def _interpreter_class(file: Path) -> Any:
    """Return LiteRT's interpreter, or TensorFlow's where only that is installed."""
    try:
        from ai_edge_litert.interpreter import Interpreter  # type: ignore[import-not-found,unused-ignore]
    except ImportError:
        if find_spec("tensorflow") is None:
            raise ModelError(f"{file} needs LiteRT or TensorFlow. {missing('LiteRT', 'tflite')}") from None
        return import_tensorflow(str(file)).lite.Interpreter
    return Interpreter


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
