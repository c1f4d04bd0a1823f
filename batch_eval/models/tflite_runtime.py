"""Run ``.tflite`` models with the interpreter of LiteRT, or of TensorFlow."""

from __future__ import annotations

import warnings
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from batch_eval.errors import ModelError
from batch_eval.models.runtime import DEFAULT_SIDE, INTEGER_DTYPES, Batch, Runtime
from batch_eval.models.tensorflow_runtime import import_tensorflow

_BATCH = 32


def open_tflite(file: Path, threads: int) -> Runtime:
    """Open a ``.tflite`` file; quantized inputs and outputs are converted."""
    try:
        interpreter = _interpreter(file.read_bytes(), threads or None)
        batch = _allocate(interpreter)
    except (ValueError, RuntimeError) as error:
        raise ModelError(f"{file} cannot be opened by the TensorFlow Lite interpreter: {error}") from error
    inputs, outputs = interpreter.get_input_details(), interpreter.get_output_details()
    if len(inputs) != 1 or len(outputs) != 1:
        raise ModelError(f"{file} has {len(inputs)} inputs and {len(outputs)} outputs. Expected one of each.")
    source, target = inputs[0], outputs[0]
    lock = Lock()

    def run(images: Batch) -> Batch:
        with lock:
            interpreter.set_tensor(source["index"], _quantize(images, source))
            interpreter.invoke()
            return _dequantize(interpreter.get_tensor(target["index"]), target)

    shape = tuple(int(size) if size > 0 else DEFAULT_SIDE for size in source["shape"][1:])
    whole = np.dtype(source["dtype"]).name in INTEGER_DTYPES and not source["quantization"][0]
    return Runtime("tflite", run, shape, pixel_range="0..255" if whole else None, batch=batch)


def _interpreter(content: bytes, threads: int | None) -> Any:
    try:
        from ai_edge_litert.interpreter import Interpreter  # type: ignore[import-not-found,unused-ignore]
    except ImportError:
        Interpreter = import_tensorflow().lite.Interpreter  # noqa: N806 - a class
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # TensorFlow recommends LiteRT here, which many do not have
        return Interpreter(model_content=content, num_threads=threads)


def _allocate(interpreter: Any) -> int:
    """Make room for a batch, or for single images where the graph was made for them; return the batch size."""
    source = interpreter.get_input_details()[0]
    fixed = int(source["shape"][0])
    try:
        interpreter.resize_tensor_input(source["index"], [_BATCH, *source["shape"][1:]])
        interpreter.allocate_tensors()
        if interpreter.get_output_details()[0]["shape"][0] == _BATCH:
            interpreter.invoke()
            return _BATCH
    except (ValueError, RuntimeError):  # a reshape in the graph has the batch size written into it
        pass
    interpreter.resize_tensor_input(source["index"], source["shape"])
    interpreter.allocate_tensors()
    return fixed


def _quantize(images: Batch, detail: dict[str, Any]) -> NDArray[Any]:
    scale, zero_point = detail["quantization"]
    dtype = np.dtype(detail["dtype"])
    if not scale:
        return images.astype(dtype)
    limits = np.iinfo(dtype)
    quantized: NDArray[Any] = np.clip(np.rint(images / scale) + zero_point, limits.min, limits.max)
    return quantized.astype(dtype)


def _dequantize(values: NDArray[Any], detail: dict[str, Any]) -> Batch:
    scale, zero_point = detail["quantization"]
    numbers = values.astype(np.float32)
    return (numbers - np.float32(zero_point)) * np.float32(scale) if scale else numbers
