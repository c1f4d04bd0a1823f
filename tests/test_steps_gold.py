"""A golden picture for every step of every recipe: `pytest --update-gold` draws them again."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from batch_eval.imaging import preprocessor
from batch_eval.imaging.files import encode
from batch_eval.training.scenes import SceneOptions, draw_scene

GOLD = Path(__file__).with_name("pictures") / "steps"
TOLERANCE = 2.0
"""Mean grey levels by which OpenCV's releases may differ."""
STEPS = [(recipe, step.name) for recipe in ("photo", "mnist") for step in preprocessor(recipe).steps]


@pytest.fixture(scope="module")
def stages():
    scene = draw_scene(
        np.random.default_rng(1), 5, SceneOptions(paper="squared", pen="fountain", light="gradient", size=200)
    )
    return {recipe: dict(preprocessor(recipe).trace(scene.image)) for recipe in ("photo", "mnist")}


@pytest.mark.parametrize(("recipe", "step"), STEPS)
def test_each_step_makes_its_golden_picture(stages, recipe, step, request, tmp_path):
    actual = stages[recipe][step]
    file = GOLD / f"{recipe}-{step}.png"
    if request.config.getoption("--update-gold"):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(encode(actual))
    (tmp_path / file.name).write_bytes(encode(actual))
    expected = cv2.imread(str(file), cv2.IMREAD_UNCHANGED)

    assert expected is not None, f"{file} is missing; run pytest --update-gold"
    assert expected.shape == actual.shape
    assert np.abs(expected.astype(float) - actual).mean() <= TOLERANCE, f"see {tmp_path / file.name}"
