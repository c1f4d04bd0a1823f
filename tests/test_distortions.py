"""Each distortion does what its level says, to grey and to colour photos. The same seed gives the same bytes."""

import cv2
import numpy as np
import pytest
from drawn_digits import ink, on_paper
from hypothesis import given
from hypothesis import strategies as st

from batch_eval.distortions import camera, light, mnist_c, place, strokes
from batch_eval.distortions.suites import MNIST_C, PHOTO, find_suite
from batch_eval.errors import ConfigError
from batch_eval.imaging import preprocess

WITH_ZERO = [one for one in PHOTO.distortions if one.name not in ("jpeg", "resolution")]
NAMES = "turn tilt shift crop blur motion noise jpeg resolution dark bright uneven shadow cast thin thick ruled"


def rng(seed=1):
    return np.random.default_rng(seed)


@pytest.fixture
def photo():
    return on_paper(ink(3, 5))


@pytest.fixture
def colour(photo):
    return np.ascontiguousarray(np.stack([photo * 0.9, photo, photo * 0.8], axis=2).astype(np.uint8))


@pytest.fixture
def digit(photo):
    return preprocess(photo)


def test_the_suite_has_what_a_phone_does():
    assert NAMES.split() == [one.name for one in PHOTO.distortions]


@pytest.mark.parametrize("distortion", PHOTO.distortions, ids=lambda one: one.name)
def test_same_seed_same_bytes_and_the_photo_stays(distortion, photo, colour):
    for image in (photo, colour):
        before = image.copy()
        for level in distortion.levels:
            first, second = (distortion(image, level, rng()) for _ in range(2))

            assert np.array_equal(first, second)
            assert np.uint8 == first.dtype
            assert first is not image
        assert np.array_equal(before, image)


@pytest.mark.parametrize("distortion", WITH_ZERO, ids=lambda one: one.name)
def test_level_0_changes_nothing(distortion, colour):
    assert np.array_equal(colour, distortion(colour, 0, rng()))


@pytest.mark.parametrize("distortion", PHOTO.distortions, ids=lambda one: one.name)
def test_harsher_levels_lie_farther_from_the_photo(distortion, photo):
    if distortion.name in ("crop", "resolution"):
        sizes = [distortion(photo, level, rng()).size for level in distortion.levels]

        assert sorted(sizes, reverse=True) == sizes
        return
    first, last = (distortion(photo, distortion.levels[i], rng()).astype(float) for i in (0, -1))
    plain = photo if first.ndim == 2 else photo[..., None]

    assert 0 < np.abs(first - plain).mean() < np.abs(last - plain).mean()


@given(
    st.sampled_from(PHOTO.distortions),
    st.integers(1, 40),
    st.integers(1, 40),
    st.booleans(),
    st.integers(0, 2**32),
)
def test_images_of_any_size_are_taken(distortion, height, width, grey, seed):
    image = rng(seed).integers(0, 256, (height, width) if grey else (height, width, 3), np.uint8)
    found = distortion(image, distortion.levels[-1], rng(seed))

    assert np.uint8 == found.dtype
    assert min(found.shape[:2]) >= 1


def test_blur_spreads_a_point_by_its_sigma():
    image = np.zeros((201, 201), np.uint8)
    image[95:106, 95:106] = 255  # a square of side a has the variance (a² - 1) / 12
    for level in (2, 4, 6):
        spread = camera.focus_blurred(image, level, rng()).astype(float)
        x = np.arange(201) - 100
        variance = (spread.sum(axis=0) * x**2).sum() / spread.sum() - (11**2 - 1) / 12

        assert np.sqrt(variance) == pytest.approx(level / 100 * 201, rel=0.1)


def test_motion_smears_along_one_line():
    image = np.zeros((201, 201), np.uint8)
    image[98:103, 98:103] = 255
    moved = camera.motion_blurred(image, 20, rng(4))
    points = np.argwhere(moved > 5).astype(float)
    long, short = np.sqrt(np.linalg.eigvalsh(np.cov(points.T))[::-1] * 12)  # an even line of length a has a² / 12

    assert long == pytest.approx(40, rel=0.25)
    assert short < 15


def test_noise_has_its_deviation():
    flat = np.full((200, 200, 3), 128, np.uint8)
    noisy = camera.noisy(flat, 20, rng()).astype(float)

    assert noisy.std() == pytest.approx(20, rel=0.02)
    assert abs(np.corrcoef(noisy[..., 0].ravel(), noisy[..., 1].ravel())[0, 1]) < 0.05


def test_a_stop_halves_or_doubles_the_light():
    grey = np.full((4, 4), 100, np.uint8)

    assert round(100 * 0.5 ** (1 / 2.2)) == camera.darker(grey, 1, rng())[0, 0]
    assert round(100 * 2 ** (1 / 2.2)) == camera.brighter(grey, 1, rng())[0, 0]
    assert 255 == camera.brighter(grey, 4, rng())[0, 0]


def test_a_small_photo_has_the_side_of_its_level(photo):
    assert (24, 24) == camera.reduced(photo, 24, rng()).shape
    assert np.array_equal(photo, camera.reduced(photo, 1000, rng()))


