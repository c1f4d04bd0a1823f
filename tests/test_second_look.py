"""The second look: the network's ink is taken where it looks more like one digit than the rules', and only there."""

import cv2
import numpy as np
import pytest
from drawn_digits import ink, on_paper
from numpy.typing import NDArray

from batch_eval.imaging import PreprocessingOptions, preprocess, preprocessor, second_look
from batch_eval.imaging.second_look import finished, look_again


class Finds:
    """An ink model that finds the same ink in every image."""

    def __init__(self, found: NDArray[np.uint8]) -> None:
        self.found = found

    def maps(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        seen = cv2.resize(self.found, images.shape[1:3]).astype(np.float32) / 255
        return np.stack([seen] * 3, axis=-1)[None]


class Rates:
    """A score model that gives a bar and a block log odds."""

    def __init__(self, bar: float, block: float) -> None:
        self.bar, self.block = bar, block

    def odds(self, images: NDArray[np.uint8]) -> NDArray[np.float64]:
        return np.where((images > 0).sum(axis=(1, 2)) < 100, self.bar, self.block)


BAR, BLOCK, NOTHING = (np.zeros((100, 100), np.uint8) for _ in range(3))
BAR[10:90, 45:52] = BLOCK[10:90, 30:70] = 255


@pytest.fixture
def second(monkeypatch: pytest.MonkeyPatch):
    def look(rules: NDArray[np.uint8], network: NDArray[np.uint8], bar: float, block: float) -> NDArray[np.uint8]:
        monkeypatch.setattr(second_look, "open_ink_model", lambda: Finds(network))
        monkeypatch.setattr(second_look, "open_score_model", lambda: Rates(bar, block))
        return np.asarray(look_again(rules, np.full((100, 100), 255, np.uint8)), np.uint8)

    return look


def test_ink_that_looks_more_like_a_digit_is_taken_where_the_rules_is_doubted(second):
    assert np.count_nonzero(second(BAR, BLOCK, second_look.DOUBT - 1, 3.0)) > 2 * np.count_nonzero(BAR)


@pytest.mark.parametrize(
    ("bar", "block"), [(second_look.DOUBT + 1, 9.0), (-9.0, -9.0), (-3.0, -8.0)], ids=["sure", "equal", "worse"]
)
def test_else_the_rules_ink_stays(second, bar, block):
    np.testing.assert_array_equal(second(BAR, BLOCK, bar, block), BAR)


def test_doubted_ink_that_the_network_does_not_see_is_no_ink(second):
    assert not second(BAR, NOTHING, second_look.DOUBT - 1, 9.0).any()
    assert second(BAR, NOTHING, second_look.DOUBT + 1, 9.0).any()


def test_the_network_is_not_asked_about_ink_that_looks_like_a_digit(monkeypatch):
    monkeypatch.setattr(second_look, "open_ink_model", lambda: pytest.fail("asked"))

    assert not preprocessor("photo")(on_paper(ink(3))).blank


def test_the_network_alone_must_be_sure(second):
    assert second(NOTHING, BLOCK, 0.0, second_look.ALONE + 1).any()
    assert not second(NOTHING, BLOCK, 0.0, second_look.ALONE - 1).any()


def test_without_the_look_the_rules_decide():
    image = on_paper(ink(5))
    stages = dict(preprocessor("photo").trace(image))

    np.testing.assert_array_equal(
        preprocess(image, PreprocessingOptions(skip=("look",))), finished(np.asarray(stages["digit"]))
    )


@pytest.mark.parametrize("place", [(300, 400), (20, 20), (560, 760)], ids=["middle", "corner", "far corner"])
@pytest.mark.parametrize("side", [28, 40])
def test_a_speck_on_a_large_canvas_is_found(place, side):
    canvas = np.full((600, 800), 255, np.uint8)
    small = cv2.resize(255 - ink(3), (side, side), interpolation=cv2.INTER_AREA)
    top, left = (min(p, whole - side) for p, whole in zip(place, canvas.shape, strict=True))
    canvas[top : top + side, left : left + side] = small

    expected = preprocess(np.pad(small, 30, constant_values=255))

    assert np.abs(preprocess(canvas).astype(int) - expected).mean() < 4
