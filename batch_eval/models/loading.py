"""Open a model file of any supported format.

The first bytes of a file decide its format, not the suffix: people rename files.

A Keras file is read without TensorFlow, whose import takes seconds and hundreds of MiB. Its layers are converted to
an ONNX graph in memory (``conversion.py``), and ONNX Runtime runs that. Only a file with something that the converter
does not support is opened with TensorFlow.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from batch_eval.errors import ModelError
from batch_eval.models.architectures import config
from batch_eval.models.budget import Budget, image_bytes
from batch_eval.models.card_file import card_beside
from batch_eval.models.classifier import Classifier
from batch_eval.models.conversion import convert
from batch_eval.models.failures import model_errors
from batch_eval.models.keras_file import KerasFile, parse_keras, parse_weights
from batch_eval.models.layers import Unsupported
from batch_eval.models.model_file import ModelFile
from batch_eval.models.onnx_runtime import open_converted, open_onnx
from batch_eval.models.options import ModelOptions
from batch_eval.models.runtime import Runtime

_TFLITE = b"TFL3"  # FlatBuffers file identifier, from byte 4 on
_PROTOBUF = b"\x08"  # tag of the first field of an ONNX ModelProto: ir_version, a varint
# what people give by mistake: first bytes -> what the message calls it
_OTHER_KINDS = {
    b"\x89PNG": "a PNG image, not a model",
    b"\xff\xd8\xff": "a JPEG image, not a model",
    b"GIF8": "a GIF image, not a model",
    b"%PDF": "a PDF document, not a model",
    b"\x93NUMPY": "a NumPy array, not a model",
    b"version https://": "a Git LFS pointer, not the model itself; fetch it with 'git lfs pull'",
    b"\x80": "a pickled object, which is a program and is never opened",
    b"<": "a web page or XML, not a model",
}
DEFAULT_MODEL = Path(__file__).parent / "data" / "default.keras"
"""The model that ships with the package."""


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
    if options.network is not None and options.path is None:
        raise ModelError(f"--network {options.network} needs a weights file. Name it with --model.")
    path = _existing(options.path)
    with model_errors(path):
        runtime, sha256 = _open(path, options, threads)
        Budget(options.limits).check(image_bytes(runtime.input_shape))
        return Classifier(runtime, name=path.name, sha256=sha256, options=options, card=card_beside(path, sha256))


def _existing(path: Path | None) -> Path:
    file = path or DEFAULT_MODEL
    if path is None and not file.is_file():
        raise ModelError(f"The default model is missing from this installation ({file}). Name a model with --model.")
    if not file.exists():
        raise ModelError(
            f"There is no model at {file}. Expected a .keras, .h5, .onnx or .tflite file, or a SavedModel folder."
        )
    return file


def _open(path: Path, options: ModelOptions, threads: int) -> tuple[Runtime, str]:
    """Return the runtime of a file or folder, and its hash."""
    if path.is_dir():
        from batch_eval.models.tensorflow_runtime import open_saved_model

        return open_saved_model(path, options.limits, trust=options.trust), _folder_sha256(path)
    file = ModelFile.read(path, options.limits)
    if options.network:
        return _open_weights(file, options.network, threads), file.sha256
    return _open_file(file, trust=options.trust, threads=threads), file.sha256


def _open_file(file: ModelFile, *, trust: bool, threads: int) -> Runtime:
    """Open a file by its first bytes. Modules of rarer formats are imported only when needed."""
    saved = parse_keras(file)
    if saved is not None:
        return _open_keras(saved, file, trust=trust, threads=threads)
    start = file.data[:16]
    if start[4:8] == _TFLITE:
        from batch_eval.models.tflite_runtime import open_tflite

        return open_tflite(file, threads)
    # one byte says too little to tell ONNX from any other file: here the suffix must agree
    if file.path.suffix.lower() == ".onnx" and start.startswith(_PROTOBUF):
        return open_onnx(file, threads)
    raise ModelError(
        f"{file.path} is {_kind(start)}. Expected a .keras, .h5, .onnx or .tflite file, or a SavedModel folder."
    )


def _open_keras(saved: KerasFile, file: ModelFile, *, trust: bool, threads: int) -> Runtime:
    """Open a Keras file with ONNX Runtime, or with TensorFlow if it cannot be converted."""
    try:
        return open_converted(convert(saved), threads, file.path, file.limits)
    except Unsupported as error:
        from batch_eval.models.tensorflow_runtime import open_keras

        return open_keras(saved, file.path, reason=str(error), trust=trust)


def _open_weights(file: ModelFile, network: str, threads: int) -> Runtime:
    """Open a weights-only file as the named network."""
    try:
        return open_converted(convert(parse_weights(file, config(network))), threads, file.path, file.limits)
    except Unsupported as error:
        raise ModelError(
            f"{file.path} does not hold the weights of {network}: {error}. Name the network that was trained."
        ) from error


def _kind(start: bytes) -> str:
    """Return what a file that is not a model seems to be."""
    for magic, kind in _OTHER_KINDS.items():
        if start.startswith(magic):
            return kind
    is_text = all(32 <= byte < 127 or byte in b"\t\r\n" for byte in start)
    return "a text file, not a model" if is_text else "not a model, or damaged at its beginning"


def _folder_sha256(folder: Path) -> str:
    """Return the SHA-256 of the names and hashes of all files in a folder."""
    parts = sorted(
        (part.relative_to(folder).as_posix(), _file_sha256(part)) for part in folder.rglob("*") if part.is_file()
    )
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def _file_sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
