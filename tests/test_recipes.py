"""Recipes as a whole: names, settings, skipped and adjusted steps, and what passes through unchanged."""

import cv2
import numpy as np
import pytest
from drawn_digits import ink, on_paper
from image_files import file
from PIL import Image

from batch_eval.dataset import load_dataset
from batch_eval.engines.local import Task
from batch_eval.errors import ConfigError
from batch_eval.imaging import RECIPES, PreprocessingOptions, decode, parse_adjustments, preprocess, preprocessor
from batch_eval.models import open_model


@pytest.mark.parametrize("recipe", ["photo", "mnist"])
def test_mnist_passes_through_bit_for_bit(recipe, data):
    with np.load(data / "mnist.npz") as mnist:
        images = mnist["x_test"]
    prepare = preprocessor(recipe)

    assert all(prepare(image).image is image for image in images)


@pytest.mark.parametrize("recipe", ["photo", "mnist"])
@pytest.mark.parametrize("mode", ["L", "LA", "P", "RGB", "RGBA"])
def test_an_mnist_like_image_passes_however_its_grey_is_stored(recipe, mode):
    like_mnist = preprocess(on_paper(ink(0)))
    saved = file(Image.fromarray(like_mnist).convert(mode), "PNG")

    np.testing.assert_array_equal(like_mnist, preprocess(saved, recipe))


def test_an_mnist_like_array_passes_in_three_channels():
    like_mnist = preprocess(on_paper(ink(0)))

    np.testing.assert_array_equal(like_mnist, preprocess(cv2.merge([like_mnist] * 3)))


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize(
    "shape", [(1, 1), (1, 1, 3), (1, 2), (2, 1, 3), (1, 400), (400, 1, 3), (4, 1), (5, 7), (63, 64)]
)
def test_no_shape_is_too_odd(recipe, shape):
    rng = np.random.default_rng(1)
    prepare = preprocessor(recipe)

    for image in (np.zeros(shape), np.full(shape, 255), rng.integers(0, 256, shape), rng.integers(0, 2, shape) * 255):
        assert (28, 28) == prepare(image.astype(np.uint8)).image.shape[:2]
        assert (28, 28) == preprocess(image.astype(np.uint8), recipe).shape[:2]


def test_as_many_pieces_as_an_image_can_have_are_counted():
    dots = np.full((1024, 1024), 255, np.uint8)
    dots[::2, ::2] = 0

    assert preprocessor(PreprocessingOptions(adjust={"shrink.side": 1024}))(dots).blank


@pytest.mark.parametrize("recipe", ["photo", "mnist"])
def test_values_of_0_and_1_alone_are_read(recipe):
    bits = (on_paper(ink(7)) > 128).astype(np.uint8)

    np.testing.assert_array_equal(preprocess(bits, recipe), preprocess(bits * 255, recipe))
    assert preprocess(bits, recipe).any()


def test_black_is_no_ink_in_any_channel():
    """Where the light of a channel is 0, pixel and paper are equally dark."""
    green = np.zeros((100, 100, 3), np.uint8)
    green[..., 1] = on_paper(ink(7))[:100, :100]

    np.testing.assert_array_equal(preprocess(green), preprocess(np.ascontiguousarray(green[..., [1, 0, 2]])))


def test_a_large_photo_is_prepared_as_in_a_run(tmp_path):
    folder = tmp_path / "7"
    folder.mkdir()
    grain = np.random.default_rng(1).integers(0, 40, (2100, 1500)).astype(np.uint8)
    photo = cv2.imencode(".jpg", cv2.subtract(cv2.resize(on_paper(ink(7)), (1500, 2100)), grain))[1].tobytes()
    (folder / "a.jpg").write_bytes(photo)
    recipe = preprocessor(PreprocessingOptions(skip=("stroke",)))
    dataset = load_dataset(tmp_path)
    prepared = Task(dataset, recipe, open_model()).read(dataset.samples[0]).prepared

    np.testing.assert_array_equal(prepared.image, preprocess(photo, PreprocessingOptions(skip=("stroke",))))
    assert not np.array_equal(prepared.image, recipe(decode(photo)).image)


def test_none_keeps_values_and_polarity():
    image = on_paper(ink(1))[:28, :28]

    np.testing.assert_array_equal(image, preprocess(image, "none"))


def test_simple_resizes_and_inverts():
    image = np.full((56, 56), 200, np.uint8)

    np.testing.assert_array_equal(np.full((28, 28), 55, np.uint8), preprocess(image, "simple"))


