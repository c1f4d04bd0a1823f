"""Run ``.onnx`` files and converted Keras models with ONNX Runtime."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from batch_eval.errors import ModelError
from batch_eval.models.conversion import ConvertedModel
from batch_eval.models.layers import Unsupported
from batch_eval.models.onnx_file import OnnxStructure, read_structure
from batch_eval.models.runtime import DEFAULT_SIDE, INTEGER_DTYPES, Batch, Runtime

_NUMPY_TYPES = {
    "tensor(float)": "float32",
    "tensor(float16)": "float16",
    "tensor(double)": "float64",
    **{f"tensor({name})": name for name in INTEGER_DTYPES},
}
# ONNX operation that produces the output -> name of the activation; Gemm is a dense layer without one
_ACTIVATIONS = {"Softmax": "softmax", "Sigmoid": "sigmoid", "LogSoftmax": "log_softmax", "Gemm": "linear"}


def open_converted(model: ConvertedModel, threads: int) -> Runtime:
    """Open a converted Keras model.

    Args:
        model: The model.
        threads: CPU threads per batch; 0 means all cores.

    Raises:
        Unsupported: ONNX Runtime refuses the model.

    """
    try:
        session = _session(model.onnx, threads)
    except ModelError as error:
        raise Unsupported(str(error)) from error

    def run(batch: Batch) -> Batch:
        outputs: Batch = session.run(None, {"input": batch})[0]
        return outputs

    return Runtime("onnxruntime", run, model.input_shape, model.activation, model.pixel_range)


def run_all(model: ConvertedModel, image: Batch) -> list[Batch]:
    """Return every output of a converted model for one image, (1, *input_shape)."""
    outputs: list[Batch] = _session(model.onnx, 1).run(None, {"input": image})
    return outputs


def open_onnx(file: Path, threads: int) -> Runtime:
    """Open an ``.onnx`` file.

    Raises:
        ModelError: The file is damaged, stores weights in other files, or is not an image classifier.

    """
    data = file.read_bytes()
    try:
        structure = read_structure(data)
    except ValueError as error:
        raise ModelError(f"{file} is not an ONNX model, or is damaged: {error}. Export the model again.") from error
    if structure.external_data:
        raise ModelError(
            f"{file} keeps its weights in other files, which are never read. "
            "Save it as one file, with onnx.save(model, path, save_as_external_data=False)."
        )
    try:
        session = _session(data, threads)
    except ModelError as error:
        raise ModelError(f"{file}: {error}") from error
    return _runtime(session, structure, file)


def _session(onnx: bytes, threads: int) -> Any:
    """Return an inference session for a serialized model."""
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # it would call Microsoft, from another thread
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    # by default, waiting threads spin and take the cores from the workers that decode the next images
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 4  # fatal only: errors are raised, and reach the user as ModelError
    try:
        return onnxruntime.InferenceSession(onnx, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the exceptions of onnxruntime have no common base class
        raise ModelError(f"ONNX Runtime cannot run the model: {error}") from error


def _runtime(session: Any, structure: OnnxStructure, file: Path) -> Runtime:
    """Return the runtime of an ``.onnx`` file."""
    source, target = _only_input(session, file), _class_output(session, file)
    dtype = _NUMPY_TYPES.get(source.type)
    if dtype is None or len(source.shape) < 2:
        raise ModelError(f"{file} has an input {source.type} of shape {source.shape}. Expected a batch of images.")
    # an open size is None, or a name such as "batch"
    first, *sizes = source.shape
    shape = tuple(size if isinstance(size, int) and size > 0 else DEFAULT_SIDE for size in sizes)

    def run(batch: Batch) -> Batch:
        outputs: Batch = session.run([target.name], {source.name: batch.astype(dtype, copy=False)})[0]
        return np.asarray(outputs, dtype=np.float32)

    return Runtime(
        "onnxruntime",
        run,
        shape,
        _ACTIVATIONS.get(structure.producers.get(target.name, ""), ""),
        "0..255" if dtype in INTEGER_DTYPES else None,
        first if isinstance(first, int) and first > 0 else None,
    )


def _only_input(session: Any, file: Path) -> Any:
    inputs = session.get_inputs()
    if len(inputs) != 1:
        raise ModelError(
            f"{file} has {len(inputs)} inputs ({', '.join(i.name for i in inputs)}). Expected one, the image."
        )
    return inputs[0]


def _class_output(session: Any, file: Path) -> Any:
    """Return the only output of floats: one number per class.

    Some exporters add the predicted label, an integer or a string, as a second output.
    """
    outputs = [
        output
        for output in session.get_outputs()
        if output.type in ("tensor(float)", "tensor(float16)", "tensor(double)")
    ]
    if len(outputs) != 1:
        names = ", ".join(output.name for output in session.get_outputs())
        raise ModelError(f"{file} has the outputs {names}. Expected one output with a number per class.")
    return outputs[0]
