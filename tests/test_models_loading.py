"""Opening model files: by content, with one clear error per failure, and without TensorFlow if possible."""

import hashlib
import subprocess
import sys
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from keras_networks import randomize
from late_keras import keras, kl

from batch_eval.errors import ModelError, UntrustedModelError
from batch_eval.models import ModelOptions, check_verifiable, loading, open_model, verify
from batch_eval.models.keras_weights import snake_case

# TensorFlow 2.21 with NumPy 2.4 warns about itself; Keras calls .h5 legacy
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn.t accept a copy:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file"),
]

IMAGES = np.random.default_rng(0).integers(0, 256, (7, 28, 28), dtype=np.uint8)


@pytest.fixture(scope="module")
def model() -> Any:
    layers = [kl.Conv2D(4, 3, activation="relu"), kl.MaxPooling2D(), kl.Flatten(), kl.Dense(10, activation="softmax")]
    return randomize(keras.Sequential([kl.Input((28, 28, 1)), *layers]))


@pytest.fixture(scope="module")
def saved(model: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("saved") / "model.keras"
    model.save(file)
    return file


@pytest.fixture(scope="module")
def expected(model: Any) -> np.ndarray:
    return np.asarray(model(IMAGES[..., None] / np.float32(255), training=False))


def test_keras_file(saved: Path, expected: np.ndarray) -> None:
    actual = open_model(saved)

    np.testing.assert_allclose(expected, actual.predict(IMAGES), atol=1e-6)
    assert (actual.name, actual.runtime, actual.size, actual.channels) == ("model.keras", "onnxruntime", (28, 28), 1)
    assert actual.sha256 == hashlib.sha256(saved.read_bytes()).hexdigest()
    assert all("own digits" in note for note in actual.notes)  # as its weights are random


@pytest.mark.parametrize("name", ["model.h5", "model.hdf5", "no-suffix", "wrong.onnx"])
def test_content_tells_the_format(name: str, saved: Path, model: Any, tmp_path: Path, expected: np.ndarray) -> None:
    file = tmp_path / name
    if file.suffix in (".h5", ".hdf5"):
        model.save(tmp_path / "model.h5")
        (tmp_path / "model.h5").rename(file)
    else:
        file.write_bytes(saved.read_bytes())

    np.testing.assert_allclose(expected, open_model(str(file)).predict(IMAGES), atol=1e-6)


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("default", [False, True])
def test_results_do_not_depend_on_threads_or_batches(saved: Path, default: bool, threads: int) -> None:
    images = np.random.default_rng(1).integers(0, 256, (70, 28, 28), dtype=np.uint8)
    file = None if default else saved
    expected = open_model(file).predict(images)

    subject = open_model(file, threads=threads)
    actual = np.concatenate([subject.predict(part) for part in np.split(images, [1, 2, 5, 40])])

    np.testing.assert_array_equal(expected, actual)


def test_a_converted_model_runs_without_tensorflow(saved: Path) -> None:
    program = f"""
import sys
import batch_eval.models
HEAVY = {{"h5py", "onnxruntime", "cv2", "tensorflow", "keras"}}
assert not HEAVY & set(sys.modules), "import batch_eval.models"
import numpy
batch_eval.models.open_model({str(saved)!r}).predict(numpy.zeros((2, 28, 28), numpy.uint8))
heavy = {{"tensorflow", "keras", "sklearn", "matplotlib", "pandas", "onnx"}} & set(sys.modules)
assert not heavy, heavy
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def test_plain_cnn_scores_what_its_maker_measured(data: Path) -> None:
    with np.load(data / "mnist.npz") as mnist:
        images, labels = mnist["x_test"], mnist["y_test"]

    predicted = open_model(data / "models" / "plain_cnn.keras").predict(images).argmax(axis=1)

    assert (predicted == labels).sum() == 9903


def test_missing_default_model_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(loading, "DEFAULT_MODEL", tmp_path / "default.keras")

    with pytest.raises(ModelError, match="The default model is missing from this installation"):
        open_model()


def test_default_model_is_the_packages(monkeypatch: pytest.MonkeyPatch, saved: Path) -> None:
    monkeypatch.setattr(loading, "DEFAULT_MODEL", saved)

    assert open_model(None).name == "model.keras"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"my notes about the model\n", "a text file"),
        (b"\x89PNG\r\n\x1a\n" + bytes(50), "a PNG image"),
        (b"\xff\xd8\xff\xe0" + bytes(50), "a JPEG image"),
        (b"version https://git-lfs.github.com/spec/v1\noid", "Git LFS pointer"),
        (b"\x80\x04\x95" + bytes(50), "a pickled object. It is a program, and never opened"),
        (b"<!doctype html>", "a web page"),
        (bytes(range(128, 255)), "Expected a .keras, .h5, .onnx or .tflite file, or a SavedModel folder"),
        (b"PK\x03\x04" + bytes(60), "is damaged or cut off"),
        (b"\x89HDF\r\n\x1a\n" + bytes(60), "is damaged or cut off"),
    ],
)
def test_other_files_are_named(content: bytes, message: str, tmp_path: Path) -> None:
    file = tmp_path / "model.keras"
    file.write_bytes(content)

    with pytest.raises(ModelError, match=message):
        open_model(file)


@pytest.mark.parametrize("suffix", [".onnx", ".tflite"])
def test_damaged_files_of_other_runtimes(suffix: str, tmp_path: Path) -> None:
    file = tmp_path / f"model{suffix}"
    file.write_bytes(b"\x08\x08\x12\x09" + (b"TFL3" if suffix == ".tflite" else b"nonsense") + bytes(40))

    with pytest.raises(ModelError, match=f"model{suffix}"):
        open_model(file)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="There is no model at"):
        open_model(tmp_path / "none.keras")


def test_folder_that_is_no_saved_model(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"a folder without saved_model\.pb"):
        open_model(tmp_path)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["archive/data.pkl"], "PyTorch file, a state_dict or a pickled model. Pickled objects are programs"),
        (["a.png"], "zip archive without config.json"),
    ],
)
def test_other_zip_archives(names: list[str], message: str, tmp_path: Path) -> None:
    file = tmp_path / "model.keras"
    with zipfile.ZipFile(file, "w") as archive:
        for name in names:
            archive.writestr(name, b"x")

    with pytest.raises(ModelError, match=message):
        open_model(file)


def test_zip_bomb_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "model.keras"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", b" " * (65 << 20))

    with pytest.raises(ModelError, match="more than a model can have"):
        open_model(file)


def test_weight_bomb_is_refused(saved: Path, tmp_path: Path) -> None:
    with h5py.File(tmp_path / "bomb.h5", "w") as bomb:
        bomb.create_dataset("layers/conv2d/vars/0", (1 << 14, 1 << 14), "float32", chunks=(1 << 10, 1 << 10))
    file = tmp_path / "model.keras"
    with zipfile.ZipFile(saved) as source, zipfile.ZipFile(file, "w") as target:
        target.writestr("config.json", source.read("config.json"))
        target.writestr("metadata.json", source.read("metadata.json"))
        target.write(tmp_path / "bomb.h5", "model.weights.h5")

    with pytest.raises(ModelError, match="is not stored in the file"):
        open_model(file)


def test_weights_only_file(model: Any, tmp_path: Path) -> None:
    model.save_weights(tmp_path / "m.weights.h5")

    with pytest.raises(ModelError, match="holds weights only, no architecture"):
        open_model(tmp_path / "m.weights.h5")


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(draw=st.data())
def test_damage_in_a_keras_file_is_found(draw: st.DataObject, saved: Path, tmp_path: Path) -> None:
    """Change a few bytes anywhere: the result is a ModelError, or the bytes do not matter."""
    content = bytearray(saved.read_bytes())
    for _ in range(draw.draw(st.integers(1, 4), "changes")):
        content[draw.draw(st.integers(0, len(content) - 1), "position")] ^= draw.draw(st.integers(1, 255), "bits")
    file = tmp_path / "model.keras"
    file.write_bytes(content)

    with suppress(ModelError):
        open_model(file)


@pytest.mark.parametrize("position", [136, 2136])
def test_damage_in_an_h5_file_is_found(position: int, model: Any, tmp_path: Path) -> None:
    """Change bytes that make HDF5 fail in different ways. Others would make its library loop forever."""
    file = tmp_path / "model.h5"
    model.save(file)
    content = bytearray(file.read_bytes())
    content[position] ^= 129
    file.write_bytes(content)

    with pytest.raises(ModelError):
        open_model(file)


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
@pytest.mark.parametrize("part", [0.01, 0.3, 0.9, 0.999])
def test_files_that_were_cut_off(suffix: str, part: float, model: Any, tmp_path: Path) -> None:
    file = tmp_path / f"model{suffix}"
    model.save(file)
    content = file.read_bytes()
    file.write_bytes(content[: int(len(content) * part)])

    with pytest.raises(ModelError, match="is damaged or cut off"):
        open_model(file)


@pytest.fixture
def witness(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that the Lambda of ``lambda_model`` writes whenever it runs."""
    monkeypatch.setenv("WITNESS", str(tmp_path / "witness"))
    return tmp_path / "witness"


def lambda_model(file: Path, witness: Path) -> Path:
    spy = kl.Lambda(lambda x: (open(__import__("os").environ["WITNESS"], "a").close(), x)[1], output_shape=(784,))
    layers = [kl.Flatten(), spy, kl.Dense(10, activation="softmax")]
    keras.Sequential([kl.Input((28, 28, 1)), *layers]).save(file)
    witness.unlink(missing_ok=True)
    return file


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_lambda_is_refused_and_never_runs(suffix: str, witness: Path, tmp_path: Path) -> None:
    file = lambda_model(tmp_path / f"model{suffix}", witness)

    with pytest.raises(UntrustedModelError, match="runs code that is stored in the file"):
        open_model(file)

    assert not witness.exists()


def test_trusted_lambda_runs(witness: Path, tmp_path: Path) -> None:
    file = lambda_model(tmp_path / "model.keras", witness)

    assert open_model(ModelOptions(file, trust=True)).runtime == "tensorflow"
    assert witness.exists()


def test_pickled_layer_is_refused_even_when_trusted(saved: Path, tmp_path: Path) -> None:
    file = tmp_path / "model.keras"
    with zipfile.ZipFile(saved) as source, zipfile.ZipFile(file, "w") as target:
        for name in source.namelist():
            target.writestr(name, source.read(name).replace(b"MaxPooling2D", b"TorchModuleWrapper"))

    with pytest.raises(ModelError, match="holds a pickled object"):
        open_model(ModelOptions(file, trust=True))


def test_verify_accepts_the_same_results(saved: Path) -> None:
    actual = verify(open_model(saved), saved, iter([IMAGES, IMAGES[:3]]))

    assert (actual.images, actual.changed, actual.passed) == (10, 0, True)
    assert actual.max_difference <= 1e-5


def test_verify_fails_with_the_difference(saved: Path, tmp_path: Path) -> None:
    other = randomize(keras.models.load_model(saved), seed=3)
    other.save(tmp_path / "other.keras")

    with pytest.raises(ModelError, match="gives other results on onnxruntime than on TensorFlow"):
        verify(open_model(saved), tmp_path / "other.keras", IMAGES)


def test_verify_opens_a_program_that_is_trusted(witness: Path, tmp_path: Path) -> None:
    file = lambda_model(tmp_path / "model.keras", witness)

    trusted = ModelOptions(file, trust=True)
    assert verify(open_model(trusted), trusted, IMAGES).passed


def test_a_program_cannot_be_verified_without_trust_and_never_runs(witness: Path, tmp_path: Path) -> None:
    file = lambda_model(tmp_path / "model.keras", witness)

    with pytest.raises(UntrustedModelError):
        check_verifiable(file)
    assert not witness.exists()


def test_verify_needs_a_keras_file(tmp_path: Path, saved: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"\x08\x08")

    with pytest.raises(ModelError, match=r"Only \.keras and \.h5 models can be verified"):
        verify(open_model(saved), tmp_path / "model.onnx", IMAGES)


@pytest.mark.parametrize(
    ("class_name", "group"),
    [
        ("Conv2D", "conv2d"),
        ("PReLU", "p_re_lu"),
        ("MaxPooling2D", "max_pooling2d"),
        ("SeparableConv1D", "separable_conv1d"),
    ],
)
def test_group_names(class_name: str, group: str) -> None:
    assert snake_case(class_name) == group
