"""Save a trained ink network: its model file, and its card."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from batch_eval import __version__
from batch_eval.errors import TrainingError
from batch_eval.imaging.looking import PROBABLE
from batch_eval.models.ink_model import SIDES, InkModel
from batch_eval.publishing import publish
from batch_eval.training.batches import Digits
from batch_eval.training.data import TrainingData
from batch_eval.training.ink.compact import compact_bytes
from batch_eval.training.ink.scene import ink_scene
from batch_eval.training.ink.training import InkSettings, InkTraining

FORMAT = 1
"""The card's ``format``: 1 the first."""
TESTED = 1000
"""Scenes of each size for the test. Their digits are new to the network."""
TEST_SEED = 1_000_000
"""Added to the training's seed for them."""


@dataclass(frozen=True)
class InkCard:
    """What it takes to train the network again, and how well it finds ink.

    ``overlap`` is the mean intersection over union of found and true ink, 0 to 1. Its keys are sides of the scenes in
    pixels. Scenes without a digit in question do not count. ``blank`` is the share of scenes without ink where none
    was found.
    """

    network: str
    parameters: int
    model_sha256: str
    version: str
    data: str
    data_sha256: str
    seed: int
    steps: int
    learning_rate: float
    seconds: int
    overlap: Mapping[int, float]
    blank: float
    libraries: Mapping[str, str]


def save_ink(
    result: InkTraining, data: TrainingData, settings: InkSettings, out: Path, say: Callable[[str], None] | None
) -> InkCard:
    """Write the model and its card, both or none, and return the card.

    Raises TrainingError if ``out`` does not end in ``.keras``, ReportError if the folder cannot be written to.
    """
    check_name(out)
    content = compact_bytes(result.model)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, out.name)
        path.write_bytes(content)
        overlap, blank = tested(InkModel(path), data.test, settings.seed + TEST_SEED)
    card = _card(result, data, settings, hashlib.sha256(content).hexdigest(), overlap, blank)
    page = (json.dumps({"format": FORMAT, **asdict(card)}, indent=2) + "\n").encode()
    publish(out.parent, [("the model", out.name, content), ("its card as JSON", f"{out.stem}.card.json", page)], say)
    return card


def check_name(out: Path) -> None:
    """Raise TrainingError if an ink model cannot be called so."""
    if out.suffix != ".keras" or out.name == ".keras":
        raise TrainingError(f"--out {out} is not the name of an ink model. Must end in .keras.")


def tested(model: InkModel, given: Digits, seed: int) -> tuple[dict[int, float], float]:
    """Return the mean overlap by side, and the share of blank scenes found blank."""
    overlaps: dict[int, float] = {}
    blank: list[bool] = []
    for side in SIDES:
        found: list[float] = []
        for number in range(TESTED):
            # Each scene has its own generator: the same seed tests every model on the same scenes.
            scene = ink_scene(np.random.default_rng([seed, side, number]), given, side)
            ink = model.maps(scene.image[None])[0, ..., 0] > PROBABLE
            true = scene.maps[..., 0] > 255 * PROBABLE
            if scene.single and true.any():
                found.append(float((ink & true).sum() / (ink | true).sum()))
            elif scene.single:
                blank.append(not ink.any())
        overlaps[side] = round(float(np.mean(found)), 4) if found else 0.0
    return overlaps, round(float(np.mean(blank)), 4) if blank else 1.0


def _card(
    result: InkTraining,
    data: TrainingData,
    settings: InkSettings,
    model_sha256: str,
    overlap: Mapping[int, float],
    blank: float,
) -> InkCard:
    import keras
    import tensorflow as tf

    return InkCard(
        network="ink",
        parameters=result.model.count_params(),
        model_sha256=model_sha256,
        version=__version__,
        data=data.source,
        data_sha256=data.sha256,
        seed=settings.seed,
        steps=result.steps,
        learning_rate=settings.learning_rate,
        seconds=round(result.seconds),
        overlap=overlap,
        blank=blank,
        libraries={"Keras": keras.__version__, "TensorFlow": tf.__version__, "NumPy": np.__version__},
    )
