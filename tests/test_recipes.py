"""Recipes as a whole: names, settings, skipped steps, and what passes through unchanged."""

import numpy as np
import pytest
from drawn_digits import ink, on_paper

from batch_eval.errors import ConfigError
from batch_eval.imaging import RECIPES, preprocess, preprocessor


@pytest.mark.parametrize("recipe", ["photo", "mnist"])
def test_mnist_passes_through_bit_for_bit(recipe, data):
    with np.load(data / "mnist.npz") as mnist:
        images = mnist["x_test"]
    prepare = preprocessor(recipe)

    assert all(prepare(image).image is image for image in images)


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


def test_every_recipe_and_skipped_step_has_a_hash_of_its_own():
    variants = [preprocessor(name) for name in RECIPES] + [preprocessor("photo", skip=["lines"])]

    assert len(variants) == len({variant.settings_sha256 for variant in variants})


def test_an_unknown_recipe_is_refused_with_a_suggestion():
    with pytest.raises(ConfigError, match=r"'foto' is no preprocessing\. Did you mean 'photo'"):
        preprocessor("foto")


def test_a_step_that_is_needed_cannot_be_skipped():
    with pytest.raises(ConfigError, match="'fit' is no step that `photo` can skip"):
        preprocessor("photo", skip=["fit"])


def test_the_trace_names_every_step():
    names = [name for name, _ in preprocessor("mnist").trace(on_paper(ink(2)))]

    assert ["grey", "polarity", "background", "crop", "fit", "centre"] == names


def test_preprocess_reads_a_file(tmp_path):
    import cv2

    image = on_paper(ink(4))
    path = tmp_path / "dig ü.png"
    path.write_bytes(cv2.imencode(".png", image)[1].tobytes())

    np.testing.assert_array_equal(preprocess(image), preprocess(path))
