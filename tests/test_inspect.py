"""A model from inside: layers as Keras lists them, diagrams, filters, feature maps, and its reading of own digits."""

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import cv2
import jsonschema
import numpy as np
import pytest
from keras_networks import NETWORKS, chain, randomize
from late_keras import keras, kl
from typer.testing import CliRunner

from batch_eval.api import open_reader
from batch_eval.cli.app import application
from batch_eval.engines.model_view import ModelView, view_model
from batch_eval.errors import UnreadableImageError
from batch_eval.models import DEFAULT_MODEL, ModelOptions
from batch_eval.models.description import describe
from batch_eval.publishing import whole
from batch_eval.reports.context import ReportContext
from batch_eval.reports.inspection.json_file import SCHEMA
from batch_eval.reports.registry import Kind, format_names, reporter

# TensorFlow 2.21 with NumPy 2.4 warns about itself
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn.t accept a copy:DeprecationWarning"),
]
SAMPLE = Path(__file__).parents[1] / "sample_images" / "7-4-squared-marker.png"


def view(model: Path | None = None, image: Path | None = None, **options: object) -> ModelView:
    opened = ModelOptions(model, **options)  # type: ignore[arg-type]
    reader = open_reader(opened)
    return view_model(opened, reader.classifier, reader.recipe, image)


