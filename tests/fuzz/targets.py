"""What is fuzzed: each target takes bytes of a stranger, and may raise only the errors that it documents."""

from __future__ import annotations

import io
import json
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from crafted_models import h5
from hostile_models import small_models, tflite, zipped

from batch_eval.dataset.labels.files import LabelFile, label_by_file
from batch_eval.dataset.labels.matching import ImageNames
from batch_eval.dataset.labels.spelling import Classes
from batch_eval.dataset.options import LabelOptions
from batch_eval.errors import ConfigError, DatasetError, ModelError, UnreadableImageError
from batch_eval.evaluation.saved import parse_evaluation
from batch_eval.imaging.decode import decode
from batch_eval.models.budget import DEFAULT_LIMITS
from batch_eval.models.conversion import convert
from batch_eval.models.hdf5_file import DamagedError, OtherLayoutError, read_hdf5
from batch_eval.models.keras_file import parse_keras
from batch_eval.models.layers import Unsupported
from batch_eval.models.model_file import ModelFile
from batch_eval.models.onnx_file import read_structure
from batch_eval.models.tflite_file import check_tflite

REPOSITORY = Path(__file__).parents[2]
SAMPLES = sorted((REPOSITORY / "sample_images").glob("*.png"))


@dataclass(frozen=True)
class Target:
    """A function that takes bytes, the errors that it may raise, and inputs to start from."""

    run: Callable[[bytes], object]
    errors: tuple[type[Exception], ...]
    seeds: Callable[[], Iterator[bytes]]
    tokens: tuple[bytes, ...] = field(default=())
    """Words of the format, which a fuzzer would take long to find."""

    def __call__(self, data: bytes) -> None:
        """Run; any other error than those listed goes through."""
        with suppress(*self.errors):
            self.run(data)


def _model(name: str, data: bytes) -> ModelFile:
    return ModelFile(Path(name), data, DEFAULT_LIMITS)


def _keras(data: bytes) -> None:
    saved = parse_keras(_model("model.keras", data))
    if saved is not None:
        convert(saved)


@cache
def _members() -> Mapping[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(small_models()["small.keras"])) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _config(data: bytes) -> None:
    """Convert a config of any content, with the weights of ours; an archive's checksums would stop most mutants."""
    _keras(zipped(dict(_members()) | {"config.json": data}, zipfile.ZIP_STORED))


def label_error(name: str, data: bytes) -> str:
    """Read a label file; return the message of its DatasetError, empty if there is none."""
    images, classes = _set()
    try:
        label_by_file(LabelFile(name, "/set", data), images, classes, LabelOptions())
    except DatasetError as error:
        return str(error)
    return ""


@cache
def _set() -> tuple[ImageNames, Classes]:
    return ImageNames([f"{digit}/{digit}.png" for digit in range(4)], ["/set"]), Classes(tuple("0123456789"))


LABEL_FILES = ("labels.csv", "labels.json", "labels.npy", "labels.xlsx")


def _labels(data: bytes) -> None:
    """Read a label file whose name the first byte chooses."""
    if data:
        label_error(LABEL_FILES[data[0] % len(LABEL_FILES)], data[1:])


def _tables() -> Iterator[bytes]:
    yield b"path,label\n0/0.png,0\n1/1.png,1\n"
    yield b"\xef\xbb\xbf0.png;0\r\n1.png;1\r\n"


def _documents() -> Iterator[bytes]:
    yield b'{"0.png": 0, "1.png": 1}'
    yield b'[{"file": "0.png", "label": "zero"}]'
    yield b'{"images": [{"id": 1, "file_name": "0.png"}], "annotations": [{"image_id": 1, "category_id": 3}], '
    yield json.dumps(
        [{"data": {"image": "0.png"}, "annotations": [{"result": [{"value": {"choices": ["1"]}}]}]}]
    ).encode()


def _arrays() -> Iterator[bytes]:
    import numpy as np

    for array in (np.arange(10), np.eye(10, dtype=np.float32)):
        stream = io.BytesIO()
        np.save(stream, array)
        yield stream.getvalue()


def _label_seeds() -> Iterator[bytes]:
    for kind, contents in enumerate((_tables(), _documents(), _arrays())):
        for content in contents:
            yield bytes([kind]) + content


def _images() -> Iterator[bytes]:
    from PIL import Image

    for file in SAMPLES[:3]:
        yield file.read_bytes()
    with Image.open(SAMPLES[0]) as picture:
        small = picture.convert("RGB").resize((40, 40))
    for form, options in _FORMS:
        stream = io.BytesIO()
        small.save(stream, form, **options)
        yield stream.getvalue()


_FORMS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("JPEG", {}),
    ("JPEG", {"progressive": True}),
    *((form, {}) for form in ("PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM")),
)


def _evaluations() -> Iterator[bytes]:
    yield _evaluation()


@cache
def _evaluation() -> bytes:
    from batch_eval.api import evaluate
    from batch_eval.evaluation.saved import dump_evaluation

    with tempfile.TemporaryDirectory() as folder:
        for file in SAMPLES[:3]:
            (Path(folder) / file.name).write_bytes(file.read_bytes())
        return dump_evaluation(evaluate(folder, jobs=1))


def _small(*names: str) -> Callable[[], Iterator[bytes]]:
    return lambda: (small_models()[name] for name in names)


TARGETS = {
    "decode": Target(decode, (UnreadableImageError,), _images, (b"IHDR", b"IDAT", b"zTXt", b"\xff\xda", b"\xff\xc4")),
    "labels": Target(_labels, (), _label_seeds, (b"path", b"label", b"filename", b"\t", b'"', b"NUMPY")),
    "saved": Target(parse_evaluation, (ConfigError,), _evaluations, (b"probabilities", b"base64", b"shape", b"null")),
    "keras": Target(
        _keras, (ModelError, Unsupported), lambda: iter([*_small("small.keras")(), h5()]), (b"PK\x01\x02", b"TREE")
    ),
    "config": Target(
        _config, (ModelError, Unsupported), lambda: iter([_members()["config.json"]]), (b"inbound_nodes", b"Functional")
    ),
    "hdf5": Target(
        read_hdf5,
        (ModelError, DamagedError, OtherLayoutError),
        lambda: iter([_members()["model.weights.h5"], h5()]),
        (b"TREE", b"SNOD", b"HEAP", b"GCOL"),
    ),
    "onnx": Target(read_structure, (ValueError,), _small("small.onnx"), (b"ORTM",)),
    "tflite": Target(
        lambda data: check_tflite(_model("model.tflite", data)), (ModelError,), lambda: iter([tflite()]), (b"TFL3",)
    ),
}
"""What is fuzzed, by name."""
