"""The named networks: their parameters, and what reads the same definition with and without TensorFlow."""

from pathlib import Path

import numpy as np
import pytest

from batch_eval.errors import ModelError, TrainingError
from batch_eval.models import ModelOptions, open_model, verify
from batch_eval.models.architectures import ARCHITECTURES
from batch_eval.training.networks import NETWORKS, named_network, network

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings(
        "ignore:__array__ implementation:DeprecationWarning"  # in Keras itself, when it saves
    ),
]
PARAMETERS = {
    "default": 320_722,
    "mlp-512": 407_050,
    "cnn-32-64": 1_199_882,
    "cnn-4x4": 103_786,
    "cnn-deep": 5_259_594,
    "cnn-64-32": 203_434,
    "cnn-flask": 130_890,
    "cnn-flask-bn": 1_185_418,
    "cnn-fashion": 257_162,
}
HIDDEN = {"mlp-256": 203_530, "mlp-512-256": 535_818}
"""Networks by their hidden layers."""


@pytest.mark.parametrize(("name", "parameters"), [*PARAMETERS.items(), *HIDDEN.items()])
def test_a_network_has_the_documented_number_of_parameters(name: str, parameters: int):
    assert parameters == network(name).build().count_params()


def test_every_architecture_has_hyperparameters():
    assert ARCHITECTURES.keys() == NETWORKS.keys() == PARAMETERS.keys()


@pytest.mark.parametrize("name", [*PARAMETERS, *HIDDEN])
def test_weights_alone_are_run_by_the_networks_name_as_keras_runs_them(name: str, tmp_path: Path):
    model = network(name).build()
    model.save_weights(tmp_path / "m.weights.h5")
    images = np.random.default_rng(0).integers(0, 256, (4, 28, 28), np.uint8)

    weights = ModelOptions(tmp_path / "m.weights.h5", network=name)
    opened = open_model(weights)

    assert "onnxruntime" == opened.runtime
    expected = model.predict(images[..., None].astype(np.float32) / 255, verbose=0)
    np.testing.assert_allclose(expected, opened.predict(images), atol=1e-5)
    assert verify(opened, weights, images).passed


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    network("mlp-512").build().save_weights(tmp_path / "m.weights.h5")
    return tmp_path / "m.weights.h5"


def test_weights_of_another_network_are_refused(weights: Path):
    with pytest.raises(ModelError, match=r"does not hold the weights of the network cnn-flask"):
        open_model(ModelOptions(weights, network="cnn-flask"))


def test_weights_without_a_network_name_are_refused_with_the_option(weights: Path):
    with pytest.raises(ModelError, match=r"weights only.*--network"):
        open_model(weights)


def test_an_unknown_network_is_refused_with_the_known_ones(weights: Path):
    with pytest.raises(ModelError, match=r"unknown network 'resnet'\. Must be one of default, mlp-512"):
        open_model(ModelOptions(weights, network="resnet"))


def test_a_whole_model_is_not_opened_as_another_network(tmp_path: Path):
    network("mlp-512").build().save(tmp_path / "m.keras")

    with pytest.raises(ModelError, match="holds its own architecture"):
        open_model(ModelOptions(tmp_path / "m.keras", network="mlp-512"))


def test_a_network_without_weights_is_refused():
    with pytest.raises(ModelError, match=r"--network mlp-512 needs a weights file"):
        open_model(ModelOptions(network="mlp-512"))


def test_hidden_layers_are_part_of_the_name():
    assert ["mlp-512", "mlp-512-256", "mlp-256", "cnn-flask"] == [
        *(named_network("mlp", "512"), named_network("mlp", "512, 256"), named_network("mlp", None)),
        named_network("cnn-flask", None),
    ]


@pytest.mark.parametrize(
    ("name", "hidden", "message"),
    [
        ("mlp", "0", "Must be units of each hidden layer, such as 512,256"),
        ("mlp", "many", "--hidden many is invalid"),
        ("cnn-flask", "256", "--hidden 256 is for --network mlp"),
    ],
)
def test_hidden_layers_that_do_not_fit_are_refused(name: str, hidden: str, message: str):
    with pytest.raises(TrainingError, match=message):
        named_network(name, hidden)
