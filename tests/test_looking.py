"""Looking for ink: at the whole image, then at the part around small ink. A stand-in takes what is dark for ink."""

from dataclasses import dataclass, field

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from batch_eval.imaging.looking import CLOSE, LARGE, LOOKS, MAP_SIDE, SMALL, Window, find_ink, fitted, look


@dataclass
class DarkIsInk:
    """Takes every dark pixel for ink, and remembers the sizes that it saw."""

    sides: list[int] = field(default_factory=list)

    def maps(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        self.sides.append(images.shape[1])
        ink = 1 - images.max(axis=-1, keepdims=True).astype(np.float32) / 255
        return np.concatenate([ink, ink, np.zeros_like(ink)], axis=-1)


def page(height: int, width: int, *boxes: Window) -> NDArray[np.uint8]:
    """A white page with black boxes."""
    image = np.full((height, width, 3), 255, np.uint8)
    for box in boxes:
        box.of(image)[:] = 0
    return image


@pytest.mark.parametrize(
    ("shape", "side"), [((28, 28), SMALL), ((64, 20), SMALL), ((65, 20), LARGE), ((600, 800), LARGE)]
)
def test_small_images_are_seen_small(shape: tuple[int, int], side: int):
    model = DarkIsInk()

    look(page(*shape), model)

    assert model.sides == [side]


def test_a_large_digit_is_looked_at_once():
    model = DarkIsInk()

    _, seen = look(page(300, 200, Window(50, 60, 150, 250)), model)

    assert seen.window == (0, 0, 200, 300)
    assert len(model.sides) == 1


def test_a_small_digit_is_looked_at_again():
    model, digit = DarkIsInk(), Window(200, 300, 240, 360)

    _, seen = look(page(600, 800, digit), model)

    assert len(model.sides) == 2
    assert 90 < max(seen.window.size) < 140
    assert seen.window.left < digit.left - 10
    assert seen.window.bottom > digit.bottom + 10


def test_a_speck_in_a_corner_is_found():
    model = DarkIsInk()

    _, seen = look(page(1200, 1600, Window(1570, 1170, 1590, 1195)), model)

    assert len(model.sides) <= LOOKS
    assert max(seen.window.size) < 80
    assert seen.window.right <= 1600
    assert seen.window.bottom <= 1200


def test_a_blank_page_is_looked_at_once():
    model = DarkIsInk()

    look(page(600, 800), model)

    assert len(model.sides) == 1
    assert not find_ink(page(600, 800), model).ink.any()


def test_the_map_keeps_the_aspect_of_what_was_seen():
    ink = find_ink(page(300, 150, Window(30, 60, 120, 240)), DarkIsInk()).ink

    assert ink.shape == (MAP_SIDE, MAP_SIDE // 2)
    _x, _y, width, height = cv2.boundingRect(ink)
    assert abs(height / width - 2) < 0.1


def test_dirt_is_no_ink():
    ink = find_ink(page(128, 128, Window(30, 30, 90, 90), Window(110, 110, 113, 113)), DarkIsInk()).ink

    assert not ink[-40:, -40:].any()


def test_both_parts_of_a_digit_are_kept():
    ink = find_ink(page(128, 128, Window(30, 30, 50, 90), Window(60, 30, 80, 50)), DarkIsInk()).ink

    assert cv2.connectedComponents((ink > 0).astype(np.uint8))[0] == 3


@pytest.mark.parametrize("shape", [(300, 200), (20, 30), (300, 20), (20, 300, 3), (128, 128, 3)])
def test_an_image_is_fitted_whatever_its_aspect(shape: tuple[int, ...]):
    image = np.full(shape, 77, np.uint8)

    assert fitted(image, LARGE).shape == (LARGE, LARGE, *shape[2:])
    assert (fitted(image, LARGE) == 77).all()


def test_the_closest_look_still_shows_paper():
    """What spans just less than the limit leaves some paper around it when it is looked at again."""
    side = int(CLOSE * 400) - 6

    _, seen = look(page(400, 400, Window(100, 100, 100 + side, 100 + side)), DarkIsInk())

    assert side * 1.5 < max(seen.window.size) < 400
