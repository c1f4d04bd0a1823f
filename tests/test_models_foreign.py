"""Files that are no supported model are named for what they are, with what to do."""

from __future__ import annotations

import json
import pickle
import re
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from batch_eval.errors import ModelError
from batch_eval.models import open_model
from batch_eval.models.budget import DEFAULT_LIMITS
from batch_eval.models.foreign import FOREIGN_FOLDERS, FOREIGN_KINDS
from batch_eval.models.model_file import ModelFile
from batch_eval.models.tflite_file import check_tflite

HDF5 = b"\x89HDF\r\n\x1a\n\x00\x00\x00\x00\x00\x08\x08\x00"
LAYERS = {"class_name": "Sequential", "config": {"name": "sequential", "layers": []}}
PAGE = b"<!DOCTYPE html>\n<html lang='en'><head><title>model.h5 at main</title>"


def zipped(*names: str) -> Callable[[Path], None]:
    def write(file: Path) -> None:
        with zipfile.ZipFile(file, "w") as archive:
            for name in names:
                archive.writestr(name, b"content")

    return write


def tfjs(topology: dict[str, object], form: str | None) -> bytes:
    return json.dumps({"modelTopology": topology, "weightsManifest": []} | ({"format": form} if form else {})).encode()


# kind -> files of that kind: (name, content, or what writes it)
EXAMPLES: dict[str, list[tuple[str, bytes | Callable[[Path], None]]]] = {
    "a Git LFS pointer, not the model itself": [
        ("model.h5", b"version https://git-lfs.github.com/spec/v1\noid sha256:12\nsize 9\n")
    ],
    "an HDF5 file that was copied as text, which destroyed it": [
        ("replaced.h5", HDF5.decode("utf-8", "replace").encode()),
        ("newlines.h5", HDF5.replace(b"\r\n", b"\n")),
        ("latin.h5", HDF5.decode("latin-1").encode()),
        ("seven_bits.h5", bytes(byte & 127 for byte in HDF5)),
    ],
    "a TensorFlow.js layers model": [
        ("model.json", tfjs({"model_config": LAYERS, "keras_version": "2.1.6"}, "layers-model")),
        ("old.json", tfjs({"model_config": LAYERS}, None)),
    ],
    "a TensorFlow.js graph model": [
        ("model.json", tfjs({"node": []}, "graph-model")),
        ("old.json", tfjs({"node": []}, None)),
    ],
    "a part of a TensorFlow.js model, some of its weights": [("group1-shard1of2.bin", bytes(range(200, 256)))],
    "a Keras architecture without weights": [("model.json", json.dumps(LAYERS).encode())],
    "a Jupyter notebook, not a model": [("train.ipynb", b'{"cells": [], "metadata": {}, "nbformat": 4}')],
    "JSON, not a model": [("model.json", b'{"epochs": 5}')],
    "a TorchScript program of PyTorch": [("model.pt", zipped("m/data.pkl", "m/code/__torch__.py", "m/constants.pkl"))],
    "a PyTorch file, a state_dict or a pickled model": [
        ("model.pth", zipped("archive/data.pkl", "archive/data/0", "archive/version")),
        ("old.pt", b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03."),
    ],
    "an archive of NumPy arrays, not a model": [("weights.npz", zipped("arr_0.npy", "arr_1.npy"))],
    "a Core ML package": [("model.zip", zipped("Manifest.json", "m.mlpackage/Data/com.apple.CoreML/model.mlmodel"))],
    "a zip archive with a model in it": [("converted_keras.zip", zipped("keras_model.h5", "labels.txt"))],
    "a zip archive without config.json, not a Keras model": [("photos.zip", zipped("1.png"))],
    "weights in the format safetensors, without an architecture": [
        ("model.safetensors", (2).to_bytes(8, "little") + b"{}" + bytes(8))
    ],
    "a pickled scikit-learn model": [
        ("model.pkl", b"\x80\x04\x95\x1f\x00\x00\x00\x00\x00\x00\x00\x8c\x15sklearn.svm._classes\x94.")
    ],
    "a compressed pickle, as joblib writes it": [("model.joblib", zlib.compress(pickle.dumps([1])))],
    "a pickled object": [("model.pkl", pickle.dumps({"weights": [1.0]}))],
    "the graph of a SavedModel, which is a folder": [("saved_model.pb", b"\x08\x01\x12\x9a\x80")],
    "the notes of Keras in a SavedModel, which is a folder": [("keras_metadata.pb", b"\x0a\x9a\x80")],
    "a part of a TensorFlow checkpoint, weights without an architecture": [
        ("checkpoint", b'model_checkpoint_path: "model.ckpt"\n'),
        ("model.ckpt.index", b"\x00\x00\xff"),
        ("model.ckpt.data-00000-of-00001", b"\x00\x00\xff"),
    ],
    "a frozen TensorFlow graph": [("frozen.pb", b"\x0a\x11\x0a\x01x\x12\x0bPlaceholder\x80")],
    "a Core ML model": [("model.mlmodel", b"\x08\x01\x12\x9a\x80")],
    "a PNG image, not a model": [("model.h5", b"\x89PNG\r\n\x1a\n" + bytes(50))],
    "a JPEG image, not a model": [("model.h5", b"\xff\xd8\xff\xe0" + bytes(50))],
    "a GIF image, not a model": [("model.h5", b"GIF89a" + bytes(50))],
    "a PDF document, not a model": [("model.h5", b"%PDF-1.7\n" + bytes(50))],
    "a NumPy array, not a model": [("weights.npy", b"\x93NUMPY\x01\x00" + bytes(50))],
    "a compressed archive": [
        ("model.tar.gz", b"\x1f\x8b\x08\x00" + bytes(50)),
        ("model.tar", bytes(257) + b"ustar\x0000" + bytes(300)),
        ("model.7z", b"7z\xbc\xaf\x27\x1c" + bytes(50)),
    ],
    "a web page, not a model": [("model.h5", PAGE), ("login.h5", b"\n  <html>")],
    "XML, not a model": [("model.xml", b"<?xml version='1.0'?><net/>")],
    "a text file, not a model": [("train.py", b"import keras\n")],
}
FOLDERS: dict[str, list[str]] = {
    "a Core ML package": ["digits.mlpackage/Manifest.json"],
    "a folder of TensorFlow.js": ["web/model.json", "web/group1-shard1of1.bin"],
    "a TensorFlow checkpoint, weights without an architecture": ["kept/checkpoint", "kept/cp.ckpt.index"],
    "a folder with a model in it": ["models/mnist.keras"],
    "a folder without saved_model.pb": ["photos/1.png"],
}


@pytest.mark.parametrize(
    ("kind", "name", "content"), [(kind, *example) for kind, examples in EXAMPLES.items() for example in examples]
)
def test_file_is_named_with_what_to_do(
    kind: str, name: str, content: bytes | Callable[[Path], None], tmp_path: Path
) -> None:
    file = tmp_path / name
    if callable(content):
        content(file)
    else:
        file.write_bytes(content)

    with pytest.raises(ModelError) as caught:
        open_model(file)

    message = str(caught.value)
    assert message.startswith(f"{file} is {kind}.")
    assert not re.search(r"\{\w+\}", message)
    assert message.removeprefix(f"{file} is {kind}."), "it says what to do"


@pytest.mark.parametrize(("kind", "names"), FOLDERS.items())
def test_folder_is_named_with_what_to_do(kind: str, names: list[str], tmp_path: Path) -> None:
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"content")
    folder = (tmp_path / names[0]).parent

    with pytest.raises(ModelError) as caught:
        open_model(folder)

    assert str(caught.value).startswith(f"{folder} is {kind}. ")