@pytest.fixture(scope="module")
def residual(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A functional model with a branch."""
    source = kl.Input((28, 28, 1))
    x = kl.BatchNormalization()(kl.Conv2D(4, 3, padding="same", activation="relu")(source))
    y = kl.Dropout(0.5)(kl.Conv2D(4, 3, padding="same")(x))
    x = kl.Flatten()(kl.Add()([x, y]))
    file = tmp_path_factory.mktemp("models") / "residual.keras"
    randomize(keras.Model(source, kl.Dense(10, activation="softmax")(x))).save(file)
    return file


@pytest.fixture(scope="module")
def unusual(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that only TensorFlow runs."""
    file = tmp_path_factory.mktemp("models") / "unusual.keras"
    layers = [kl.Input((28, 28)), kl.LSTM(6), kl.Dense(10, activation="softmax")]
    randomize(keras.Sequential(layers)).save(file)
    return file


@pytest.mark.parametrize("name", NETWORKS)
def test_layers_are_those_that_keras_lists(name: str, tmp_path: Path) -> None:
    model = NETWORKS[name]()
    model.save(tmp_path / "m.keras")

    actual = describe(tmp_path / "m.keras")

    assert actual.parameters == model.count_params()
    leaves = {layer.name: layer for layer in model._flatten_layers() if not hasattr(layer, "layers")}
    for layer in actual.layers[1:]:
        expected = leaves[layer.name.rpartition("/")[2]]
        assert (layer.class_name, layer.parameters) == (type(expected).__name__, expected.count_params())
        if name != "glu" and not isinstance(expected.output, list):  # whose output is half of what Keras declares
            assert expected.output.shape[1:] == layer.output_shape


def test_untrained_parameters_are_counted_apart(residual: Path) -> None:
    model = keras.models.load_model(residual)

    actual = describe(residual)

    assert actual.untrained == sum(int(np.prod(weight.shape)) for weight in model.non_trainable_weights)


def test_what_takes_its_input_from_what(residual: Path) -> None:
    by_class = {layer.class_name: layer for layer in describe(residual).layers}

    assert by_class["Add"].inputs == (by_class["BatchNormalization"].name, by_class["Dropout"].name)


def test_the_version_that_saved_a_file() -> None:
    assert describe(DEFAULT_MODEL).saved_by.startswith("Keras 3.")


def test_layers_that_cannot_be_converted_are_listed_with_their_parameters(unusual: Path) -> None:
    expected = keras.models.load_model(unusual)

    actual = describe(unusual)

    assert [layer.class_name for layer in actual.layers] == ["InputLayer", "LSTM", "Dense"]
    assert (actual.parameters, actual.layers[1].output_shape) == (expected.count_params(), None)


@pytest.mark.parametrize("name", sorted(format_names(Kind.INSPECTION)))
def test_every_format_shows_every_kind_of_model(name: str, residual: Path, unusual: Path) -> None:
    for seen in (view(), view(residual), view(unusual), view(unusual, class_names=tuple("abcdefghij"))):
        assert list(reporter(name, Kind.INSPECTION).files(seen)) or name == "plots"


def test_json_follows_its_schema(residual: Path, unusual: Path) -> None:
    schema = json.loads(SCHEMA.read_text())
    jsonschema.Draft202012Validator.check_schema(schema)

    for seen in (view(), view(residual), view(unusual, class_names=tuple("abcdefghij"))):
        jsonschema.validate(json.loads(whole(reporter("json", Kind.INSPECTION).document(seen))), schema)


def test_text_says_what_the_default_model_is() -> None:
    text = whole(reporter("text", Kind.INSPECTION).document(view())).decode()

    assert "320,722, of which 880 are not trained" in text
    assert "100.0 %, 200 of 200 right" in text
    assert "pixels 0..1, bright ink, upright digits, classes 0..9 (stated by the file)" in text
    assert "14 × 14 × 40" in text


def test_diagrams_are_svg_and_png(residual: Path) -> None:
    files = dict(reporter("plots", Kind.INSPECTION).files(view(residual)))

    for stem in ("graph", "blocks"):
        assert ET.fromstring(files[f"{stem}.svg"]).tag == "{http://www.w3.org/2000/svg}svg"
        assert cv2.imdecode(np.frombuffer(files[f"{stem}.png"], np.uint8), cv2.IMREAD_COLOR).shape[0] > 100
    assert b"Conv2D 4 of 3\xc3\x973, same, relu" in files["graph.svg"]


def test_feature_maps_of_an_image() -> None:
    seen = view(image=SAMPLE)
    files = dict(reporter("plots", Kind.INSPECTION).files(seen))

    assert (seen.shown.name, seen.shown.guesses[0].name) == (SAMPLE.name, "7")
    assert seen.shown.maps[0].maps.shape == (14, 14, 40)
    assert {"seen.png", "maps-1.png", "filters.png"} <= files.keys()


def test_feature_maps_are_what_keras_computes(residual: Path) -> None:
    seen, model = view(residual, SAMPLE), keras.models.load_model(residual)
    inside = keras.Model(model.inputs[0], model.layers[1].output)

    expected = np.asarray(inside(seen.shown.seen[None, ..., None] / np.float32(255)))[0]

    np.testing.assert_allclose(expected, seen.shown.maps[0].maps, atol=1e-5)


def test_the_weights_of_a_flat_network_are_images(tmp_path: Path) -> None:
    chain(shape=(28, 28, 1)).save(tmp_path / "flat.keras")

    files = dict(reporter("plots", Kind.INSPECTION).files(view(tmp_path / "flat.keras")))

    assert "filters.png" in files


def test_a_hostile_name_is_escaped(tmp_path: Path) -> None:
    layers = [kl.Input((28, 28, 1)), kl.Flatten(name="flat&'lt"), kl.Dense(10, activation="softmax")]
    file = tmp_path / "<img src=x onerror=alert(1)>.keras"
    randomize(keras.Sequential(layers)).save(file)
    seen = view(file)

    page = whole(reporter("html", Kind.INSPECTION).document(seen, ReportContext())).decode()
    files = dict(reporter("plots", Kind.INSPECTION).files(seen))

    assert "<img src=x" not in page
    assert ET.fromstring(files["graph.svg"]).get("aria-label") == file.name


def test_the_page_loads_nothing_from_elsewhere() -> None:
    files = dict(reporter("html", Kind.INSPECTION).files(view()))
    page = files["inspection.html"].decode()

    assert "style=" not in page
    assert "data:" not in page
    assert all(url in files for url in page.split('src="')[1:] for url in [url.partition('"')[0]])


def test_the_command_writes_page_and_pictures(tmp_path: Path) -> None:
    result = CliRunner().invoke(application(), ["inspect", "--image", str(SAMPLE), "--out", str(tmp_path)])

    assert result.exit_code == 0, result.output
    assert {"inspection.html", "inspection.json", "inspection_files"} == {path.name for path in tmp_path.iterdir()}


def test_an_image_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "no.png").write_text("no image")

    with pytest.raises(UnreadableImageError):
        view(image=tmp_path / "no.png")
