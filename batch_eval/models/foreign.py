"""Files that people give as a model, though nothing here opens them.

Each kind has a name, and a way to export it.

Nothing in such a file is executed. Its first bytes decide, and only where they say too little its name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

_START = 64
"""Bytes that tell most kinds."""
_MAX_JSON = 64 << 20
"""Bytes of a JSON file that is looked into."""
_MODEL_SUFFIXES = (".keras", ".h5", ".hdf5", ".onnx", ".tflite", ".pb")
_ARCHITECTURES = ("Sequential", "Functional", "Model")
_TORCH_EXPORT = "torch.onnx.export(model, torch.zeros(1, 1, 28, 28), 'model.onnx')"
_ONNX_FROM_GRAPH = "python -m tf2onnx.convert --graphdef {name} --inputs INPUT:0 --outputs OUTPUT:0 --output model.onnx"


@dataclass(frozen=True)
class Suspect:
    """A file that is no supported model, or a folder."""

    path: Path
    data: bytes = b""
    """Its bytes; none of a folder."""
    members: tuple[str, ...] = ()
    """Names of the files in a zip archive or a folder."""

    @property
    def name(self) -> str:
        """The file's name."""
        return self.path.name

    @property
    def suffix(self) -> str:
        """The end of its name, such as ``.pb``."""
        return self.path.suffix.lower()

    @property
    def start(self) -> bytes:
        """Its first bytes."""
        return self.data[:_START]

    @cached_property
    def json(self) -> dict[str, Any]:
        """What it holds as a JSON object; empty for other files."""
        if self.data.lstrip()[:1] != b"{" or len(self.data) > _MAX_JSON:
            return {}
        try:
            content = json.loads(self.data)
        except (ValueError, RecursionError):
            return {}
        return content if isinstance(content, dict) else {}

    @property
    def is_text(self) -> bool:
        """Whether it begins with plain text."""
        return bool(self.start) and all(32 <= byte < 127 or byte in b"\t\r\n" for byte in self.start)

    def has(self, *patterns: str) -> bool:
        """Return whether a member's path ends as one of the patterns."""
        return any(PurePosixPath(member).match(pattern) for member in self.members for pattern in patterns)


@dataclass(frozen=True)
class ForeignKind:
    """A kind of file that is not opened."""

    name: str
    """What it is, as it goes on after "FILE is"."""
    matches: Callable[[Suspect], object]
    advice: str = ""
    """What to do.

    ``{path}``, ``{name}``, ``{suffix}`` and ``{folder}`` are those of the file, ``{inside}`` is a model within.
    """
    evidence: str = ""
    """What it is told by, for the documentation."""

    def message(self, suspect: Suspect) -> str:
        """Return the message for a file."""
        words = {
            "path": suspect.path,
            "name": suspect.name,
            "suffix": suspect.path.suffix,
            "folder": suspect.path.parent,
            "inside": next(iter(_models(suspect.members)), ""),
        }
        advice = re.sub(r"\{(path|name|suffix|folder|inside)\}", lambda found: str(words[found[1]]), self.advice)
        return f"{suspect.path} is {self.name}.{' ' if advice else ''}{advice}"


def _begins(*magic: bytes) -> Callable[[Suspect], bool]:
    return lambda suspect: suspect.data.startswith(magic)


def _named(pattern: str) -> Callable[[Suspect], bool]:
    return lambda suspect: re.fullmatch(pattern, suspect.name, re.IGNORECASE) is not None


def _models(members: Iterable[str]) -> list[str]:
    return [member for member in members if member.lower().endswith(_MODEL_SUFFIXES)]


def is_architecture(content: Any) -> bool:
    """Return whether JSON is a Keras model's architecture, as ``model.to_json`` writes it."""
    return isinstance(content, dict) and content.get("class_name") in _ARCHITECTURES and "config" in content