def test_a_colour_cast_takes_the_most_from_one_colour():
    white = np.full((4, 4), 200, np.uint8)
    found = camera.tinted(white, 60, rng())[0, 0].astype(int)

    assert 80 == found.min()
    assert 200 >= found.max() > found.min()


def test_a_turn_moves_a_point_by_its_angle():
    image = np.full((101, 101), 200, np.uint8)
    image[47:54, 87:94] = 0
    y, x = np.argwhere(place.turned(image, 30, rng()) < 100).mean(axis=0) - 50

    assert abs(np.degrees(np.arctan2(y, x))) == pytest.approx(30, abs=1)
    assert np.hypot(x, y) == pytest.approx(40, abs=1)


def test_a_tilted_square_keeps_its_middle_and_loses_its_width():
    image = np.full((201, 201), 200, np.uint8)
    image[60:141, 60:141] = 0
    found = place.tilted(image, 60, rng()) < 100

    assert found[100, 100]
    assert found.sum() / 81**2 == pytest.approx(np.cos(np.radians(60)), rel=0.2)


def test_new_ground_is_paper(photo):
    for distorted in (place.turned(photo, 45, rng()), place.shifted(photo, 40, rng())):
        border = np.concatenate([distorted[0], distorted[-1], distorted[:, 0], distorted[:, -1]])

        assert np.percentile(border, 60) == pytest.approx(225, abs=3)


def test_a_crop_cuts_the_same_share_of_each_side():
    image = np.arange(200, dtype=np.uint8).reshape(10, 20)

    assert np.array_equal(image[2:8, 4:16], place.cropped(image, 20, rng()))


@pytest.mark.parametrize("dark", [True, False])
def test_strokes_grow_and_shrink_by_their_level(dark):
    bar = np.full((200, 200), 230, np.uint8)
    bar[40:160, 90:110] = 20
    bar = bar if dark else 255 - bar
    widths = [
        np.count_nonzero((image[100] < 128) == dark)
        for image in (bar, strokes.thicker(bar, 4, rng()), strokes.thinner(bar, 4, rng()))
    ]

    assert [20, 28, 12] == pytest.approx(widths, abs=1)


def test_a_shadow_takes_its_share_on_one_side():
    flat = np.full((100, 100), 200, np.uint8)
    found = light.shadowed(flat, 60, rng())

    assert (80, 200) == (found.min(), found.max())


def test_lines_are_dark_on_paper_and_bright_on_a_board(photo):
    assert (light.ruled(photo, 100, rng()) <= photo).all()
    assert (light.ruled(255 - photo, 100, rng()) >= 255 - photo).all()


def test_mnist_c_has_the_paper_s_fifteen():
    assert 15 == len(MNIST_C.settings)
    assert MNIST_C.prepared


@pytest.mark.parametrize("distortion", MNIST_C.distortions, ids=lambda one: one.name)
def test_mnist_c_changes_an_image_and_repeats_itself(distortion, digit):
    before = digit.copy()
    first, second, other = (distortion(digit, 1, rng(seed)) for seed in (1, 1, 2))

    assert (28, 28) == first.shape
    assert np.uint8 == first.dtype
    assert np.array_equal(first, second)
    assert not np.array_equal(first, digit)
    assert np.array_equal(before, digit)
    fixed = ("scale", "brightness", "stripe", "canny-edges")
    assert (distortion.name in fixed or distortion.name in ("shear", "rotate", "translate")) or not np.array_equal(
        first, other
    )


def test_mnist_c_moves_what_the_paper_says(digit):
    ones = {name: apply for name, (_, apply) in mnist_c.CORRUPTIONS.items()}
    y, x = (ones["translate"](digit, 1, rng()) > 0).nonzero()
    rows, columns = (digit > 0).nonzero()

    assert 3 == abs(y.mean() - rows.mean())
    assert 3 == abs(x.mean() - columns.mean())
    assert np.array_equal(255 - digit[:, :7], ones["stripe"](digit, 1, rng())[:, :7])
    assert 127 <= ones["brightness"](digit, 1, rng()).min()
    found = ones["scale"](digit, 1, rng())
    assert (cv2.boundingRect(found)[3] / cv2.boundingRect(digit)[3]) == pytest.approx(0.7, abs=0.1)
    hit = np.count_nonzero(ones["impulse-noise"](np.full((28, 28), 99, np.uint8), 1, rng()) != 99)
    assert hit / 784 == pytest.approx(0.17, abs=0.05)


def test_unknown_names_are_named_with_the_choices():
    with pytest.raises(ConfigError, match=r"unknown distortion 'blurr'\. Did you mean blur\? Must be one of turn, "):
        PHOTO.chosen(["blurr"])
    with pytest.raises(ConfigError, match=r"unknown suite 'c'\. Must be one of photo, mnist-c\."):
        find_suite("c")


def test_a_choice_keeps_the_suite_s_order():
    assert ["turn", "blur"] == [one.name for one in PHOTO.chosen(["blur", "turn", "blur"]).distortions]
