"""What a model costs: its size, its parameters, and the time that it takes for an image."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from batch_eval.models.classifier import Classifier
from batch_eval.models.options import DEFAULT_MODEL

TIMED_IMAGES = 32
"""Images in a timed call: a full batch of a usual model."""
TIMED_CALLS = 3
"""Timed calls at most. The fastest counts, as other programs only slow a call down."""
TIMED_SECONDS = 0.2
"""Seconds after which no further call is timed."""


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What a model costs, and what it is fed.

    ``size`` is the file's size in bytes. ``parameters`` counts all weights, None where unknown. ``milliseconds`` is the
    time of one image in a batch on one thread, None unless measured. ``convention`` says what pixels the model gets.
    """

    size: int
    parameters: int | None
    milliseconds: float | None
    convention: str


def model_facts(classifier: Classifier, path: Path | None, *, timed: bool = True) -> ModelFacts:
    """Return the facts of an opened model. ``path`` is its file, None for the model that ships with the package."""
    return ModelFacts(
        size=_size(path or DEFAULT_MODEL),
        parameters=classifier.parameters,
        milliseconds=_milliseconds(classifier) if timed else None,
        convention=_convention(classifier),
    )


def _size(file: Path) -> int:
    files = [part for part in file.rglob("*") if part.is_file()] if file.is_dir() else [file]
    return sum(part.stat().st_size for part in files)


def _milliseconds(classifier: Classifier) -> float:
    """Return the milliseconds that one image of a batch takes."""
    images = np.zeros((TIMED_IMAGES, *classifier.size), np.uint8)
    times: list[float] = []
    while len(times) < TIMED_CALLS and sum(times) < TIMED_SECONDS:
        start = time.perf_counter()
        classifier.predict(images)
        times.append(time.perf_counter() - start)
    return 1000 * min(times) / TIMED_IMAGES


def _convention(classifier: Classifier) -> str:
    """Return the input's size, channels and convention, and the kind of the outputs."""
    height, width = classifier.size
    colour = "×3" if classifier.channels == 3 else ""
    return f"{height}×{width}{colour}, {classifier.convention}, {classifier.output_kind}"
