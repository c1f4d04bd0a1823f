"""A screen's bars, with a clock and buttons in them, are cut off."""

import cv2
import numpy as np
import pytest
from drawn_digits import difference, ink, on_paper

from batch_eval.imaging import preprocess
from batch_eval.imaging.surroundings.screen_bars import cut_screen_bars

LITTLE = 0.1
"""Difference below which two results show the same digit."""


def bar(width: int, *, tone: int, text: int, height: int = 24) -> np.ndarray:
    """Return (H, W, 3) uint8 with a clock at the left and a button at the right."""
    picture = np.full((height, width, 3), tone, np.uint8)
    cv2.putText(picture, "9:41", (6, 17), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (text,) * 3, 1, cv2.LINE_AA)
    cv2.rectangle(picture, (width - 50, 6), (width - 10, 17), (90, 160, 60), -1)
    return picture


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    paper = cv2.resize(on_paper(ink(3)), (200, 200), interpolation=cv2.INTER_CUBIC)
    return np.minimum(cv2.cvtColor(paper, cv2.COLOR_GRAY2BGR), 200)


@pytest.mark.parametrize(("tone", "text"), [(0, 255), (255, 0), (30, 220)])
def test_bars_above_and_below_are_cut_off(photo: np.ndarray, tone: int, text: int):
    shown = np.vstack([bar(200, tone=tone, text=text), photo, bar(200, tone=tone, text=text)])

    actual = cut_screen_bars(shown)

    # a row of the photo on each side may go with the bar
    assert len(photo) - 2 <= len(actual) <= len(photo)
    assert difference(preprocess(photo), preprocess(shown)) < LITTLE


def test_a_photo_without_bars_stays_whole(photo: np.ndarray):
    assert np.array_equal(photo, cut_screen_bars(photo))


def test_a_bar_of_the_canvas_s_own_tone_stays():
    canvas = cv2.cvtColor(255 - cv2.resize(ink(3), (200, 200)), cv2.COLOR_GRAY2BGR)
    shown = np.vstack([bar(200, tone=255, text=0), canvas])

    assert np.array_equal(shown, cut_screen_bars(shown))


@pytest.mark.parametrize("tone", [0, 128, 255])
def test_an_image_of_one_tone_stays(tone: int):
    shown = np.full((100, 80), tone, np.uint8)

    assert np.array_equal(shown, cut_screen_bars(shown))


def test_a_bar_of_half_the_image_is_no_bar(photo: np.ndarray):
    shown = np.vstack([bar(200, tone=0, text=255, height=150), photo])

    assert np.array_equal(shown, cut_screen_bars(shown))
