"""Open a model file of any supported format.

The first bytes of a file decide its format, not the suffix: people rename files.

A Keras file is read without TensorFlow, whose import takes seconds and hundreds of MiB. Its layers are converted to
an ONNX graph in memory (``conversion.py``), and ONNX Runtime runs that. Only a file with something that the converter
does not support is opened with TensorFlow.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

from batch_eval.errors import ModelError
from batch_eval.models.budget import Budget, image_bytes
from batch_eval.models.card_file import card_beside
from batch_eval.models.classifier import Classifier
from batch_eval.models.conversion import convert
from batch_eval.models.failures import model_errors
from batch_eval.models.keras_file import KerasFile, parse_model
from batch_eval.models.layers import Unsupported
from batch_eval.models.layers.call import Misfit
from batch_eval.models.model_file import ModelFile
from batch_eval.models.onnx_runtime import open_converted, open_onnx, whole_onnx
from batch_eval.models.options import DEFAULT_MODEL, ModelOptions
from batch_eval.models.runtime import Runtime

_TFLITE = b"TFL3"  # FlatBuffers file identifier, from byte 4 on
_PROTOBUF = b"\x08"  # tag of the first field of an ONNX ModelProto: ir_version, a varint
_COLOUR = 3
"""Channels of a picture in colour."""
_EXPECTED = "Expected a .keras, .h5, .onnx or .tflite file, or a SavedModel folder."


def open_model(model: ModelOptions | str | Path | None = None, *, threads: int = 0) -> Classifier:
    """Open a saved model: ``.keras``, ``.h5``, ``.onnx``, ``.tflite`` or a SavedModel folder.

    Args:
        model: The file, None for the model that ships with the package, or a file with options.
        threads: CPU threads per batch; 0 means all cores.

    Raises:
        UntrustedModelError: The model is a program, and is not trusted.
        ModelError: The model cannot be opened, or is not an image classifier.
        ConfigError: The input range is invalid.

    """
    options = ModelOptions.of(model)
    for option, value in (("--network", options.network), ("--architecture", options.architecture)):
        if value is not None and options.path is None:
            raise ModelError(f"{option} {value} needs a weights file. Name it with --model.")
    path = _existing(options.path)
    with model_errors(path):
        runtime, digest = _open(path, options, threads)
        Budget(options.limits).check(image_bytes(runtime.input_shape))
        return Classifier(runtime, name=path.name, sha256=digest, options=options, card=card_beside(path, digest))


def _existing(path: Path | None) -> Path:
    file = path or DEFAULT_MODEL
    if path is None and not file.is_file():
        raise ModelError(f"The default model is missing from this installation ({file}). Name a model with --model.")
    if not file.exists():
        raise ModelError(f"There is no model at {file}. {_EXPECTED}")
    return file


def _open(path: Path, options: ModelOptions, threads: int) -> tuple[Runtime, str]:
    """Return the runtime of a file or folder, and its hash."""
    if path.is_dir():
        from batch_eval.models.tensorflow_runtime import open_saved_model

        return open_saved_model(path, options.limits, trust=options.trust), _folder_sha256(path)
    file = ModelFile.read(path, options.limits)
    if _is_onnx(file) and not (options.network or options.architecture):
        file = whole_onnx(file)
        return open_onnx(file, threads), file.sha256
    return _open_file(file, options, threads), file.sha256


def _is_onnx(file: ModelFile) -> bool:
    # one byte says too little to tell ONNX from any other file: here the suffix must agree
    return file.path.suffix.lower() == ".onnx" and file.data.startswith(_PROTOBUF)


def _open_file(file: ModelFile, options: ModelOptions, threads: int) -> Runtime:
    """Open a file by its first bytes. Modules of rarer formats are imported only when needed."""
    saved = parse_model(file, options)
    if saved is not None:
        return _open_keras(saved, file, trust=options.trust, threads=threads)
    if file.data[4:8] == _TFLITE:
        from batch_eval.models.tflite_runtime import open_tflite

        return open_tflite(file, threads)
    raise ModelError(_message(file))


def _open_keras(saved: KerasFile, file: ModelFile, *, trust: bool, threads: int) -> Runtime:
    """Open a Keras file with ONNX Runtime, or with TensorFlow if it cannot be converted."""
    apart = saved.architecture
    try:
        runtime = open_converted(convert(saved), threads, file.path, file.limits)
    except Unsupported as error:
        if apart and (isinstance(error, Misfit) or not apart.is_file):
            advice = "the file that was saved with them" if apart.is_file else "the network that was trained"
            raise ModelError(
                f"{file.path} does not hold the weights of {apart.origin}: {error}. Name {advice}."
            ) from error
        from batch_eval.models.keras1 import Keras1Weights

        if isinstance(saved.weights, Keras1Weights):
            raise ModelError(
                f"{file.path} was saved by Keras 1, and uses {error}. Open it with Keras 2.3, and save it there with "
                "model.save('model.h5')."
            ) from error
        from batch_eval.models.tensorflow_runtime import open_keras

        runtime = open_keras(saved, file.path, reason=str(error), trust=trust)
    if runtime.input_shape[-1] == _COLOUR:
        from batch_eval.models.teachable_machine import is_teachable_machine, stated_by_layout

        runtime = stated_by_layout(runtime) if is_teachable_machine(saved.config) else runtime
    if apart and apart.is_file:
        return replace(runtime, notes=(*runtime.notes, f"The architecture of the weights is that of {apart.origin}."))
    return runtime


def _message(file: ModelFile) -> str:
    """Return the message about a file that is not opened."""
    from batch_eval.models.foreign import Suspect, foreign_kind

    suspect = Suspect(file.path, file.data)
    kind = foreign_kind(suspect)
    if kind is None:
        return f"{file.path} is not a model, or damaged at its beginning. {_EXPECTED}"
    return kind.message(suspect) if kind.advice else f"{kind.message(suspect)} {_EXPECTED}"


def sha256(path: Path) -> str:
    """Return the SHA-256 of a model's file or folder."""
    return _file_sha256(path) if path.is_file() else _folder_sha256(path)


def _folder_sha256(folder: Path) -> str:
    """Return the SHA-256 of the names and hashes of all files in a folder."""
    parts = sorted(
        (part.relative_to(folder).as_posix(), _file_sha256(part)) for part in folder.rglob("*") if part.is_file()
    )
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def _file_sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