def test_none_fits_the_models_input():
    image = np.dstack([np.full((50, 40), value, np.uint8) for value in (10, 20, 30)])

    prepared = preprocessor("none", size=(32, 24), channels=3)(image).image
    assert (32, 24, 3) == prepared.shape
    assert [10, 20, 30] == prepared[0, 0].tolist()


def test_every_recipe_skipped_step_and_adjusted_number_has_a_hash_of_its_own():
    variants = [
        *map(preprocessor, RECIPES),
        preprocessor(PreprocessingOptions(skip=("lines",))),
        *(preprocessor(PreprocessingOptions(adjust={"ink.window": window})) for window in (0.2, 0.4)),
    ]

    assert len(variants) == len({variant.settings_sha256 for variant in variants})


def test_a_number_set_to_its_default_changes_nothing():
    plain, adjusted = preprocessor("photo"), preprocessor(PreprocessingOptions(adjust={"stroke.thickest": 2.7}))

    assert (plain.settings_sha256, "photo") == (adjusted.settings_sha256, str(adjusted))


def test_every_number_has_a_default_in_its_range():
    numbers = [
        (step.default(name), bounds) for step in preprocessor("photo").steps for name, bounds in step.numbers.items()
    ]

    assert numbers
    assert all(low <= default <= high for default, (low, high) in numbers)


@pytest.mark.parametrize(
    ("number", "less", "more"),
    [("stroke.thickest", 1, 2.7), ("stroke.thinnest", 2.1, 5), ("paper.tone", 0.8, 0.2)],
)
def test_an_adjusted_number_reaches_its_step(number, less, more):
    skip = [] if number.startswith("stroke") else ["stroke"]  # which would undo the others
    thin, thick = (
        preprocess(on_paper(ink(7)), PreprocessingOptions(skip=tuple(skip), adjust={number: value}))
        for value in (less, more)
    )

    assert int(thin.sum()) < int(thick.sum())


def test_another_working_size_is_also_what_photos_are_decoded_for():
    recipe = preprocessor(PreprocessingOptions(adjust={"shrink.side": 500}))
    shrunk = dict(recipe.trace(on_paper(ink(3, size=600))))["shrink"]

    assert (500, (500, 500)) == (recipe.work_side, shrunk.shape)


def test_what_differs_from_a_recipe_is_said_with_its_name():
    recipe = preprocessor(
        PreprocessingOptions(skip=("lines",), adjust=parse_adjustments(["stroke.thickest=2", "stroke.thickest=3"]))
    )

    assert "photo -lines stroke.thickest=3" == str(recipe)


@pytest.mark.parametrize(
    ("recipe", "skip", "adjust", "message"),
    [
        ("photo", [], "stroke.thick=3", r"Did you mean 'stroke\.thickest'"),
        ("photo", [], "stroke.thickest=9", r"stroke\.thickest=9 is out of range\. Must be from 0\.5 to 8"),
        ("photo", [], "stroke.thickest=nan", "is out of range"),
        ("photo", ["stroke"], "stroke.thickest=3", "the recipe 'photo' can adjust: shrink"),
        ("mnist", [], "stroke.thickest=3", "the recipe 'mnist' has no number to adjust"),
        ("photo", [], "stroke.thickest", "the = is missing.*STEP.NAME=VALUE"),
        ("photo", [], "stroke.thickest=thick", "'thick' is not a number"),
    ],
)
def test_a_number_that_cannot_be_set_is_refused(recipe, skip, adjust, message):
    with pytest.raises(ConfigError, match=message):
        preprocessor(PreprocessingOptions(recipe, tuple(skip), parse_adjustments([adjust])))


def test_an_unknown_recipe_is_refused_with_a_suggestion():
    with pytest.raises(ConfigError, match=r"unknown recipe 'foto'\. Did you mean 'photo'"):
        preprocessor("foto")


def test_a_step_that_is_needed_cannot_be_skipped():
    with pytest.raises(ConfigError, match=r"cannot skip 'fit'.*The recipe 'photo' can skip: canvas, sheet"):
        preprocessor(PreprocessingOptions(skip=("fit",)))


def test_the_trace_names_every_step():
    names = [name for name, _ in preprocessor("mnist").trace(on_paper(ink(2)))]

    assert ["grey", "polarity", "background", "crop", "fit", "centre"] == names


def test_preprocess_reads_a_file(tmp_path):
    import cv2

    image = on_paper(ink(4))
    path = tmp_path / "dig ü.png"
    path.write_bytes(cv2.imencode(".png", image)[1].tobytes())

    np.testing.assert_array_equal(preprocess(image), preprocess(path))
