"""A model from inside: its description, how well it reads the package's own digits, and what its layers make of one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from batch_eval.engines.reader import Reader
from batch_eval.engines.rows import Guess, Trial, top_guesses
from batch_eval.engines.trials import read_own_digits
from batch_eval.files import read
from batch_eval.imaging import Preprocessor
from batch_eval.models import DEFAULT_MODEL, Classifier, ModelOptions
from batch_eval.models.description import Description, describe
from batch_eval.models.failures import model_errors
from batch_eval.models.onnx_runtime import run_all
from batch_eval.models.own_digits import own_digits

SHOWN_DIGIT = 3
"""Place of the own digit that is shown unless an image is given: a 5."""
TOP = 3
"""Most probable classes that are listed."""


@dataclass(frozen=True)
class LayerMaps:
    """What a layer returns for the image: (height, width, channels) float32."""

    name: str
    class_name: str
    maps: NDArray[np.float32]


@dataclass(frozen=True)
class Shown:
    """The image that the layers were shown."""

    name: str
    seen: NDArray[np.uint8]
    """What the model saw, (H, W) or (H, W, 3) BGR uint8."""
    guesses: tuple[Guess, ...]
    maps: tuple[LayerMaps, ...]


@dataclass(frozen=True)
class ModelView:
    """A model from inside."""

    classifier: Classifier
    description: Description
    own: Trial | None
    """How many of the package's own digits it reads; None if its classes are not the digits."""
    shown: Shown | None
    """None if there is no image to show."""


def view_model(options: ModelOptions, classifier: Classifier, recipe: Preprocessor, image: Path | None) -> ModelView:
    """Look into an opened model.

    Args:
        options: What it was opened with.
        classifier: The model.
        recipe: How ``image`` is prepared.
        image: An image file to show it; None for an own digit, if the model reads digits.

    Raises:
        UnreadableImageError: The image cannot be decoded.

    """
    description, own = describe(options), read_own_digits(classifier)
    shown = None
    if image is not None:
        reading = Reader(classifier, recipe).read(read(str(image)), TOP)
        seen = np.asarray(reading.prepared.image, np.uint8)
        shown = _shown(image.name, seen, classifier, description, options)
    elif own is not None:
        digits = own_digits()
        name = f"a {digits.labels[SHOWN_DIGIT]} of this program's own digits"
        shown = _shown(name, digits.images[SHOWN_DIGIT], classifier, description, options)
    return ModelView(classifier, description, own, shown)


def _shown(
    name: str, seen: NDArray[np.uint8], classifier: Classifier, description: Description, options: ModelOptions
) -> Shown:
    guesses = top_guesses(classifier.predict(seen[None])[0], classifier.class_names, TOP)
    return Shown(name, seen, guesses, tuple(_maps(classifier.prepare(seen[None]), description, options)))


def _maps(prepared: NDArray[np.float32], description: Description, options: ModelOptions) -> list[LayerMaps]:
    """Return what each layer that returns an image makes of the input."""
    if description.converted is None:
        return []
    with model_errors(options.path or DEFAULT_MODEL):
        outputs = run_all(description.converted, prepared, options)
    return [
        LayerMaps(call.name, call.class_name, _channels_last(output[0], call.config))
        for call, output in zip(description.converted.layers, outputs, strict=True)
        if output.ndim == 4
    ]


def _channels_last(maps: NDArray[np.float32], config: Mapping[str, Any]) -> NDArray[np.float32]:
    return np.moveaxis(maps, 0, -1) if config.get("data_format") == "channels_first" else maps
