"""Save a trained score network: its model file, and its card."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from batch_eval import __version__
from batch_eval.imaging.looking import InkModel
from batch_eval.models.score_model import ScoreModel
from batch_eval.publishing import publish
from batch_eval.training.data import TrainingData
from batch_eval.training.ink.compact import compact_bytes
from batch_eval.training.score.training import ScoreSettings, score_images

if TYPE_CHECKING:
    import keras

FORMAT = 1
"""The card's ``format``: 1 the first."""
TESTED = 3000
"""Test images of one digit, and as many of something else. Their digits are of the test set."""
TEST_SEED = 1_000_000
"""Added to the training's seed for them."""


@dataclass(frozen=True)
class ScoreCard:
    """What it takes to train the same score network again, and how well it tells digits from other things.

    ``auroc`` is the area under the ROC curve on drawn images, 0.5 to 1.
    """

    network: str
    parameters: int
    model_sha256: str
    version: str
    data: str
    data_sha256: str
    seed: int
    count: int
    epochs: int
    seconds: int
    auroc: float
    libraries: Mapping[str, str]


def save_score(
    model: keras.Model,
    seconds: float,
    data: TrainingData,
    ink_model: InkModel,
    settings: ScoreSettings,
    out: Path,
    say: Callable[[str], None] | None,
) -> ScoreCard:
    """Write the model to ``out`` and its card beside it, both or none; return the card."""
    import keras
    import tensorflow as tf

    content = compact_bytes(model)
    unseen = replace(settings, count=TESTED, seed=settings.seed + TEST_SEED)
    images, truth = score_images(data.test, ink_model, unseen)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, out.name)
        path.write_bytes(content)
        shapes = ScoreModel(path).shape(images)
    card = ScoreCard(
        network="score",
        parameters=model.count_params(),
        model_sha256=hashlib.sha256(content).hexdigest(),
        version=__version__,
        data=data.source,
        data_sha256=data.sha256,
        seed=settings.seed,
        count=settings.count,
        epochs=settings.epochs,
        seconds=round(seconds),
        auroc=round(auroc(shapes, truth), 4),
        libraries={"Keras": keras.__version__, "TensorFlow": tf.__version__, "NumPy": np.__version__},
    )
    page = (json.dumps({"format": FORMAT, **asdict(card)}, indent=2) + "\n").encode()
    publish(out.parent, [("the model", out.name, content), ("its card as JSON", f"{out.stem}.card.json", page)], say)
    return card


def auroc(scores: NDArray[np.floating], truth: NDArray[np.floating]) -> float:
    """Return the area under the ROC curve: how probably a digit scores higher than something else (Hanley 1982)."""
    order = np.argsort(scores, kind="stable")
    ranks = np.empty(len(scores))
    ranks[order] = np.arange(1, len(scores) + 1)
    values, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.bincount(inverse, ranks, len(values)) / counts)[inverse]  # equal scores share their mean rank
    # The digits' ranks, less the least that they can sum up to, count the pairs in which the digit scores higher.
    digits = truth > 0.5
    n = int(digits.sum())
    return float((ranks[digits].sum() - n * (n + 1) / 2) / (n * (len(truth) - n)))
