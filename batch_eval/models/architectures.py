"""The layers of the named networks.

Training builds them with Keras. A weights-only file is opened with them. A layer is a Keras class and the settings
that differ from Keras' defaults. ``default`` ships with the package; courses and tutorials use the others.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from batch_eval.errors import ModelError

Layer = tuple[str, Mapping[str, Any]]
SHAPE = (28, 28, 1)
"""Input shape of every named network: height, width, channels. Ink is 1.0, background 0.0."""


def _conv(filters: int, kernel: int = 3, **settings: Any) -> Layer:
    return "Conv2D", {"filters": filters, "kernel_size": kernel, "activation": "relu", **settings}


def _dense(units: int, activation: str = "relu") -> Layer:
    return "Dense", {"units": units, "activation": activation}


def _dropout(rate: float) -> Layer:
    return "Dropout", {"rate": rate}


# (filters, kernel size, stride): three blocks halve the image, 28 → 14 → 7 → 4 px, in place of pooling
_DEFAULT_BLOCKS = ((40, 5, 2), (64, 3, 1), (80, 3, 2), (112, 3, 1), (144, 3, 2))
_POOL: Layer = ("MaxPooling2D", {})
_FLATTEN: Layer = ("Flatten", {})
_NORM: Layer = ("BatchNormalization", {})
_CLASSES = _dense(10, "softmax")


def _strided(filters: int, kernel: int, stride: int) -> tuple[Layer, ...]:
    # no bias: the batch normalization after it has one
    plain = _conv(filters, kernel, strides=stride, padding="same", use_bias=False, activation="linear")
    return plain, _NORM, ("ReLU", {})


ARCHITECTURES: Mapping[str, tuple[Layer, ...]] = {
    "default": (
        *(layer for block in _DEFAULT_BLOCKS for layer in _strided(*block)),
        _FLATTEN,
        _dropout(0.3),
        _CLASSES,
    ),
    "mlp-512": (_FLATTEN, _dense(512), _CLASSES),
    "cnn-32-64": (_conv(32), _conv(64), _POOL, _dropout(0.25), _FLATTEN, _dense(128), _dropout(0.5), _CLASSES),
    "cnn-4x4": (
        *(_conv(32, 4), _POOL, _conv(64, 4), _POOL, _conv(64, 4)),
        *(_dropout(0.2), _FLATTEN, _dense(64, "sigmoid"), _CLASSES),
    ),
    "cnn-deep": (
        *(_conv(64, padding="same"), _conv(64, padding="same"), _POOL),
        *(_conv(128, padding="same"), _conv(256), _POOL),
        *(_FLATTEN, _dense(512), _dropout(0.5), _dense(256), _dropout(0.5), _CLASSES),
    ),
    "cnn-64-32": (_conv(64), _conv(32), _FLATTEN, _CLASSES),
    "cnn-flask": (
        *(_conv(32), _POOL, _conv(64), _POOL, _conv(64)),
        *(_FLATTEN, _dense(128), _dropout(0.5), _CLASSES),
    ),
    "cnn-fashion": (
        *(_conv(32, padding="same"), _POOL, _conv(64, padding="same"), _POOL, _conv(64, padding="same")),
        *(_FLATTEN, _dense(64), _CLASSES),
    ),
    "cnn-flask-bn": (
        *(_conv(128), _NORM, _POOL, _conv(256), _NORM, _POOL, _conv(256), _NORM),
        *(_FLATTEN, _dense(128), _dropout(0.5), _CLASSES),
    ),
}


def layers(name: str) -> tuple[Layer, ...]:
    """Return the layers of a named network. ``mlp-512-256`` has hidden layers of 512 and 256 units.

    Raises:
        ModelError: The name is unknown.

    """
    if name in ARCHITECTURES:
        return ARCHITECTURES[name]
    if hidden := hidden_units(name):
        return (_FLATTEN, *map(_dense, hidden), _CLASSES)
    raise ModelError(
        f"unknown network {name!r}. Must be one of {', '.join(ARCHITECTURES)}, or mlp-UNITS such as mlp-512-256."
    )


def hidden_units(name: str) -> tuple[int, ...]:
    """Return the units of the hidden layers of ``mlp-512-256``. Other names have none."""
    found = re.fullmatch(r"mlp((?:-[1-9][0-9]{0,4})+)", name)
    return tuple(int(units) for units in found[1].split("-")[1:]) if found else ()


def config(name: str) -> dict[str, Any]:
    """Return the config of a named network: the JSON that Keras saves for a Sequential model.

    Raises:
        ModelError: The name is unknown.

    """
    entries: list[dict[str, Any]] = [
        {"class_name": "InputLayer", "config": {"name": "input", "batch_shape": [None, *SHAPE]}}
    ]
    for i, (class_name, settings) in enumerate(layers(name)):
        entries.append({"class_name": class_name, "config": {"name": f"layer_{i}", **settings}})
    return {"class_name": "Sequential", "config": {"name": name, "layers": entries}}
