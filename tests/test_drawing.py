"""Drawn digits: strokes, ink and photos."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batch_eval.training.allographs import ALLOGRAPHS, Allograph
from batch_eval.training.drawing import draw_ink, write
from batch_eval.training.papers import LIGHTS, PAPERS
from batch_eval.training.pens import PENS, Nib, ink
from batch_eval.training.scenes import SceneOptions, draw_scene
from batch_eval.training.writer import Stroke, Writer, join, resample

SEEDS = st.integers(0, 2**32 - 1)
LABELS = st.integers(0, 9)


def steady_writer() -> Writer:
    return Writer(np.random.default_rng(0), jitter=0)


def test_every_digit_has_several_allographs():
    counts = np.bincount([way.label for way in ALLOGRAPHS], minlength=10)

    assert len(counts) == 10
    assert counts.min() >= 3


def test_allographs_have_different_names():
    names = [way.name for way in ALLOGRAPHS]

    assert sorted(set(names)) == sorted(names)


@pytest.mark.parametrize("way", ALLOGRAPHS, ids=lambda way: way.name)
@pytest.mark.parametrize("seed", range(3))
def test_an_allograph_fills_about_one_digit_height(way: Allograph, seed: int):
    points = np.vstack(way.draw(Writer(np.random.default_rng(seed))))

    assert 0.85 < np.ptp(points[:, 1]) < 1.35
    assert np.isfinite(points).all()


@settings(deadline=None, max_examples=40)
@given(SEEDS)
def test_a_long_flag_rises_steeply_to_the_top_of_a_one(seed: int):
    stroke = _drawn("one_long_flag", seed)

    assert _rise(stroke, corner=int(stroke[:, 1].argmin())) > 40


@settings(deadline=None, max_examples=40)
@given(SEEDS)
def test_the_bar_of_a_seven_is_nearly_level(seed: int):
    stroke = _drawn("seven_upright", seed)

    assert abs(_rise(stroke, corner=int(stroke[:, 0].argmax()))) < 15


def _drawn(name: str, seed: int) -> Stroke:
    """The first stroke of an allograph from a writer that does not jitter."""
    way = next(way for way in ALLOGRAPHS if way.name == name)
    return way.draw(Writer(np.random.default_rng(seed), jitter=0))[0]


def _rise(stroke: Stroke, corner: int) -> float:
    """Degrees above the horizontal from the start of a stroke to its point ``corner``."""
    dx, dy = stroke[corner] - stroke[0]
    return float(np.degrees(np.arctan2(-dy, dx)))


def test_a_line_goes_through_its_points():
    stroke = steady_writer().line((0, 0), (1, 0), (1, 2))

    np.testing.assert_allclose(stroke[[0, 12, 24]], [(0, 0), (1, 0), (1, 2)])


def test_a_curve_goes_through_its_points():
    stroke = steady_writer().curve((0, 0), (1, 1), (2, 0))

    np.testing.assert_allclose(stroke[[0, 12, 24]], [(0, 0), (1, 1), (2, 0)])


def test_an_arc_of_a_full_turn_closes():
    stroke = steady_writer().arc((0, 0), (1, 2), 0, 360)

    np.testing.assert_allclose(stroke[[0, -1]], [(1, 0), (1, 0)], atol=1e-12)


def test_joined_parts_follow_without_a_gap():
    joined = join(np.array([[0.0, 0.0], [1.0, 0.0]]), np.array([[5.0, 5.0], [5.0, 6.0]]))

    np.testing.assert_array_equal(joined, [[0, 0], [1, 0], [1, 1]])


def test_resampled_points_are_equally_far_apart():
    stroke = resample(np.array([[0.0, 0.0], [0.1, 0.0], [1.0, 0.0]]), 0.25)

    np.testing.assert_allclose(stroke[:, 0], [0, 0.25, 0.5, 0.75, 1])


@settings(deadline=None, max_examples=40)
@given(SEEDS, LABELS)
def test_a_written_digit_has_its_longer_side_one(seed: int, label: int):
    points = np.vstack(write(np.random.default_rng(seed), label))

    assert np.ptp(points, axis=0).max() == pytest.approx(1)


@settings(deadline=None, max_examples=40)
@given(SEEDS, LABELS)
def test_the_same_state_draws_the_same_ink(seed: int, label: int):
    first, second = (draw_ink(np.random.default_rng(seed), label, 48) for _ in range(2))

    np.testing.assert_array_equal(first, second)
    assert first.shape == (48, 48)
    assert first.dtype == np.uint8
    assert first.any()


def test_ink_is_as_wide_as_the_nib():
    line = np.array([[0.0, 0.0], [0.0, 1.0]])

    picture = ink(np.random.default_rng(0), [line], Nib(0.1, pressure=0), 120, height=100)

    assert picture[60].sum() / 255 == pytest.approx(10, abs=1.5)


@pytest.mark.parametrize("paper", PAPERS)
@pytest.mark.parametrize("pen", PENS)
def test_a_scene_is_a_photo_with_its_ink(paper: str, pen: str):
    scene = draw_scene(np.random.default_rng(5), 3, SceneOptions(paper=paper, pen=pen, size=80))

    assert (scene.image.shape, scene.image.dtype) == ((80, 80, 3), np.uint8)
    assert (scene.ink.shape, scene.ink.dtype) == ((80, 80), np.uint8)
    assert (scene.label, scene.paper, scene.pen) == (3, paper, pen)


@pytest.mark.parametrize("light", LIGHTS)
def test_ink_is_darker_than_the_paper_around_it(light: str):
    scene = draw_scene(np.random.default_rng(5), 8, SceneOptions(paper="plain", pen="marker", light=light, blur=(0, 0)))

    grey = scene.image.mean(axis=2)
    assert grey[scene.ink == 255].mean() < grey[scene.ink == 0].mean() - 40


def test_the_same_state_draws_the_same_scene():
    first, second = (draw_scene(np.random.default_rng(9), 4) for _ in range(2))

    np.testing.assert_array_equal(first.image, second.image)
    assert (first.paper, first.pen, first.light) == (second.paper, second.pen, second.light)


def test_an_unknown_paper_is_refused():
    with pytest.raises(KeyError, match="papyrus"):
        draw_scene(np.random.default_rng(0), 1, SceneOptions(paper="papyrus"))
