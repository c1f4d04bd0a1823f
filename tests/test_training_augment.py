"""What augmentation keeps: shape, type, ink, place; and what it changes."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batch_eval.imaging.steps import centre_of_mass
from batch_eval.training import augment
from batch_eval.training.batches import Digits, batches, drawn_digits, drawn_plates
from batch_eval.training.drawing import draw_ink

SEEDS = st.integers(0, 2**32 - 1)
LABELS = st.integers(0, 9)
ON_PLATES: list[Callable[[np.random.Generator, np.ndarray], np.ndarray]] = [
    augment.warped,
    augment.thickened,
    augment.degraded,
    augment.binarised,
    augment.specked,
    augment.ruled,
    augment.cropped,
]


def plate(label: int = 5, seed: int = 0) -> np.ndarray:
    return augment.plate_of_ink(draw_ink(np.random.default_rng(seed), label))


@pytest.mark.parametrize("step", ON_PLATES, ids=lambda step: step.__name__)
@settings(deadline=None, max_examples=15)
@given(SEEDS, LABELS)
def test_a_step_makes_a_plate_of_a_plate_and_leaves_its_input_alone(step, seed: int, label: int):
    before = plate(label)
    given_plate = before.copy()

    after = step(np.random.default_rng(seed), given_plate)

    assert (after.shape, after.dtype) == ((56, 56), np.uint8)
    assert after.any()
    np.testing.assert_array_equal(given_plate, before)


@settings(deadline=None, max_examples=60)
@given(SEEDS, LABELS)
def test_an_augmented_digit_is_a_mnist_image(seed: int, label: int):
    image = augment.augmented(np.random.default_rng(seed), plate(label))

    assert (image.shape, image.dtype) == ((28, 28), np.uint8)
    assert image.any()


@settings(deadline=None, max_examples=30)
@given(LABELS)
def test_a_normalised_digit_has_its_centre_of_mass_in_the_middle(label: int):
    image = augment.normalised(plate(label))

    assert max(abs(c - 14) for c in centre_of_mass(image)) <= 1.6  # a digit that would leave the frame stays inside


def test_a_plate_holds_the_digit_at_twice_the_scale_of_mnist():
    rows, columns = np.nonzero(plate(8))

    assert max(np.ptp(rows), np.ptp(columns)) + 1 == 40


def test_specks_do_not_take_ink_away():
    before = plate()

    assert augment.specked(np.random.default_rng(1), before).sum() >= before.sum() * 0.95


def test_thickened_strokes_have_more_or_less_ink():
    before = plate()
    sums = {int(augment.thickened(np.random.default_rng(seed), before).sum()) for seed in range(20)}

    assert min(sums) < before.sum() < max(sums)


def test_drawn_digits_have_every_class_equally_often():
    digits = drawn_digits(seed=1, count=40)

    assert np.bincount(digits.labels).tolist() == [4] * 10
    assert digits.images.shape == (40, 28, 28)


def test_batches_are_of_float_images_and_one_hot_labels():
    images, labels = next(stream(augment=True))

    assert (images.shape, images.dtype) == ((16, 28, 28, 1), np.float32)
    assert 0 <= images.min() < images.max() <= 1
    assert (labels.shape, labels.dtype) == ((16, 10), np.float32)
    np.testing.assert_array_equal(labels.sum(axis=1), 1)


def test_the_same_seed_gives_the_same_batches():
    first, second = (stream(augment=True) for _ in range(2))

    for _ in range(3):
        np.testing.assert_array_equal(next(first)[0], next(second)[0])


def test_without_augmentation_the_given_digits_come_as_they_are():
    given_digits = drawn_digits(seed=3, count=20)
    images, labels = next(batches(given_digits, drawn_plates(4, 0), size=20, seed=1, augment=False))

    seen = {(image.tobytes(), label) for image, label in zip(images, labels.argmax(axis=1).tolist(), strict=True)}
    expected = {
        ((image[..., None].astype(np.float32) / 255).tobytes(), int(label))
        for image, label in zip(given_digits.images, given_digits.labels, strict=True)
    }
    assert expected == seen


def stream(augment: bool):
    return batches(drawn_digits(seed=3, count=20), drawn_plates(4, 20), size=16, seed=1, augment=augment)


def test_digits_know_their_number():
    digits = Digits(np.zeros((3, 28, 28), np.uint8), np.zeros(3, np.uint8))

    assert len(digits) == 3
