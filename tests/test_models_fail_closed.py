"""The converter never guesses: a model with something unknown runs on TensorFlow, or is refused."""

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from late_keras import keras, kl

from batch_eval.errors import ModelError
from batch_eval.models import ModelOptions, open_model
from batch_eval.models.conversion import convert
from batch_eval.models.keras_file import read_keras
from batch_eval.models.layers import Unsupported

# TensorFlow 2.21 with NumPy 2.4 warns about itself
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn.t accept a copy:DeprecationWarning"),
]

Change = Callable[[dict[str, Any]], None]


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A functional model with one layer of each kind that the tests change."""
    source = kl.Input((28, 28, 1), name="image")
    x = kl.Rescaling(1 / 255, name="rescaling")(source)
    x = kl.Conv2D(4, 3, activation="relu", name="conv")(x)
    x = kl.BatchNormalization(name="norm")(x)
    x = kl.Resizing(9, 9, name="resizing")(x)
    x = kl.MaxPooling2D(name="pool")(x)
    x = kl.Dropout(0.2, name="dropout")(x)
    x = kl.Dense(10, activation="softmax", name="dense")(kl.Flatten(name="flatten")(x))
    file = tmp_path_factory.mktemp("saved") / "model.keras"
    keras.Model(source, x).save(file)
    return file


def rewrite(file: Path, target: Path, change: Change, *, weights: bytes | None = None) -> Path:
    """Write a copy of a .keras file with a changed config, or with other weights."""
    with zipfile.ZipFile(file) as source, zipfile.ZipFile(target, "w") as copy:
        for name in source.namelist():
            content = source.read(name)
            if name == "config.json":
                config = json.loads(content)
                change(config)
                content = json.dumps(config).encode()
            elif name == "model.weights.h5" and weights is not None:
                content = weights
            copy.writestr(name, content)
    return target


def layer(config: dict[str, Any], name: str) -> dict[str, Any]:
    return next(entry for entry in config["config"]["layers"] if entry["config"]["name"] == name)


def setting(name: str, **values: Any) -> Change:
    return lambda config: layer(config, name)["config"].update(values)


def entry(name: str, **values: Any) -> Change:
    return lambda config: layer(config, name).update(values)


def call_argument(name: str, **values: Any) -> Change:
    return lambda config: layer(config, name)["inbound_nodes"][0]["kwargs"].update(values)


UNKNOWN: dict[str, tuple[Change, str]] = {
    "new key": (setting("conv", sharpen=True), "sharpen=True"),
    "new key of a layer that does nothing": (setting("dropout", at_inference=True), "at_inference"),
    "new key of the model": (lambda config: config["config"].update(reverse=True), "reverse"),
    "new key of the input": (setting("image", scale=2), "scale=2"),
    "padding": (setting("conv", padding="reflect"), "padding='reflect'"),
    "number as text": (setting("conv", filters="4"), "filters='4'"),
    "flag as number": (setting("conv", use_bias=1), "use_bias=1"),
    "huge number": (setting("resizing", height=1 << 40), "height"),
    "activation": (setting("dense", activation="softerplus"), "softerplus"),
    "activation object": (setting("dense", activation={"class_name": "Mine"}), "Mine"),
    "data format": (setting("pool", data_format="channels_middle"), "channels_middle"),
    "interpolation": (setting("resizing", interpolation="bicubic"), "bicubic"),
    "antialias": (setting("resizing", antialias=True), "antialias"),
    "axis": (setting("norm", axis=7), "axis=7"),
    "renorm": (setting("norm", renorm=True), "renorm"),
    "half precision": (setting("conv", dtype="float16"), "float16"),
    "mixed precision": (
        setting("conv", dtype={"class_name": "DTypePolicy", "config": {"name": "mixed_float16"}}),
        "mixed_float16",
    ),
    "quantization": (setting("dense", quantization_config={"mode": "int8"}), "quantization_config"),
    "scale": (setting("rescaling", scale="a"), "scale='a'"),
    "class": (entry("pool", class_name="MedianPooling2D"), "MedianPooling2D"),
    "class of the same name": (entry("conv", module="mine.layers"), "mine.layers"),
    "registered class": (entry("conv", registered_name="mine>Conv2D"), "mine>Conv2D"),
    "call argument": (call_argument("dropout", strength=2), "strength=2"),
    "weights of another shape": (setting("dense", units=11), "shape"),
    "weights that are missing": (setting("conv", use_bias=True, groups=4), "shape"),
    "weights that are left": (setting("conv", use_bias=False), "unexpected weights"),
    "model class": (lambda config: config.update(class_name="Recursive"), "Recursive"),
    "broken layout": (lambda config: layer(config, "flatten").pop("class_name"), "class_name"),
    "broken connection": (lambda config: layer(config, "conv")["inbound_nodes"][0].update(args=[]), "inputs"),
    "loop": (
        lambda config: layer(config, "conv").update(inbound_nodes=layer(config, "dense")["inbound_nodes"]),
        "inputs",
    ),
}


@pytest.mark.parametrize("case", UNKNOWN)
def test_unknown_settings_are_never_guessed(case: str, saved: Path, tmp_path: Path) -> None:
    change, word = UNKNOWN[case]
    file = rewrite(saved, tmp_path / "model.keras", change)

    with pytest.raises(Unsupported, match=word):
        convert(read_keras(file))


def test_the_unchanged_file_is_known(saved: Path) -> None:
    actual = convert(read_keras(saved))

    assert (actual.input_shape, actual.activation, actual.pixel_range) == ((28, 28, 1), "softmax", "0..255")


def test_unknown_keras_version(saved: Path, tmp_path: Path) -> None:
    target = tmp_path / "model.keras"
    with zipfile.ZipFile(saved) as source, zipfile.ZipFile(target, "w") as copy:
        for name in source.namelist():
            copy.writestr(name, b'{"keras_version": "4.0.0"}' if name == "metadata.json" else source.read(name))

    with pytest.raises(Unsupported, match="version"):
        convert(read_keras(target))


def test_fallback_to_tensorflow_has_a_note_with_the_reason(saved: Path, tmp_path: Path) -> None:
    file = rewrite(saved, tmp_path / "model.keras", setting("resizing", antialias=True))
    images = np.random.default_rng(0).integers(0, 256, (3, 28, 28), dtype=np.uint8)

    classifier = open_model(file)

    assert classifier.runtime == "tensorflow"
    assert str(classifier.convention.input_range) == "0..255"
    assert "slower" in classifier.notes[0]
    assert "antialias=True (layer resizing, Resizing)" in classifier.notes[0]
    expected = keras.models.load_model(file)(images[..., None].astype(np.float32))
    np.testing.assert_allclose(expected, classifier.predict(images), atol=1e-6)


@pytest.mark.parametrize("module", ["os", "keras.config", "subprocess"])
def test_a_config_cannot_call_other_functions(module: str, saved: Path, tmp_path: Path) -> None:
    file = rewrite(saved, tmp_path / "model.keras", entry("pool", module=module, class_name="system"))

    with pytest.raises(ModelError, match="system, which is not part of Keras"):
        open_model(ModelOptions(file, trust=True))


def test_keras_2_hard_sigmoid_is_not_given_to_keras_3(saved: Path, tmp_path: Path) -> None:
    file = rewrite(saved, tmp_path / "old.keras", setting("dense", activation="hard_sigmoid", unknown=1))
    with zipfile.ZipFile(file) as source:
        parts = {name: source.read(name) for name in source.namelist()} | {
            "metadata.json": b'{"keras_version": "2.15.0"}'
        }
    with zipfile.ZipFile(file, "w") as copy:
        for name, content in parts.items():
            copy.writestr(name, content)

    with pytest.raises(ModelError, match="hard_sigmoid, which Keras 2 and 3 compute differently"):
        open_model(file)


def linked_weights(tmp_path: Path, make: Callable[[h5py.Group, Path], None]) -> bytes:
    """Return weights whose ``layers/dense/vars/0`` links to another file or place."""
    with h5py.File(tmp_path / "other.h5", "w") as other:
        other["0"] = np.zeros((64, 10), np.float32)
    with h5py.File(tmp_path / "weights.h5", "w") as file:
        make(file.create_group("layers/dense/vars"), tmp_path / "other.h5")
    return (tmp_path / "weights.h5").read_bytes()


def external_link(group: h5py.Group, other: Path) -> None:
    group["0"] = h5py.ExternalLink(str(other), "0")


def soft_link(group: h5py.Group, _other: Path) -> None:
    group["0"] = h5py.SoftLink("/elsewhere")


def virtual_dataset(group: h5py.Group, other: Path) -> None:
    layout = h5py.VirtualLayout((64, 10), "float32")
    layout[:] = h5py.VirtualSource(str(other), "0", (64, 10))
    group.create_virtual_dataset("0", layout)


def external_storage(group: h5py.Group, other: Path) -> None:
    group.create_dataset("0", (64, 10), "float32", external=[(str(other), 0, 2560)])


@pytest.mark.parametrize("make", [external_link, soft_link, virtual_dataset, external_storage])
@pytest.mark.parametrize("known", [True, False], ids=["onnxruntime", "tensorflow"])
def test_weights_never_come_from_elsewhere(make: Any, known: bool, tmp_path: Path) -> None:
    model = keras.Sequential([kl.Input((64,)), kl.Dense(10, activation="softmax", name="dense")])
    model.save(tmp_path / "model.keras")
    weights = linked_weights(tmp_path, make)
    change = (lambda config: None) if known else setting("dense", unknown=1)
    file = rewrite(tmp_path / "model.keras", tmp_path / "linked.keras", change, weights=weights)

    with pytest.raises(ModelError, match="never opened"):
        open_model(file)
