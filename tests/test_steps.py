"""Each step of the MNIST recipe on pictures whose result is known."""

import cv2
import numpy as np
import pytest
from drawn_digits import ink, on_paper
from hypothesis import given
from hypothesis import strategies as st

from batch_eval.imaging import preprocessor, steps
from batch_eval.imaging.ink import clear_paper, separate_ink
from batch_eval.imaging.stroke import normalise_stroke, stroke_width


def bar(height: int, width: int, *, frame: int = 60) -> np.ndarray:
    """A bright bar in the middle of a dark frame."""
    image = np.zeros((frame, frame), np.uint8)
    top, left = (frame - height) // 2, (frame - width) // 2
    image[top : top + height, left : left + width] = 255
    return image


def test_grey_weighs_the_channels_as_the_eye_does():
    blue, green, red = np.eye(3, dtype=np.uint8)[:, None, None, :] * 255

    assert [29, 150, 76] == [int(steps.grey(colour)[0, 0]) for colour in (blue, green, red)]


@given(
    st.lists(st.integers(0, 255), min_size=1, max_size=300),
    st.one_of(st.sampled_from([75.0, 90.0, 99.0, 99.5]), st.floats(0, 100)),
)
def test_a_percentile_is_numpys(values, percent):
    pixels = np.array(values, np.uint8)

    assert np.percentile(pixels, percent) == steps.percentile(pixels, percent)


def test_dark_ink_becomes_bright():
    inverted = steps.bright_ink(255 - bar(40, 6))

    np.testing.assert_array_equal(bar(40, 6), inverted)


def test_bright_ink_stays():
    np.testing.assert_array_equal(bar(40, 6), steps.bright_ink(bar(40, 6)))


def test_background_becomes_exactly_zero():
    noise = np.random.default_rng(0).integers(0, 20, (60, 60)).astype(np.uint8)

    cleared = steps.clear_background(np.maximum(noise, bar(40, 6)))

    np.testing.assert_array_equal(bar(40, 6) > 0, cleared > 0)


def test_an_even_image_has_no_ink():
    assert not steps.clear_background(np.full((60, 60), 180, np.uint8)).any()


def test_crop_leaves_only_the_rectangle_of_ink():
    assert (40, 6) == steps.crop_to_ink(bar(40, 6)).shape


@pytest.mark.parametrize(
    ("size", "fitted"), [((40, 6), (20, 3)), ((6, 40), (3, 20)), ((5, 5), (20, 20)), ((400, 1), (20, 1))]
)
def test_longest_side_becomes_20_with_aspect_kept(size, fitted):
    assert fitted == steps.fit_to_box(np.full(size, 255, np.uint8)).shape


def test_shrinking_averages_over_area():
    stripes = np.tile(np.array([0, 255], np.uint8), (40, 20))

    assert {127, 128} >= set(np.unique(steps.fit_to_box(stripes)).tolist())


@given(st.integers(0, 200))
def test_centre_of_mass_comes_within_half_a_pixel_of_the_middle(seed):
    result = preprocessor("photo")(on_paper(ink(seed))).image

    row, column = steps.centre_of_mass(result)
    assert max(abs(row - 14), abs(column - 14)) <= 0.5


@pytest.mark.slow
def test_all_mnist_images_are_recognised_as_such(data):
    with np.load(data / "mnist.npz") as mnist:
        images = np.concatenate([mnist["x_train"], mnist["x_test"]])

    assert len(images) == sum(steps.is_mnist_like(image) for image in images)


@pytest.mark.parametrize(
    "change",
    [
        lambda image: np.roll(image, 3, axis=0),
        lambda image: 255 - image,
        lambda image: np.maximum(image, 9),
        lambda image: image // 2,
        lambda image: np.pad(image, 1),
    ],
    ids=["off-centre", "inverted", "grey background", "dim", "other size"],
)
def test_what_only_resembles_mnist_is_not_taken_for_it(change):
    digit = preprocessor("mnist")(on_paper(ink(0))).image

    assert steps.is_mnist_like(digit)
    assert not steps.is_mnist_like(change(digit))


def test_what_the_recipes_make_is_mnist_like_in_size_and_place():
    digit = preprocessor("mnist")(on_paper(ink(3))).image

    assert (28, 28) == digit.shape
    assert 20 == max(steps.crop_to_ink(digit).shape)


@pytest.mark.parametrize("width", [2, 6, 12, 24])
def test_strokes_get_the_width_of_mnists_pens(width):
    drawn = normalise_stroke(bar(100, width, frame=120)[10:110, 48:72])

    in_mnist_pixels = stroke_width((drawn >= 128).astype(np.uint8)) / 4
    assert 1.3 <= in_mnist_pixels <= 3.7  # 5th and 99th percentile of MNIST's own digits


def test_a_stroke_on_cleaned_paper_is_solid_however_thick():
    cleaned = np.full((28, 28), 250, np.uint8)
    cleaned[4:24, 8:20] = 10

    absorbed = separate_ink(cleaned)

    assert {0} == set(np.unique(absorbed[cleaned == 250]).tolist())
    assert {245} == set(np.unique(absorbed[cleaned == 10]).tolist())


@pytest.mark.parametrize("darkness", [0.07, 0.2, 0.9])
def test_ink_is_cut_from_paper_alone_as_beside_other_ink(darkness):
    page = on_paper(ink(3), darkness=darkness)
    dotted = page.copy()
    cv2.circle(dotted, (155, 5), 3, 20, -1)  # far from the digit, in a corner

    alone, beside = (clear_paper(separate_ink(image)) for image in (page, dotted))

    assert alone.any()
    assert not np.array_equal(alone, beside)
    np.testing.assert_array_equal(alone[12:], beside[12:])