def _tfjs(suspect: Suspect, form: str) -> bool:
    """Return whether a file is a TensorFlow.js model of a form. Older files state none."""
    topology = suspect.json.get("modelTopology")
    if not isinstance(topology, dict):
        return False
    stated = suspect.json.get("format", "graph-model" if "node" in topology else "layers-model")
    return bool(stated == form)


def _mangled(suspect: Suspect) -> bool:
    """Return whether an HDF5 file was copied as text: its first eight bytes are made to show that."""
    # The signature is \x89 H D F \r \n \x1a \n. A copy as text changes \x89 or the ends of lines.
    return b"HDF" in suspect.start[:6] and not suspect.data.startswith(b"\x89HDF\r\n\x1a\n")


def _safetensors(suspect: Suspect) -> bool:
    size = int.from_bytes(suspect.data[:8], "little")
    return suspect.data[8:9] == b"{" and 2 <= size <= len(suspect.data)


_PICKLE = (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")
_TORCH_PICKLE = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19"
"""How ``torch.save`` began before PyTorch 1.6: a pickled number of ten bytes."""
_ZLIB = (b"x\x01", b"x\x5e", b"x\x9c", b"x\xda")
_ZIP = b"PK"

_CHECKPOINT = (
    "Build the model in Python, load the checkpoint with model.load_weights, and save the whole model with "
    "model.save('model.keras')."
)
_SKLEARN = (
    "It is a program, and never opened. Export it with skl2onnx, where the model was trained: "
    "open('model.onnx', 'wb').write(skl2onnx.to_onnx(model, x[:1].astype('float32')).SerializeToString())"
)

FOREIGN_KINDS: tuple[ForeignKind, ...] = (
    ForeignKind(
        "a Git LFS pointer, not the model itself",
        _begins(b"version https://git-lfs"),
        "Fetch the model with: git lfs pull",
        "`version https://git-lfs…`",
    ),
    ForeignKind(
        "an HDF5 file that was copied as text, which destroyed it",
        _mangled,
        "Download it again as it is: with 'Download raw file' on GitHub, or in binary mode. In a repository, write "
        "'*{suffix} binary' into .gitattributes before adding it.",
        "`HDF` in a changed signature",
    ),
    ForeignKind(
        "a TensorFlow.js layers model",
        lambda suspect: _tfjs(suspect, "layers-model"),
        "Convert it where its weights lie beside it: "
        "tensorflowjs_converter --input_format tfjs_layers_model --output_format keras {name} model.h5",
        "`modelTopology` with layers in `model.json`",
    ),
    ForeignKind(
        "a TensorFlow.js graph model",
        lambda suspect: _tfjs(suspect, "graph-model"),
        "Convert it where its weights lie beside it: python -m tf2onnx.convert --tfjs {name} --output model.onnx",
        "`modelTopology` with nodes in `model.json`",
    ),
    ForeignKind(
        "a part of a TensorFlow.js model, some of its weights",
        _named(r".*group\d+-shard\d+of\d+(\.bin)?"),
        "Convert the whole model, from the model.json beside it: "
        "tensorflowjs_converter --input_format tfjs_layers_model --output_format keras model.json model.h5",
        "a name such as `group1-shard1of2.bin`",
    ),
    ForeignKind(
        "a Keras architecture without weights",
        lambda suspect: is_architecture(suspect.json),
        "Name the weights as the model, and this file as their architecture: --model WEIGHTS.h5 --architecture {name}",
        "`class_name` and `config` in a JSON file, as `model.to_json()` writes it",
    ),
    ForeignKind(
        "a Jupyter notebook, not a model",
        lambda suspect: "cells" in suspect.json and "nbformat" in suspect.json,
        "Run it, save its model with model.save('model.keras'), and name that file.",
        "`cells` in a JSON file",
    ),
    ForeignKind("JSON, not a model", lambda suspect: suspect.json, evidence="any other JSON object"),
    ForeignKind(
        "a TorchScript program of PyTorch",
        lambda suspect: suspect.has("data.pkl") and suspect.has("code/*", "constants.pkl"),
        "Programs are never opened. Export it with PyTorch: model = torch.jit.load('{name}').eval(); "
        "torch.onnx.export(model, torch.zeros(1, 1, 28, 28), 'model.onnx', dynamo=False)",
        "`data.pkl` and `code/` in a zip archive",
    ),
    ForeignKind(
        "a PyTorch file, a state_dict or a pickled model",
        lambda suspect: suspect.has("data.pkl") or suspect.data.startswith(_TORCH_PICKLE),
        "Pickled objects are programs and are never opened, and a state_dict holds no architecture. Export the model "
        f"in the program that trained it: {_TORCH_EXPORT}",
        "`data.pkl` in a zip archive, or PyTorch's old number in a pickle",
    ),
    ForeignKind(
        "an archive of NumPy arrays, not a model",
        lambda suspect: suspect.has("*.npy"),
        "If these are the weights of a Keras model, build it, call model.set_weights, and save it with "
        "model.save('model.keras').",
        "`.npy` files in a zip archive",
    ),
    ForeignKind(
        "a Core ML package",
        lambda suspect: suspect.has("Data/com.apple.CoreML/*"),
        "Nothing converts it back. Export the model that it was made from: to ONNX, or with model.save('model.keras').",
        "`com.apple.CoreML` in a zip archive",
    ),
    ForeignKind(
        "a zip archive with a model in it",
        lambda suspect: suspect.data.startswith(_ZIP) and _models(suspect.members),
        "Unpack it, and name {inside}.",
        "a model's suffix in a zip archive, as in Teachable Machine's download",
    ),
    ForeignKind(
        "a zip archive without config.json, not a Keras model",
        _begins(_ZIP),
        "Expected a model saved by Keras (model.save).",
        "any other zip archive",
    ),
    ForeignKind(
        "weights in the format safetensors, without an architecture",
        _safetensors,
        f"Load them in the program that trained the model, and export it: {_TORCH_EXPORT} with PyTorch, "
        "model.save('model.keras') with Keras.",
        "a header of JSON after its length",
    ),
    ForeignKind(
        "a pickled scikit-learn model",
        lambda suspect: suspect.data.startswith(_PICKLE) and b"sklearn" in suspect.data,
        _SKLEARN,
        "a pickle with the word `sklearn`",
    ),
    ForeignKind(
        "a compressed pickle, as joblib writes it",
        lambda suspect: suspect.data.startswith(_ZLIB) and suspect.suffix in (".joblib", ".pkl", ".pickle", ".z"),
        _SKLEARN,
        "zlib's first bytes and the suffix `.joblib` or `.pkl`",
    ),
    ForeignKind(
        "a pickled object",
        _begins(*_PICKLE),
        "It is a program, and never opened. Export the model where it was trained: to ONNX, or with "
        "model.save('model.keras').",
        "a pickle's first bytes",
    ),
    ForeignKind(
        "the graph of a SavedModel, which is a folder",
        _named(r"saved_model\.pb(txt)?"),
        "Name the folder, with its variables: --model {folder}",
        "the name `saved_model.pb`",
    ),
    ForeignKind(
        "the notes of Keras in a SavedModel, which is a folder",
        _named(r"keras_metadata\.pb"),
        "Name the folder, with saved_model.pb and its variables: --model {folder}",
        "the name `keras_metadata.pb`",
    ),
    ForeignKind(
        "a part of a TensorFlow checkpoint, weights without an architecture",
        _named(r"checkpoint|.*\.index|.*\.data-\d{5}-of-\d{5}|.*\.ckpt(\..*)?"),
        _CHECKPOINT,
        "a name such as `model.ckpt.index`",
    ),
    ForeignKind(
        "a frozen TensorFlow graph",
        lambda suspect: suspect.suffix in (".pb", ".pbtxt"),
        f"Convert it, with the names of its input and output: {_ONNX_FROM_GRAPH}",
        "the suffix `.pb`",
    ),
    ForeignKind(
        "a Core ML model",
        lambda suspect: suspect.suffix == ".mlmodel",
        'Convert it, if it is a neural network: python -c "import coremltools, onnxmltools; onnxmltools.save_model('
        "onnxmltools.convert_coreml(coremltools.utils.load_spec('{name}')), 'model.onnx')\" — or export the model "
        "that it was made from.",
        "the suffix `.mlmodel`",
    ),
    ForeignKind("a PNG image, not a model", _begins(b"\x89PNG"), evidence="its first bytes"),
    ForeignKind("a JPEG image, not a model", _begins(b"\xff\xd8\xff"), evidence="its first bytes"),
    ForeignKind("a GIF image, not a model", _begins(b"GIF8"), evidence="its first bytes"),
    ForeignKind("a PDF document, not a model", _begins(b"%PDF"), evidence="its first bytes"),
    ForeignKind("a NumPy array, not a model", _begins(b"\x93NUMPY"), evidence="its first bytes"),
    ForeignKind(
        "a compressed archive",
        lambda suspect: (
            suspect.data.startswith(
                (b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"7z\xbc\xaf\x27\x1c", b"Rar!", b"\x28\xb5\x2f\xfd")
            )
            or suspect.data[257:262] == b"ustar"
        ),
        "Unpack it, and name the model in it.",
        "the first bytes of gzip, bzip2, xz, zstd, 7z or rar, or a tar archive",
    ),
    ForeignKind(
        "a web page, not a model",
        lambda suspect: re.match(rb"\s*<(!doctype html|html)", suspect.data[:_START], re.IGNORECASE),
        "Download the file itself: on GitHub, with 'Download raw file'.",
        "`<html` or `<!doctype html`",
    ),
    ForeignKind("XML, not a model", _begins(b"<"), evidence="`<`"),
    ForeignKind("a text file, not a model", lambda suspect: suspect.is_text, evidence="plain text"),
)
"""Every kind of file that is told apart, the most certain first."""

FOREIGN_FOLDERS: tuple[ForeignKind, ...] = (
    ForeignKind(
        "a Core ML package",
        lambda folder: folder.suffix == ".mlpackage",
        "Nothing converts it back. Export the model that it was made from: to ONNX, or with model.save('model.keras').",
        "the suffix `.mlpackage`",
    ),
    ForeignKind(
        "a folder of TensorFlow.js",
        lambda folder: folder.has("model.json") and folder.has("*group*shard*of*"),
        "Convert it there, if it holds layers: "
        "tensorflowjs_converter --input_format tfjs_layers_model --output_format keras model.json model.h5",
        "`model.json` and `group1-shard1of1.bin`",
    ),
    ForeignKind(
        "a TensorFlow checkpoint, weights without an architecture",
        lambda folder: folder.has("checkpoint") and folder.has("*.index"),
        _CHECKPOINT,
        "`checkpoint` and `*.index`",
    ),
    ForeignKind(
        "a folder with a model in it",
        lambda folder: _models(folder.members),
        "Name the file: --model {path}/{inside}",
        "a file with a model's suffix",
    ),
    ForeignKind(
        "a folder without saved_model.pb",
        lambda _: True,
        "Expected a SavedModel folder or a model file.",
        "any other folder",
    ),
)
"""What folders may be that are no SavedModel."""


def foreign_kind(suspect: Suspect) -> ForeignKind | None:
    """Return what a file is; None if that is unknown."""
    return next((kind for kind in FOREIGN_KINDS if kind.matches(suspect)), None)


def foreign_folder(path: Path) -> str:
    """Return the message about a folder without ``saved_model.pb``."""
    suspect = Suspect(path, members=tuple(sorted(child.name for child in path.iterdir())))
    return next(kind for kind in FOREIGN_FOLDERS if kind.matches(suspect)).message(suspect)
