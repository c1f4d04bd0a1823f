"""Models whose architecture and weights lie in two files, as Keras 1, 2 and 3 write them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from keras_networks import randomize
from late_keras import keras, kl
from numpy.typing import NDArray

from batch_eval.errors import ModelError
from batch_eval.models import ModelOptions, open_model, verify
from batch_eval.models.class_names import parse_classes
from batch_eval.training.networks import network

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn.t accept a copy:DeprecationWarning")

IMAGES = np.random.default_rng(0).integers(0, 256, (4, 28, 28), dtype=np.uint8)
FIXED: dict[str, Any] = {
    "input_range": "0..1",
    "ink": "bright",
    "transposed": False,
    "class_names": tuple("0123456789"),
}

Weights = Mapping[str, Mapping[str, NDArray[np.float32]]]


def expected(model: Any) -> NDArray[np.float32]:
    """Return what Keras predicts."""
    return model.predict_on_batch(IMAGES[..., None].astype("float32") / 255)


def old_weights(file: Path, layers: Weights, **attributes: str) -> Path:
    """Write weights as ``save_weights`` of Keras 1 and 2 does: a group a layer, with the names of its weights."""
    with h5py.File(file, "w") as root:
        root.attrs["layer_names"] = [name.encode() for name in layers]
        root.attrs.update(attributes)
        for layer, weights in layers.items():
            group = root.create_group(layer)
            group.attrs["weight_names"] = [name.encode() for name in weights]
            for name, array in weights.items():
                group[name] = array
    return file


def keras2_layout(model: Any, file: Path, rename: Sequence[str] = ()) -> Path:
    """Write a model's weights in the layout of Keras 2, under other layers' names if wanted."""
    names = rename or [layer.name for layer in model.layers]
    return old_weights(
        file,
        {
            name: {f"{name}/{weight.name}:0": weight.numpy() for weight in layer.weights}
            for name, layer in zip(names, model.layers, strict=True)
        },
        keras_version="2.15.0",
        backend="tensorflow",
    )


@pytest.fixture(scope="module")
def model() -> Any:
    layers = [kl.Conv2D(4, 3, activation="relu"), kl.BatchNormalization(), kl.MaxPooling2D(), kl.Flatten()]
    return randomize(keras.Sequential([kl.Input((28, 28, 1)), *layers, kl.Dense(10, activation="softmax")]))


@pytest.mark.parametrize(
    ("weights", "architecture"),
    [
        ("model.weights.h5", "model.json"),
        ("model_weights.weights.h5", "model_weights.json"),
        ("model.h5", "model.json"),
        ("model_weights.h5", "model.json"),
    ],
)
def test_architecture_beside_the_weights_is_found(weights: str, architecture: str, model: Any, tmp_path: Path) -> None:
    (tmp_path / architecture).write_text(model.to_json())
    file = tmp_path / weights
    if weights.endswith(".weights.h5"):
        model.save_weights(file)
    else:
        keras2_layout(model, file)

    opened = open_model(ModelOptions(file, **FIXED))

    np.testing.assert_allclose(opened.predict(IMAGES), expected(model), atol=1e-5)
    assert f"The architecture of the weights is that of {architecture}." in opened.notes


@pytest.mark.slow
def test_architecture_is_named(model: Any, tmp_path: Path) -> None:
    (tmp_path / "layers.json").write_text(json.dumps(model.to_json()))  # JSON in JSON, as json.dump makes of a text
    model.save_weights(tmp_path / "kept.weights.h5")
    options = ModelOptions(tmp_path / "kept.weights.h5", architecture=tmp_path / "layers.json", **FIXED)

    opened = open_model(options)

    np.testing.assert_allclose(opened.predict(IMAGES), expected(model), atol=1e-5)
    assert verify(opened, options, IMAGES).passed


def test_keras_2_wrote_both(data: Path, tmp_path: Path) -> None:
    with h5py.File(data / "models" / "keras2" / "cnn.h5") as whole, h5py.File(tmp_path / "model.h5", "w") as weights:
        for name in whole["model_weights"]:
            whole.copy(f"model_weights/{name}", weights)
        weights.attrs.update(whole["model_weights"].attrs)
        content = json.loads(whole.attrs["model_config"]) | {"keras_version": "2.15.0", "backend": "tensorflow"}
    (tmp_path / "model.json").write_text(json.dumps(content))
    images = np.load(data / "models" / "keras2" / "x.npy")[..., 0]
    pixels = np.rint(images * 255).astype(np.uint8)

    opened = open_model(ModelOptions(tmp_path / "model.h5", **FIXED))

    whole_model = open_model(ModelOptions(data / "models" / "keras2" / "cnn.h5", **FIXED))
    assert np.array_equal(opened.predict(pixels), whole_model.predict(pixels))


@pytest.mark.slow
def test_networks_weights_in_the_layout_of_keras_2(tmp_path: Path) -> None:
    trained = randomize(network("mlp-512").build())
    file = keras2_layout(trained, tmp_path / "mlp.h5", rename=["flatten_7", "dense_14", "dense_15"])
    options = ModelOptions(file, network="mlp-512", **FIXED)

    opened = open_model(options)

    np.testing.assert_allclose(opened.predict(IMAGES), expected(trained), atol=1e-5)
    assert verify(opened, options, IMAGES).passed


def test_weights_of_other_layers_are_refused(model: Any, tmp_path: Path) -> None:
    file = keras2_layout(model, tmp_path / "mine.h5", rename=["a", "b", "c", "d", "e"])

    with pytest.raises(ModelError, match="the weights of the network mlp-512: it holds weights of 3 layers, not of 2"):
        open_model(ModelOptions(file, network="mlp-512"))


def test_architecture_of_another_model_is_refused(model: Any, tmp_path: Path) -> None:
    (tmp_path / "model.json").write_text(model.to_json().replace('"units": 10', '"units": 11'))
    model.save_weights(tmp_path / "model.weights.h5")

    with pytest.raises(ModelError, match=r"does not hold the weights of model\.json: the weight kernel has the shape"):
        open_model(tmp_path / "model.weights.h5")


def test_other_architectures_beside_are_offered_and_not_guessed(model: Any, tmp_path: Path) -> None:
    (tmp_path / "arch.json").write_text(model.to_json())
    (tmp_path / "history.json").write_text("[1, 2]")
    model.save_weights(tmp_path / "cnn.weights.h5")

    with pytest.raises(ModelError, match=r"arch\.json beside it could be its architecture\. Name .* --architecture"):
        open_model(tmp_path / "cnn.weights.h5")


@pytest.mark.parametrize(
    ("content", "message"), [(None, "There is no architecture at"), ("{}", "is not a Keras architecture")]
)
def test_other_files_are_no_architecture(content: str | None, message: str, model: Any, tmp_path: Path) -> None:
    model.save_weights(tmp_path / "m.weights.h5")
    if content:
        (tmp_path / "arch.json").write_text(content)

    with pytest.raises(ModelError, match=message):
        open_model(ModelOptions(tmp_path / "m.weights.h5", architecture=tmp_path / "arch.json"))


def test_network_and_architecture_exclude_each_other(model: Any, tmp_path: Path) -> None:
    model.save_weights(tmp_path / "m.weights.h5")

    with pytest.raises(ModelError, match="Give one of them"):
        open_model(ModelOptions(tmp_path / "m.weights.h5", network="mlp-512", architecture=tmp_path / "a.json"))


def test_whole_models_take_no_architecture(model: Any, tmp_path: Path) -> None:
    model.save(tmp_path / "m.keras")
    (tmp_path / "a.json").write_text(model.to_json())

    with pytest.raises(ModelError, match=r"holds its own architecture\. Leave out --architecture"):
        open_model(ModelOptions(tmp_path / "m.keras", architecture=tmp_path / "a.json"))


def keras1_architecture(ordering: str) -> dict[str, Any]:
    """Return what ``to_json`` of Keras 1.2.2 wrote for a network of a course."""
    shape = [None, 28, 28, 1] if ordering == "tf" else [None, 1, 28, 28]
    base = {"trainable": True, "W_regularizer": None, "b_regularizer": None, "activity_regularizer": None}
    constraints = {"W_constraint": None, "b_constraint": None, "init": "glorot_uniform", "bias": True}
    conv = {"nb_filter": 4, "nb_row": 3, "nb_col": 3, "activation": "relu", "border_mode": "valid"}
    pool = {"pool_size": [2, 2], "strides": [2, 2], "border_mode": "valid", "dim_ordering": ordering}
    layers = [
        (
            "Convolution2D",
            {**base, **constraints, **conv, "subsample": [1, 1], "dim_ordering": ordering}
            | {"name": "convolution2d_1", "batch_input_shape": shape, "input_dtype": "float32"},
        ),
        ("MaxPooling2D", {**pool, "name": "maxpooling2d_1", "trainable": True}),
        ("Dropout", {"p": 0.25, "name": "dropout_1", "trainable": True}),
        ("Flatten", {"name": "flatten_1", "trainable": True}),
        (
            "Dense",
            {**base, **constraints, "output_dim": 10, "input_dim": 676, "activation": "linear", "name": "dense_1"},
        ),
        ("Activation", {"activation": "softmax", "name": "activation_1", "trainable": True}),
    ]
    entries = [{"class_name": name, "config": config} for name, config in layers]
    return {"class_name": "Sequential", "config": entries, "keras_version": "1.2.2"}


def keras1_files(folder: Path, ordering: str, kernel: Any, others: Sequence[Any], **attributes: str) -> Path:
    """Write a model of Keras 1 in two files."""
    bias, dense_kernel, dense_bias = others
    (folder / "model.json").write_text(json.dumps(keras1_architecture(ordering)))
    return old_weights(
        folder / "model.h5",
        {
            "convolution2d_1": {"convolution2d_1_W": kernel, "convolution2d_1_b": bias},
            "maxpooling2d_1": {},
            "dropout_1": {},
            "flatten_1": {},
            "dense_1": {"dense_1_W": dense_kernel, "dense_1_b": dense_bias},
            "activation_1": {},
        },
        **attributes,
    )


@pytest.fixture(scope="module")
def course() -> Any:
    layers = [kl.Conv2D(4, 3, activation="relu"), kl.MaxPooling2D(), kl.Flatten()]
    return randomize(keras.Sequential([kl.Input((28, 28, 1)), *layers, kl.Dense(10, activation="softmax")]))


def test_keras_1_with_tensorflow(course: Any, tmp_path: Path) -> None:
    kernel, *others = course.get_weights()
    file = keras1_files(tmp_path, "tf", kernel, others)

    opened = open_model(ModelOptions(file, **FIXED))

    np.testing.assert_allclose(opened.predict(IMAGES), expected(course), atol=1e-5)


def test_keras_1_with_theano_mirrors_kernels_and_has_channels_first(course: Any, tmp_path: Path) -> None:
    kernel, bias, dense_kernel, dense_bias = course.get_weights()
    stored = kernel[::-1, ::-1].transpose(3, 2, 0, 1)
    flat = dense_kernel.reshape(13, 13, 4, 10).transpose(2, 0, 1, 3).reshape(676, 10)
    file = keras1_files(tmp_path, "th", stored, (bias, flat, dense_bias), backend="theano")

    opened = open_model(ModelOptions(file, **FIXED))

    np.testing.assert_allclose(opened.predict(IMAGES), expected(course), atol=1e-5)


def test_keras_1_is_refused_where_the_file_does_not_say_enough(course: Any, tmp_path: Path) -> None:
    kernel, *others = course.get_weights()
    file = keras1_files(tmp_path, "th", kernel.transpose(3, 2, 0, 1), others)

    with pytest.raises(ModelError, match="does not say whether Theano mirrors them"):
        open_model(ModelOptions(file, **FIXED))


def test_teachable_machine_states_its_range_by_its_layout(tmp_path: Path) -> None:
    backbone = keras.Sequential(
        [
            kl.Input((16, 16, 3)),
            kl.Conv2D(4, 3, name="Conv1"),
            kl.GlobalAveragePooling2D(name="global_average_pooling2d_GlobalAveragePooling2D1"),
        ],
        name="sequential_1",
    )
    head = keras.Sequential(
        [
            kl.Input((4,)),
            kl.Dense(6, activation="relu", name="dense_Dense1"),
            kl.Dense(3, activation="softmax", use_bias=False, name="dense_Dense2"),
        ],
        name="sequential_3",
    )
    model = randomize(keras.Sequential([kl.Input((16, 16, 3)), backbone, head], name="sequential_4"))
    model.save(tmp_path / "keras_model.keras")
    (tmp_path / "labels.txt").write_text("0 one\n1 two\n2 three\n")

    with pytest.raises(ModelError, match=r"has 3 classes\. Name them .* labels\.txt"):
        open_model(tmp_path / "keras_model.keras")
    opened = open_model(
        ModelOptions(tmp_path / "keras_model.keras", class_names=parse_classes(str(tmp_path / "labels.txt")))
    )

    assert str(opened.convention.input_range) == "-1..1"
    assert opened.class_names == ("one", "two", "three")
    assert any("Teachable Machine" in note for note in opened.notes)
