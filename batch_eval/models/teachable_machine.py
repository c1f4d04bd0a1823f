"""Models of Google's Teachable Machine, whose layout is always the same and whose pixels are -1..1.

They are a MobileNetV2 and a small network on top: https://github.com/googlecreativelab/teachablemachine-community.
The names of their layers come from TensorFlow.js, where they are trained.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from batch_eval.models.runtime import Runtime

PIXEL_RANGE = "-1..1"
_LAYERS = (r"global_average_pooling2d_GlobalAveragePooling2D\d+", r"dense_Dense\d+")


def is_teachable_machine(config: Mapping[str, Any]) -> bool:
    """Return whether a Keras model is an export of Teachable Machine."""
    names = list(_names(config))
    return all(any(re.fullmatch(pattern, name) for name in names) for pattern in _LAYERS)


def _names(entry: Mapping[str, Any]) -> Iterator[str]:
    """Yield the names of all layers, also of those in models within."""
    config = entry.get("config")
    layers = config.get("layers") if isinstance(config, Mapping) else config
    for layer in layers if isinstance(layers, list) else ():
        if isinstance(layer, Mapping):
            yield from _names(layer)
    if isinstance(config, Mapping):
        yield str(config.get("name"))


def stated_by_layout(runtime: Runtime) -> Runtime:
    """Return the runtime of such a model with what its layout states."""
    note = (
        "It is an export of Teachable Machine. The labels.txt beside it names its classes: give --classes labels.txt."
    )
    return replace(runtime, pixel_range=PIXEL_RANGE, notes=(*runtime.notes, note))
