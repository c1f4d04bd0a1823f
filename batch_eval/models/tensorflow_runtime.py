"""Run Keras models that cannot be converted, and SavedModel folders, with TensorFlow.

``open_keras`` and ``open_saved_model`` check a model, and let a child process (``isolation.py``) open it with
``load_keras`` and ``load_saved_model``.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from logging import ERROR, Logger
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

from batch_eval.errors import ModelError, UntrustedModelError
from batch_eval.installation import install_command, missing
from batch_eval.models.budget import Limits
from batch_eval.models.foreign import foreign_folder
from batch_eval.models.isolation import Job, open_isolated
from batch_eval.models.keras_file import KerasFile
from batch_eval.models.keras_safety import check_safe, unknown_class
from batch_eval.models.keras_upgrade import file_for_keras
from batch_eval.models.layers import Unsupported
from batch_eval.models.layers.normalization import range_from_mean, range_from_scale
from batch_eval.models.native_log import without_log_lines
from batch_eval.models.runtime import DEFAULT_SIDE, INTEGER_DTYPES, Batch, Runtime
from batch_eval.wording import one_line

_MAX_REASON = 200
"""Characters of the reason why a model runs on TensorFlow."""


def require_tensorflow(subject: str, reason: str = "") -> None:
    """Check that TensorFlow is installed, without importing it.

    Args:
        subject: What needs TensorFlow, for the error.
        reason: Why, as it goes on after "needs TensorFlow".

    Raises:
        ModelError: TensorFlow is not installed.

    """
    if find_spec("tensorflow") is None:
        raise ModelError(f"{subject} needs TensorFlow{reason}. {missing('TensorFlow', 'tensorflow')}")


def import_tensorflow(subject: str, reason: str = "") -> Any:
    """Import TensorFlow, without its log lines on stderr.

    Args:
        subject: What needs TensorFlow, for the error.
        reason: Why, as it goes on after "needs TensorFlow".

    Raises:
        ModelError: TensorFlow is not installed, or cannot be imported.

    """
    require_tensorflow(subject, reason)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        with without_log_lines():
            import tensorflow
    except ImportError as error:
        raise ModelError(
            f"{subject} needs TensorFlow{reason}. It is installed but cannot be imported: {error}. "
            f"Uninstall it, then install it again with: {install_command('tensorflow')}"
        ) from error
    return tensorflow


def import_keras(subject: str) -> Any:
    """Import Keras and TensorFlow, which ``subject`` needs; raises ModelError where they cannot be imported."""
    import_tensorflow(subject)
    import keras

    return keras


def open_keras(saved: KerasFile, file: Path, *, reason: str, trust: bool) -> Runtime:
    """Open a Keras file with Keras.

    Args:
        saved: What the file holds.
        file: The file, for messages.
        reason: What the converter does not support, for the user; empty if it does not matter.
        trust: Also open Lambda layers.

    Raises:
        UntrustedModelError: The model holds a program, and ``trust`` is not set.
        ModelError: Keras cannot open the model, or opening it is not safe.

    """
    check_safe(saved.config, file, trust=trust)
    require_tensorflow(
        str(file), f": the ONNX converter does not support {one_line(reason, _MAX_REASON)}" if reason else ""
    )
    try:
        payload, suffix = file_for_keras(saved)
    except Unsupported as error:
        raise ModelError(f"{file} cannot be opened: it uses {error}. Export it to ONNX where it was saved.") from error
    note = f"The model runs on TensorFlow, which is slower. Not supported by the ONNX converter: {reason}."
    notes = (one_line(note, _MAX_REASON),) if reason else ()
    job = Job("keras", payload, {"suffix": suffix, "trust": trust}, trusted=trust)
    return open_isolated(job, file, saved.budget.limits, notes=notes)


def _keras_runtime(model: Any, file: Path) -> Runtime:
    """Return the runtime of a Keras model."""
    shape = _image_shape(model.input_shape, file)
    lock = Lock()

    def run(batch: Batch) -> Batch:
        with lock:  # Keras promises nothing about threads that share a model
            return np.asarray(model.predict_on_batch(batch), dtype=np.float32)

    return Runtime("tensorflow", run, shape, _last_activation(model), _inferred_range(model))


def load_keras(payload: bytes, file: Path, *, suffix: str, trust: bool, folder: Path) -> Runtime:
    """Open a Keras file in this process. Keras' safe mode is on unless the file is trusted.

    Args:
        payload: The file that ``file_for_keras`` wrote.
        file: The user's file, for messages.
        suffix: ``.keras`` or ``.h5``.
        trust: Also open Lambda layers.
        folder: Where the file is written.

    Raises:
        ModelError: Keras cannot open the file, or does not know a class in it.

    """
    keras = import_keras(str(file))
    path = folder / f"model{suffix}"
    path.write_bytes(payload)
    try:
        model = keras.models.load_model(path, compile=False, safe_mode=not trust)
    except MemoryError:
        raise
    except Exception as error:  # Keras raises exceptions of any class, and so do a model's layers
        unknown = re.match(r"Unknown layer: '(\w+)'", str(error))
        if unknown:
            raise ModelError(unknown_class(unknown[1], file)) from error
        innermost = str(error).rpartition("Exception encountered: ")[2].strip()  # Keras nests messages
        reason = innermost.partition("\n")[0].partition(". ")[0] or type(error).__name__
        raise ModelError(
            f"{file} cannot be opened with Keras {keras.__version__}: {reason}. "
            "Open it where it was saved, and save it as .keras with a current Keras, or export it to ONNX."
        ) from error
    finally:
        path.unlink()
    return _keras_runtime(model, file)


def open_saved_model(folder: Path, limits: Limits, *, trust: bool) -> Runtime:
    """Open a SavedModel folder.

    A SavedModel is a program: its graph may read and write files.

    Raises:
        UntrustedModelError: ``trust`` is not set.
        ModelError: The folder is not a SavedModel, or TensorFlow cannot open it.

    """
    if not any((folder / name).is_file() for name in ("saved_model.pb", "saved_model.pbtxt")):
        raise ModelError(foreign_folder(folder))
    if not trust:
        raise UntrustedModelError(
            f"{folder} is a SavedModel, which is a program: its graph may read and write files. "
            "Open it with --trust-model only if you trust its author, or use the model's .keras or .onnx file."
        )
    require_tensorflow(str(folder), ", which alone runs a SavedModel")
    path = str(folder.absolute())
    return open_isolated(Job("saved_model", b"", {"path": path}, trusted=True), folder, limits)


def load_saved_model(payload: bytes, file: Path, *, path: str, folder: Path) -> Runtime:  # noqa: ARG001 - as load_keras
    """Open the SavedModel folder at ``path`` in this process; ``file`` names it in messages.

    Raises:
        ModelError: TensorFlow cannot open it.

    """
    tensorflow = import_tensorflow(str(file))
    v1 = tensorflow.compat.v1
    session = v1.Session(graph=v1.Graph())
    try:
        # TensorFlow 1's loader, as TensorFlow Serving uses it: it needs the graph only. The newer loader also rebuilds
        # Python objects, which fails for folders that another version of Keras saved.
        with session.graph.as_default(), _quiet(tensorflow.get_logger()):
            signatures = v1.saved_model.load(session, ["serve"], path).signature_def
    except Exception as error:  # TensorFlow raises exceptions of any class
        raise ModelError(f"TensorFlow cannot open {file}: {error}") from error
    # Keras names the signature of saved models serving_default, that of model.export() serve
    name = next((name for name in ("serving_default", "serve") if name in signatures), None)
    if name is None:
        raise ModelError(f"{file} has the signatures {sorted(signatures)}. Expected serving_default or serve.")
    return _signature_runtime(session, signatures[name], file)


@contextmanager
def _quiet(logger: Logger) -> Iterator[None]:
    """Silence TensorFlow's advice to use the newer loader."""
    level = logger.level
    logger.setLevel(ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def _signature_runtime(session: Any, signature: Any, file: Path) -> Runtime:
    """Return the runtime of a SavedModel's signature, which names the input and output of the graph."""
    if len(signature.inputs) != 1 or len(signature.outputs) != 1:
        counts = f"{len(signature.inputs)} inputs and {len(signature.outputs)} outputs"
        raise ModelError(f"{file} has {counts}. Expected one of each.")
    source, target = (next(iter(ends.values())).name for ends in (signature.inputs, signature.outputs))
    spec = session.graph.get_tensor_by_name(source)
    dtype, shape = spec.dtype.as_numpy_dtype, tuple(spec.shape.as_list())

    def run(batch: Batch) -> Batch:
        return np.asarray(session.run(target, {source: batch.astype(dtype)}), dtype=np.float32)

    inferred = "0..255" if spec.dtype.name in INTEGER_DTYPES else None
    return Runtime("tensorflow", run, _image_shape(shape, file), "", inferred, batch=shape[0])


def _image_shape(shape: Any, file: Path) -> tuple[int, ...]:
    """Return a model's input shape without the batch. Open sizes become 28 px."""
    if not isinstance(shape, tuple) or len(shape) < 2 or any(isinstance(size, tuple) for size in shape):
        raise ModelError(f"{file} has an input of shape {shape}. Expected one batch of images.")
    return tuple(DEFAULT_SIDE if size is None else int(size) for size in shape[1:])


def _last_activation(model: Any) -> str:
    """Return the name of the activation function of the last layer; "" if unknown."""
    last = model.layers[-1] if getattr(model, "layers", None) else None
    if last is None or type(last).__name__ not in ("Dense", "Activation", "Softmax"):
        return ""
    return "softmax" if type(last).__name__ == "Softmax" else str(getattr(last.activation, "__name__", ""))


def _inferred_range(model: Any) -> str | None:
    """Return the pixel range that the first layers suggest: a Rescaling, a Normalization or an integer input."""
    if any(tensor.dtype in INTEGER_DTYPES for tensor in model.inputs):
        return "0..255"
    for layer in model.layers:
        kind = type(layer).__name__
        if kind == "Rescaling":
            return range_from_scale(float(np.abs(layer.scale).max()))
        if kind == "Normalization" and layer.mean is not None:
            return range_from_mean(float(np.max(layer.mean)))
        # these do not change the values of pixels, so the next layer may still be the one that scales
        if kind not in ("InputLayer", "Resizing", "Reshape", "ZeroPadding2D") and not kind.startswith("Random"):
            return None
    return None