def test_every_kind_has_an_example() -> None:
    assert list(EXAMPLES) == [kind.name for kind in FOREIGN_KINDS]
    assert list(FOLDERS) == [kind.name for kind in FOREIGN_FOLDERS]


def test_model_for_an_edge_tpu_is_named_as_such(tmp_path: Path) -> None:
    flatbuffers = pytest.importorskip("flatbuffers")
    builder = flatbuffers.Builder()
    name = builder.CreateString("edgetpu-custom-op")
    builder.StartObject(4)
    builder.PrependInt8Slot(0, 32, 0)  # CUSTOM
    builder.PrependUOffsetTRelativeSlot(1, name, 0)
    code = builder.EndObject()
    builder.StartVector(4, 1, 4)
    builder.PrependUOffsetTRelative(code)
    codes = builder.EndVector()
    builder.StartObject(5)
    builder.PrependUOffsetTRelativeSlot(1, codes, 0)
    builder.Finish(builder.EndObject(), file_identifier=b"TFL3")
    file = ModelFile(tmp_path / "digits_edgetpu.tflite", bytes(builder.Output()), DEFAULT_LIMITS)

    with pytest.raises(ModelError, match=r"compiled for an Edge TPU.*the one without _edgetpu in its name"):
        check_tflite(file)


def test_advice_names_the_file(tmp_path: Path) -> None:
    archive, graph = tmp_path / "download.zip", tmp_path / "saved_model.pb"
    zipped("keras_model.h5", "labels.txt")(archive)
    graph.write_bytes(b"\x08\x01\x12\x9a\x80")

    with pytest.raises(ModelError, match=r"Unpack it, and name keras_model\.h5"):
        open_model(archive)
    with pytest.raises(ModelError, match=re.escape(f"--model {tmp_path}")):
        open_model(graph)
