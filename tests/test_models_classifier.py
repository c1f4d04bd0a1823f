"""Classifier: 8-bit images in, probabilities out, for models of any input and output."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch_eval.errors import ConfigError, ModelError
from batch_eval.models.classifier import Classifier
from batch_eval.models.layout import InputLayout
from batch_eval.models.options import ModelOptions
from batch_eval.models.runtime import Batch, Runtime

CONVENTION = ("input_range", "ink", "transposed", "class_names", "only")
rng = np.random.default_rng(0)
IMAGES = rng.integers(0, 256, (5, 28, 28), dtype=np.uint8)


class Recorder:
    """A model that records its input and returns the first ten numbers of each image."""

    def __init__(self, answer: Callable[[Batch], Batch] = lambda batch: batch.reshape(len(batch), -1)[:, :10]) -> None:
        self.answer = answer
        self.batches: list[Batch] = []

    def __call__(self, batch: Batch) -> Batch:
        self.batches.append(batch)
        return self.answer(batch)


def classifier(run: Any, shape: tuple[int, ...] = (28, 28, 1), **settings: Any) -> Classifier:
    options = {key: settings.pop(key) for key in CONVENTION if key in settings}
    return Classifier(
        Runtime("test", run, shape, **settings), name="m.keras", sha256="", options=ModelOptions(**options)
    )


def given_to_model(images: np.ndarray, shape: tuple[int, ...], **settings: Any) -> Batch:
    """Return the input that a model of this shape gets for the images."""
    model = Recorder()
    subject = classifier(model, shape, **settings)
    subject.predict(images)
    return model.batches[-1][: len(images)]


@pytest.mark.parametrize("shape", [(28, 28, 1), (28, 28), (784,), (1, 28, 28), (784, 1), (1, 784)])
def test_grey_images_take_the_models_shape(shape: tuple[int, ...]) -> None:
    expected = (IMAGES.astype("float32") / 255).reshape(5, *shape)

    actual = given_to_model(IMAGES, shape)

    np.testing.assert_array_equal(expected, actual)
    assert actual.dtype == np.float32


@pytest.mark.parametrize("shape", [(28, 28, 3), (3, 28, 28)])
def test_grey_images_fill_three_channels(shape: tuple[int, ...]) -> None:
    planes = (IMAGES.astype("float32") / 255)[..., None].repeat(3, axis=-1)

    actual = given_to_model(IMAGES, shape)

    np.testing.assert_array_equal(planes if shape[-1] == 3 else planes.transpose(0, 3, 1, 2), actual)


def test_colours_arrive_as_rgb() -> None:
    bgr = rng.integers(0, 256, (2, 28, 28, 3), dtype=np.uint8)

    actual = given_to_model(bgr, (28, 28, 3), input_range="0..255")

    np.testing.assert_array_equal(bgr[..., ::-1], actual)


def test_colours_become_grey_for_one_channel() -> None:
    blue = np.zeros((1, 28, 28, 3), np.uint8)
    blue[..., 0] = 255

    actual = given_to_model(blue, (28, 28, 1), input_range="0..255")

    assert set(actual.ravel()) == {29.0}  # 0.114 of blue, ITU-R BT.601


@pytest.mark.parametrize(
    ("input_range", "expected"),
    [
        ("0..1", IMAGES.astype("float32") / 255),
        ("0..255", IMAGES.astype("float32")),
        ("-1..1", 2 * IMAGES.astype("float32") / 255 - 1),
    ],
)
def test_ranges_are_bit_exact(input_range: str, expected: np.ndarray) -> None:
    actual = given_to_model(IMAGES, (28, 28), input_range=input_range)

    np.testing.assert_array_equal(expected, actual)


def test_auto_range_is_inferred_from_the_model() -> None:
    actual = classifier(Recorder(), pixel_range="0..255").convention.input_range

    assert str(actual) == "0..255"


def test_another_range_than_the_inferred_one_is_used_with_a_note() -> None:
    actual = classifier(Recorder(), pixel_range="0..255", input_range="0..1")

    assert str(actual.convention.input_range) == "0..1"
    assert "expect pixel values 0..255" in actual.notes[0]


def test_unknown_range_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"Must be auto, 0\.\.1, -1\.\.1, mnist"):
        classifier(Recorder(), input_range="0..2")


@pytest.mark.parametrize("size", [(32, 32), (20, 24), (64, 64)])
def test_images_are_resized_to_the_model(size: tuple[int, int]) -> None:
    actual = given_to_model(np.full((2, 28, 28), 7, np.uint8), (*size, 1), input_range="0..255")

    np.testing.assert_array_equal(np.full((2, *size, 1), 7.0), actual)


@pytest.mark.parametrize("shape", [(10,), (28, 28, 2), (5, 28, 28, 1), (100, 7, 9)])
def test_other_input_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ModelError, match="which is not an image"):
        InputLayout.from_shape(shape, "m.keras")


def constant(row: list[float]) -> Callable[[Batch], Batch]:
    return lambda batch: np.tile(np.array(row, np.float32), (len(batch), 1))


def test_probabilities_pass_through() -> None:
    row = [0.05] * 8 + [0.3, 0.3]

    actual = classifier(constant(row), activation="softmax").predict(IMAGES)

    np.testing.assert_array_equal(constant(row)(IMAGES), actual)


def test_logits_get_a_softmax() -> None:
    logits = np.array([3, 1, 0, -2, 0, 0, 800, 0, 0, 799], np.float32)
    powers = np.exp(logits - 800)

    subject = classifier(constant(logits.tolist()), activation="linear")
    actual = subject.predict(IMAGES)

    np.testing.assert_allclose(np.tile(powers / powers.sum(), (5, 1)), actual, rtol=1e-6)
    assert "softmax" in subject.notes[-1]


def test_linear_outputs_get_a_softmax_even_where_they_look_like_probabilities() -> None:
    assert classifier(constant([0.1] * 10), activation="linear").output_kind == "logits"


def test_log_probabilities_become_probabilities() -> None:
    actual = classifier(constant(np.log([0.1] * 10).tolist()), activation="log_softmax").predict(IMAGES)

    np.testing.assert_allclose(np.full((5, 10), 0.1), actual, rtol=1e-6)


def test_one_sigmoid_a_class_is_divided_by_the_sum() -> None:
    row = [0.5, 0.25, *[0.0] * 8]

    actual = classifier(constant(row), activation="sigmoid").predict(IMAGES)

    np.testing.assert_allclose([2 / 3, 1 / 3, *[0] * 8], actual[0], rtol=1e-6)


def test_sigmoids_that_all_underflow_make_equal_classes() -> None:
    model = classifier(lambda batch: np.zeros((len(batch), 10), np.float32), activation="sigmoid")

    np.testing.assert_allclose(np.full((5, 10), 0.1), model.predict(IMAGES))


def test_nan_for_one_image_is_refused() -> None:
    model = classifier(lambda batch: np.where(np.isclose(batch[:, 0, 0], 7 / 255), np.nan, np.full((1, 10), 0.1)))
    images = np.zeros_like(IMAGES)
    model.predict(images)
    images[3] = 7

    with pytest.raises(ModelError, match="NaN"):
        model.predict(images)


@pytest.mark.parametrize(
    ("row", "kind"),
    [([0.1] * 10, "probabilities"), ([0.3] * 10, "one-vs-rest"), ([-1.0, 4.0, *[0.0] * 8], "logits")],
)
def test_an_unknown_output_kind_is_inferred_from_the_outputs(row: list[float], kind: str) -> None:
    assert classifier(constant(row)).output_kind == kind


def test_one_sigmoid_output_is_the_second_class() -> None:
    actual = classifier(constant([0.75]), activation="sigmoid", class_names=["zero", "one"])

    np.testing.assert_array_equal([[0.25, 0.75]], actual.predict(IMAGES[:1]))
    assert actual.class_names == ("zero", "one")


def test_one_output_without_sigmoid_is_a_regression() -> None:
    with pytest.raises(ModelError, match="regression"):
        classifier(constant([0.75]), activation="linear", class_names=["a", "b"])


def test_outputs_may_have_axes_of_one() -> None:
    actual = classifier(lambda batch: np.full((len(batch), 1, 1, 10), 0.1, np.float32)).predict(IMAGES)

    assert actual.shape == (5, 10)


@pytest.mark.parametrize("shape", [(2, 5), (10, 10)])
def test_outputs_of_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ModelError, match="Expected one number per class"):
        classifier(lambda batch: np.zeros((len(batch), *shape), np.float32))


def test_nan_is_refused() -> None:
    with pytest.raises(ModelError, match="NaN"):
        classifier(constant([np.nan] * 10))


def test_a_runtimes_error_is_a_model_error() -> None:
    def run(_batch: Batch) -> Batch:
        raise RuntimeError("out of registers")

    with pytest.raises(ModelError, match=r"m.keras fails on an image of shape \(28, 28, 1\): out of registers"):
        classifier(run)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (None, "has 3 classes. Name them in the order of its outputs with --classes"),
        (["a", "b"], "has 3 classes, but 2 names were given: a, b"),
        (["a", "b", "a"], "must be unique"),
    ],
)
def test_class_names_must_fit(names: list[str] | None, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        classifier(constant([0.2, 0.3, 0.5]), class_names=names)


def test_ten_outputs_are_digits() -> None:
    assert classifier(constant([0.1] * 10)).class_names == tuple("0123456789")


def test_every_batch_has_the_same_size() -> None:
    model = Recorder()
    subject = classifier(model)
    for count in (1, 5, 33):
        subject.predict(np.zeros((count, 28, 28), np.uint8))

    assert {len(batch) for batch in model.batches} == {32}


def test_a_model_of_single_images_gets_single_images() -> None:
    model = Recorder()
    classifier(model, batch=1).predict(IMAGES)

    assert {len(batch) for batch in model.batches} == {1}


def test_a_batch_size_hidden_in_the_graph_is_found() -> None:
    def run(batch: Batch) -> Batch:
        return batch.reshape(1, 784)[:, :10]  # fails for more than one image

    expected = classifier(Recorder()).predict(IMAGES)

    np.testing.assert_array_equal(expected, classifier(run).predict(IMAGES))


def test_no_images() -> None:
    assert classifier(Recorder()).predict(np.zeros((0, 28, 28), np.uint8)).shape == (0, 10)


@pytest.mark.slow
@given(count=st.integers(1, 80), start=st.integers(0, 40))
def test_rows_do_not_depend_on_each_other(count: int, start: int) -> None:
    images = np.random.default_rng(1).integers(0, 256, (120, 28, 28), dtype=np.uint8)
    subject = classifier(Recorder())

    np.testing.assert_array_equal(
        subject.predict(images)[start : start + count], subject.predict(images[start : start + count])
    )


def test_threads_may_share_a_classifier() -> None:
    subject = classifier(Recorder())
    chunks = np.array_split(rng.integers(0, 256, (200, 28, 28), dtype=np.uint8), 8)
    expected = [subject.predict(chunk) for chunk in chunks]

    with ThreadPoolExecutor(4) as pool:
        actual = list(pool.map(subject.predict, chunks))

    np.testing.assert_array_equal(np.concatenate(expected), np.concatenate(actual))
