"""The scenes that the ink network is trained on: the same seed draws the same, and the true ink is where it shows."""

import numpy as np
import pytest

from batch_eval.training.batches import Digits
from batch_eval.training.drawing import write
from batch_eval.training.ink.frame import frame
from batch_eval.training.ink.marks import digit, other
from batch_eval.training.ink.scene import InkScene, ink_scene
from batch_eval.training.ink.stream import CHUNK, chunk

pytestmark = pytest.mark.slow

SIZES = (64, 128)


@pytest.fixture(scope="module")
def given() -> Digits:
    """A ring and a stroke, drawn as MNIST's digits lie in their squares."""
    y, x = np.mgrid[:28, :28]
    away = np.hypot(y - 13.5, x - 13.5)
    ring, stroke = (away > 6) & (away < 9), (abs(x - 13.5) < 2) & (abs(y - 13.5) < 10)
    return Digits(np.stack([ring, stroke]).astype(np.uint8) * np.uint8(255), np.array([0, 1], np.uint8))


def scenes(given: Digits, size: int, count: int = 60) -> list[InkScene]:
    return [ink_scene(np.random.default_rng([9, i]), given, size) for i in range(count)]


@pytest.mark.parametrize("size", SIZES)
def test_a_scene_has_the_networks_size(given: Digits, size: int):
    for scene in scenes(given, size):
        assert scene.image.shape == scene.maps.shape == (size, size, 3)
        assert scene.image.dtype == scene.maps.dtype == np.uint8


def test_the_same_seed_draws_the_same_scenes(given: Digits):
    first, second = chunk(given, 3, 5, 64), chunk(given, 3, 5, 64)

    assert len(first.images) == CHUNK
    assert all((a == b).all() for a, b in zip(first, second, strict=True))


def test_another_number_draws_other_scenes(given: Digits):
    assert (chunk(given, 3, 5, 64).images != chunk(given, 3, 6, 64).images).any()


@pytest.mark.parametrize("size", SIZES)
def test_the_digit_is_a_part_of_what_is_written(given: Digits, size: int):
    for scene in scenes(given, size):
        assert (scene.maps[..., 0] <= scene.maps[..., 1]).all()


def test_only_a_scene_with_ink_has_a_label(given: Digits):
    drawn = scenes(given, 64, 200)

    assert all(scene.maps[..., 0].any() == (scene.label >= 0) for scene in drawn)
    assert {scene.label for scene in drawn} == {-1, *range(10)}


def test_most_scenes_show_one_digit(given: Digits):
    drawn = scenes(given, 64, 200)

    assert np.mean([scene.label >= 0 for scene in drawn]) > 0.75
    assert np.mean([not scene.single for scene in drawn]) < 0.12


def test_a_window_holds_nearly_all_of_its_digit(given: Digits):
    rng = np.random.default_rng(2)
    for _ in range(200):
        mark = digit(rng, given)
        window = frame(rng, mark, 128)
        seen_across = min(window.width, window.left + window.digit_width) - max(0, window.left)
        seen_down = min(window.height, window.top + window.digit_height) - max(0, window.top)

        assert max(window.shape) <= 129
        assert seen_across > 0.85 * window.digit_width - 1
        assert seen_down > 0.85 * window.digit_height - 1


def test_other_marks_have_ink(given: Digits):
    rng = np.random.default_rng(3)

    assert all(other(rng, given).cover.any() for _ in range(100))


def test_rare_ways_are_drawn_only_where_they_are_wanted():
    """Scenes for people, such as the sample images, keep to the usual ways."""
    usual = [write(np.random.default_rng(i), 9) for i in range(20)]
    rare = [write(np.random.default_rng(i), 9, rare=True) for i in range(20)]

    assert any(len(a) != len(b) or a[0].shape != b[0].shape for a, b in zip(usual, rare, strict=True))
