"""Each quality flag on a picture that deserves it, and none on one that does not."""

import cv2
import numpy as np
import pytest
from drawn_digits import ink, on_paper

from batch_eval.imaging import preprocessor
from batch_eval.training.scenes import SceneOptions, draw_scene


def flags(image):
    return preprocessor("photo")(image).flags


def plain(seed=3):
    return cv2.resize(on_paper(ink(seed)), (384, 384), interpolation=cv2.INTER_AREA)


def test_a_clear_digit_has_no_flag():
    assert () == flags(plain())


def test_blank_paper_has_no_flag():
    assert () == flags(np.full((300, 300), 220, np.uint8))


def test_pale_ink_is_low_contrast():
    assert "low_contrast" in flags(on_paper(ink(3), darkness=0.12))


def test_ink_hardly_above_the_noise_is_faint():
    rng = np.random.default_rng(0)
    noisy = on_paper(cv2.resize(ink(3), (384, 384)), darkness=0.12) + rng.normal(0, 5, (384, 384))

    assert "faint" in flags(noisy.clip(0, 255).astype(np.uint8))


def test_a_photo_out_of_focus_is_blurred():
    assert "blurred" in flags(cv2.GaussianBlur(plain(), (0, 0), 9))


def test_a_digit_at_the_edge_touches_the_border():
    image = plain()
    rows = np.flatnonzero((image < 128).any(axis=1))

    assert "touches_border" in flags(image[rows[0] + 8 :])


@pytest.mark.parametrize("paper", ["ruled", "squared"])
def test_ruled_paper_is_flagged(paper):
    scene = draw_scene(np.random.default_rng(3), 2, SceneOptions(paper=paper, pen="felt-tip", light="even", size=384))

    assert "ruled_paper" in flags(scene.image)


def test_two_digits_are_several():
    assert "several_digits" in flags(np.hstack([plain(3), plain(4)]))
