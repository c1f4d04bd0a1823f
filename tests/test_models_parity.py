"""Converted networks compute what Keras computes: every layer and option, in both file formats."""

import warnings
from pathlib import Path

import numpy as np
import pytest
from keras_networks import NETWORKS

from batch_eval.models.conversion import convert
from batch_eval.models.keras_file import read_keras
from batch_eval.models.onnx_runtime import open_converted

# TensorFlow 2.21 with NumPy 2.4 warns about itself
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn.t accept a copy:DeprecationWarning"),
]

UNSAVEABLE = {("augmentation", ".h5")}  # Keras 3 cannot write these layers into .h5: cannot pickle 'module' object


@pytest.mark.parametrize("name", NETWORKS)
def test_network_computes_what_keras_computes(name: str, tmp_path: Path) -> None:
    model = NETWORKS[name]()
    inputs = np.random.default_rng(1).random((8, *model.input_shape[1:]), dtype=np.float32)
    expected = np.asarray(model(inputs, training=False))

    for suffix in (".keras", ".h5"):
        if (name, suffix) in UNSAVEABLE:
            continue
        file = tmp_path / f"model{suffix}"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Keras calls .h5 legacy
            model.save(file)
        actual = open_converted(convert(read_keras(file)), threads=1).run(inputs)

        assert expected.shape == actual.shape
        assert np.abs(expected - actual).max() <= 1e-5, suffix
        assert (expected.argmax(axis=1) == actual.argmax(axis=1)).all(), suffix
