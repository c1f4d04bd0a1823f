"""Run ``.onnx`` files and converted Keras models with ONNX Runtime.

A converted model of usual size runs in this process: its graph is ours. Files of others, and what takes long, run in a
child process (``isolation.py``), which calls ``load_onnx``.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from batch_eval.errors import ModelError
from batch_eval.models.budget import DEFAULT_LIMITS, Limits
from batch_eval.models.conversion import ConvertedModel
from batch_eval.models.layers import Unsupported
from batch_eval.models.model_file import ModelFile
from batch_eval.models.onnx_file import read_structure
from batch_eval.models.options import ModelOptions
from batch_eval.models.runtime import DEFAULT_SIDE, INTEGER_DTYPES, Batch, Runtime

_NUMPY_TYPES = {
    "tensor(float)": "float32",
    "tensor(float16)": "float16",
    "tensor(double)": "float64",
    **{f"tensor({name})": name for name in INTEGER_DTYPES},
}
_FLOATS = ("tensor(float)", "tensor(float16)", "tensor(double)")
_MAPS = ("seq(map(int64,tensor(float)))", "seq(map(string,tensor(float)))")
# ONNX operation that produces the output -> name of the activation; Gemm is a dense layer without one
_ACTIVATIONS = {"Softmax": "softmax", "Sigmoid": "sigmoid", "LogSoftmax": "log_softmax", "Gemm": "linear"}


def open_converted(
    model: ConvertedModel, threads: int, file: Path = Path("model"), limits: Limits = DEFAULT_LIMITS
) -> Runtime:
    """Open a converted Keras model.

    Args:
        model: The model.
        threads: CPU threads per batch; 0 means all cores.
        file: Where it comes from, for messages.
        limits: For a model that takes long, which runs isolated.

    Raises:
        Unsupported: ONNX Runtime refuses the model.
        ModelError: It takes too much memory or time.

    """
    if model.is_large:
        from batch_eval.models.isolation import Job, open_isolated

        job = Job("onnx", model.onnx, {"threads": threads})
        runtime = open_isolated(job, file, limits)
        return replace(
            runtime,
            input_shape=model.input_shape,
            activation=model.activation,
            pixel_range=model.pixel_range,
            batch=None,
            parameters=model.parameters,
        )
    try:
        converted = _Converted(model.onnx, threads)
    except ModelError as error:
        raise Unsupported(str(error)) from error
    return Runtime(
        "onnxruntime",
        converted.run,
        model.input_shape,
        model.activation,
        model.pixel_range,
        parameters=model.parameters,
    )


class _Converted:
    """A converted model, opened. Pickled, it is opened again."""

    def __init__(self, onnx: bytes, threads: int) -> None:
        self._source = onnx, threads
        self._session = _session(onnx, threads)

    def run(self, batch: Batch) -> Batch:
        """Return the outputs of a batch."""
        outputs: Batch = self._session.run(None, {"input": batch})[0]
        return outputs

    def __reduce__(self) -> tuple[type[_Converted], tuple[bytes, int]]:
        """Return what pickle makes it of."""
        return _Converted, self._source


def run_all(model: ConvertedModel, image: Batch, options: ModelOptions) -> list[Batch]:
    """Return what each layer of a model, converted with its layers, makes of one image, (1, *input_shape).

    Raises:
        ModelError: The model takes too much memory or time.

    """
    shapes = [(1, *layer.output.shape) for layer in model.layers]
    if model.is_large:
        from batch_eval.models.isolation import Job, open_isolated

        run = open_isolated(Job("layers", model.onnx), options.path or Path("model"), options.limits).run
    else:
        run = load_layers(model.onnx).run
    parts = np.split(run(image), np.cumsum([prod(shape) for shape in shapes])[:-1])
    return [part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)]


def load_layers(payload: bytes, file: Path = Path("model"), *, folder: Path = Path()) -> Runtime:  # noqa: ARG001
    """Open a converted model that returns all its layers' outputs; here in a row, without the model's own output."""
    session = _session(payload, 1)

    def run(image: Batch) -> Batch:
        outputs = session.run(None, {"input": image})[1:]
        return np.concatenate([np.zeros(0, np.float32), *(np.ravel(output) for output in outputs)])

    return Runtime("onnxruntime", run, ())


def open_onnx(file: ModelFile, threads: int) -> Runtime:
    """Open an ``.onnx`` file.

    Raises:
        ModelError: The file is damaged, stores weights in other files, or is not an image classifier.

    """
    from batch_eval.models.isolation import Job, open_isolated

    with _report_damage(file):
        structure = read_structure(file.data)
    if structure.external_data:
        raise ModelError(
            f"{file.path} keeps its weights in other files, in a way that is never read. "
            "Save it as one file, with onnx.save(model, path, save_as_external_data=False)."
        )
    # only the graph's outputs matter: a large graph has thousands of values
    activations = {name: _ACTIVATIONS.get(structure.producers.get(name, ""), "") for name in structure.outputs}
    settings = {"threads": threads, "activations": activations}
    runtime = open_isolated(Job("onnx", file.data, settings), file.path, file.limits)
    return replace(runtime, parameters=structure.weights)


def whole_onnx(file: ModelFile) -> ModelFile:
    """Return an ``.onnx`` file with the weights that lie beside it inside; errors as in ``open_onnx``."""
    if b"location" not in file.data:  # the key that every tensor in another file has
        return file
    from batch_eval.models.onnx_external import with_weights_inside

    with _report_damage(file):
        return with_weights_inside(file)


@contextmanager
def _report_damage(file: ModelFile) -> Iterator[None]:
    """Turn the errors of a damaged file into a ModelError that names it."""
    try:
        yield
    except ValueError as error:
        raise ModelError(
            f"{file.path} is not an ONNX model, or is damaged: {error}. Export the model again."
        ) from error


def load_onnx(
    payload: bytes,
    file: Path,
    *,
    threads: int,
    activations: Mapping[str, str] | None = None,
    folder: Path,  # noqa: ARG001 - all openers get one
) -> Runtime:
    """Open a serialized ONNX model in this process; ``activations`` names those of its outputs.

    Raises:
        ModelError: ONNX Runtime cannot open it, or it is not an image classifier.

    """
    return _runtime(_session(payload, threads), activations or {}, file)


def import_onnxruntime() -> Any:
    """Import ONNX Runtime."""
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # it would call Microsoft, from another thread
    import onnxruntime

    return onnxruntime


def _session(onnx: bytes, threads: int) -> Any:
    """Return an inference session for a serialized model."""
    onnxruntime = import_onnxruntime()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    # by default, waiting threads spin and take the cores from the workers that decode the next images
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.load_model_format", "ONNX")  # else bytes 4 to 7 may say "ORTM"
    options.log_severity_level = 4  # fatal only: errors are raised, and reach the user as ModelError
    try:
        return onnxruntime.InferenceSession(onnx, options, providers=["CPUExecutionProvider"])
    except MemoryError:
        raise
    except Exception as error:  # the exceptions of onnxruntime have no common base class
        raise ModelError(f"ONNX Runtime cannot run the model: {error}") from error


def _runtime(session: Any, activations: Mapping[str, str], file: Path) -> Runtime:
    """Return the runtime of an ``.onnx`` file."""
    source, target = _only_input(session, file), _class_output(session, file)
    dtype = _NUMPY_TYPES.get(source.type)
    if dtype is None or len(source.shape) < 2:
        raise ModelError(f"{file} has an input {source.type} of shape {source.shape}. Expected a batch of images.")
    # an open size is None, or a name such as "batch"
    first, *sizes = source.shape
    shape = tuple(size if isinstance(size, int) and size > 0 else DEFAULT_SIDE for size in sizes)

    def run(batch: Batch) -> Batch:
        outputs = session.run([target.name], {source.name: batch.astype(dtype, copy=False)})[0]
        return np.asarray(_from_maps(outputs) if isinstance(outputs, list) else outputs, dtype=np.float32)

    return Runtime(
        "onnxruntime",
        run,
        shape,
        activations.get(target.name, ""),
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
    outputs = [output for output in session.get_outputs() if output.type in (*_FLOATS, *_MAPS)]
    if len(outputs) != 1:
        names = ", ".join(output.name for output in session.get_outputs())
        raise ModelError(f"{file} has the outputs {names}. Expected one output with a number per class.")
    return outputs[0]


def _from_maps(rows: Sequence[Mapping[Any, float]]) -> list[list[float]]:
    """Return the probabilities of images. Each is a map from a class to its probability."""
    # scikit-learn's exporter ends a classifier with ZipMap; ONNX Runtime sorts the classes of a map
    return [list(row.values()) for row in rows]
