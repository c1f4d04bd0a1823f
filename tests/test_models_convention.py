"""The convention of a model: options, what the file states, and the self-test."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from batch_eval.errors import ConfigError, ModelError
from batch_eval.found_convention import FoundConvention
from batch_eval.models import DEFAULT_MODEL, ModelOptions, open_model
from batch_eval.models.class_names import DIGIT_ORDERS, ORDERS, parse_classes, parse_only
from batch_eval.models.classifier import Classifier
from batch_eval.models.convention import Convention
from batch_eval.models.input_range import RANGES, parse_range, range_from_bounds
from batch_eval.models.own_digits import FILE, own_digits
from batch_eval.models.runtime import Batch, Runtime
from batch_eval.training.own_digits import picture

DEFAULT = open_model()
IMAGES, LABELS = own_digits()


class Trained:
    """The default model, as if it had been trained under another convention. It counts the images that it gets."""

    def __init__(
        self,
        mean: float = 0,
        deviation: float = 1,
        *,
        dark: bool = False,
        transposed: bool = False,
        order: str = "0..9",
    ) -> None:
        self.mean, self.deviation, self.dark, self.transposed = mean, deviation, dark, transposed
        self.columns = [int(name) for name in DIGIT_ORDERS[order]]
        self.images = 0

    def __call__(self, batch: Batch) -> Batch:
        self.images += len(batch)
        pixels = batch.reshape(-1, 28, 28, 1) * self.deviation + self.mean
        pixels = 1 - pixels if self.dark else pixels
        pixels = pixels.transpose(0, 2, 1, 3) if self.transposed else pixels
        return DEFAULT.inference.run(pixels.astype(np.float32))[:, self.columns]


def opened(
    run: Callable[[Batch], Batch], shape: tuple[int, ...] = (28, 28, 1), stated: str | None = None, **options: Any
) -> Classifier:
    runtime = Runtime("test", run, shape, "softmax", stated)
    return Classifier(runtime, name="m.keras", sha256="", options=ModelOptions(**options))


def accuracy(model: Classifier) -> float:
    names = np.array([int(name) for name in model.class_names])
    return float((names[model.predict(IMAGES).argmax(axis=1)] == LABELS).mean())


CONVENTIONS = {
    "0..1": {},
    "0..255": {"deviation": 1 / 255},
    "-1..1": {"mean": 0.5, "deviation": 0.5},
    "mnist": {"mean": 0.1307, "deviation": 0.3081},
    "dark": {"dark": True},
    "dark 0..255": {"dark": True, "deviation": 1 / 255},
    "transposed": {"transposed": True},
    "transposed 0..255": {"transposed": True, "deviation": 1 / 255},
    "1..9,0": {"order": "1..9,0"},
    "alphabetical": {"order": "alphabetical"},
    "all unusual": {"mean": 0.5, "deviation": 0.5, "dark": True, "transposed": True, "order": "1..9,0"},
}


@pytest.mark.slow
@pytest.mark.parametrize("case", CONVENTIONS)
def test_the_self_test_finds_how_a_model_was_trained(case: str) -> None:
    model = opened(Trained(**CONVENTIONS[case]))

    assert accuracy(model) >= accuracy(DEFAULT) - 0.005


def test_the_parts_and_how_they_were_found() -> None:
    model = opened(Trained(deviation=1 / 255, dark=True, order="1..9,0"))
    actual = model.found

    assert actual.values == {"input_range": "0..255", "ink": "dark", "orientation": "upright", "classes": "1..9,0"}
    assert set(actual.found.values()) == {"tested"}
    assert actual.digits >= 40
    assert "pixels 0..255, dark ink, classes 1..9,0" in model.notes[0]


def test_a_usual_model_is_opened_without_a_word() -> None:
    actual = opened(Trained())

    assert actual.notes == ()
    assert actual.convention == Convention()


def test_a_usual_model_reads_few_digits_for_it() -> None:
    run = Trained()

    opened(run)

    assert run.images <= 200  # 100 ms of a network like the course ones


def test_the_default_model_is_not_tested() -> None:
    assert DEFAULT.found.digits == 0
    assert set(DEFAULT.found.found.values()) == {"stated"}


@pytest.fixture
def trained(tmp_path: Path) -> Path:
    """A copy of the default model, whose card can be written beside it."""
    return Path(shutil.copy(DEFAULT_MODEL, tmp_path / "m.keras"))


def card(model: Path, **changes: object) -> None:
    content = json.loads(DEFAULT_MODEL.with_name("default.card.json").read_text())
    model.with_name("m.card.json").write_text(json.dumps(content | changes))


def test_a_card_states_convention_and_classes(trained: Path) -> None:
    names = [f"class {i}" for i in range(10)]
    card(trained, class_names=names)

    actual = open_model(trained)

    assert actual.class_names == tuple(names)
    assert set(actual.found.found.values()) == {"stated"}


def test_options_beat_the_card(trained: Path) -> None:
    card(trained)

    actual = open_model(ModelOptions(trained, class_names=tuple("1234567890"), ink="dark"))

    assert (actual.class_names[0], actual.convention.ink) == ("1", "dark")
    assert (actual.found.found["classes"], actual.found.found["ink"]) == ("given", "given")


@pytest.mark.parametrize("changes", [{"model_sha256": "0" * 64}, {"class_names": [1, 2]}, {"class_names": None}])
def test_a_card_of_another_file_says_nothing(changes: dict[str, object], trained: Path) -> None:
    card(trained, **changes)

    assert open_model(trained).found.digits == 40


def test_a_damaged_card_says_nothing(trained: Path) -> None:
    trained.with_name("m.card.json").write_text("{")

    assert open_model(trained).found.digits == 40


def test_what_is_given_is_not_tested() -> None:
    run = Trained()

    actual = opened(run, input_range="0..255", ink="dark", transposed=True, class_names=tuple("0123456789"))

    assert run.images == 32  # the probe's batch
    assert str(actual.convention) == "0..255, dark ink on bright, transposed"
    assert set(actual.found.found.values()) == {"given"}


def test_what_the_file_states_beats_the_self_test() -> None:
    actual = opened(Trained(), stated="0..255").found

    assert actual.values["input_range"] == "0..255"
    assert actual.found["input_range"] == "stated"


def test_one_part_given_leaves_the_others_to_the_self_test() -> None:
    actual = opened(Trained(deviation=1 / 255, dark=True), input_range="0..255").found

    assert (actual.found["input_range"], actual.found["ink"], actual.values["ink"]) == ("given", "tested", "dark")


def test_a_model_that_reads_no_digits_is_undecided_and_gets_the_usual_convention() -> None:
    actual = opened(lambda batch: np.tile(np.eye(10, dtype=np.float32)[3], (len(batch), 1)))

    assert actual.convention == Convention()
    assert set(actual.found.found.values()) == {"undecided"}
    assert "Is it a model of digits?" in actual.notes[0]


def test_conventions_that_read_alike_are_undecided() -> None:
    def only_bright(batch: Batch) -> Batch:  # the range makes no difference
        low, high = batch.min(axis=(1, 2, 3), keepdims=True), batch.max(axis=(1, 2, 3), keepdims=True)
        scaled = (batch - low) / np.maximum(high - low, 1e-6)
        # never sure enough that the usual convention could not be beaten
        return 0.9 * DEFAULT.inference.run(scaled.astype(np.float32)) + np.float32(0.01)

    actual = opened(only_bright)

    assert actual.found.values["input_range"] == "0..1"
    assert actual.found.found["input_range"] == "undecided"
    assert "could not tell pixels 0..1 from" in actual.notes[0]


def test_other_classes_than_digits_are_not_tested() -> None:
    run = Trained()

    actual = opened(run, class_names=tuple("abcdefghij"))

    assert run.images == 32
    assert set(actual.found.found.values()) == {"assumed", "given"}
    assert "was not tested" in actual.notes[0]


def test_digits_among_other_classes_are_tested() -> None:
    letters = tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ")

    def run(batch: Batch) -> Batch:
        digits = Trained(transposed=True)(batch)
        return np.concatenate([digits, np.zeros((len(batch), 26), np.float32)], axis=1)

    actual = opened(run, class_names=(*"0123456789", *letters))

    assert actual.found.values["orientation"] == "transposed"


def test_word_names_are_digits_too() -> None:
    words = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")

    actual = opened(Trained(dark=True), class_names=words)

    assert (actual.class_names, actual.convention.ink) == (words, "dark")


def test_colours_have_ranges_of_their_own() -> None:
    mean, deviation = (np.array(numbers, np.float32) for numbers in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))

    def run(batch: Batch) -> Batch:
        return DEFAULT.inference.run((batch * deviation + mean)[..., :1])

    actual = opened(run, (28, 28, 3))

    assert actual.found.values["input_range"] == "imagenet"
    assert accuracy(actual) >= accuracy(DEFAULT) - 0.005


def test_a_range_for_colours_needs_three_channels() -> None:
    with pytest.raises(ConfigError, match="is for 3 channels"):
        opened(Trained(), input_range="imagenet")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0.1307,0.3081", (IMAGES[:2, ..., None] / np.float32(255) - np.float32(0.1307)) / np.float32(0.3081)),
        (
            "normalize-all",
            IMAGES[:2, ..., None] / np.sqrt(np.square(IMAGES[:2].astype(float)).sum((1, 2)))[:, None, None, None],
        ),
    ],
)
def test_ranges_by_formula(text: str, expected: np.ndarray) -> None:
    np.testing.assert_allclose(expected, parse_range(text).apply(IMAGES[:2, ..., None]), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("name", "axis"), [("normalize-1", 1), ("normalize-2", 2)])
def test_normalize_is_that_of_keras(name: str, axis: int) -> None:
    lengths = np.linalg.norm(IMAGES[:3].astype("float32"), axis=axis, keepdims=True)  # keras.utils.normalize
    expected = IMAGES[:3] / np.where(lengths == 0, 1, lengths)

    np.testing.assert_allclose(expected, RANGES[name].apply(IMAGES[:3, ..., None])[..., 0], atol=1e-6)


@pytest.mark.parametrize("text", ["1", "a,b", "0.5,0", "1,2,3", "nan,1", "0.1,-1"])
def test_invalid_ranges_are_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="MEAN,DEVIATION"):
        parse_range(text)


def test_options_that_keep_a_model_from_reading_are_named() -> None:
    actual = opened(Trained(deviation=1 / 255, dark=True), input_range="0..1")

    assert "Given 0..255, dark ink on bright, upright, it reads" in actual.notes[0]
    assert str(actual.convention.input_range) == "0..1"


def test_an_order_of_classes_that_keeps_a_model_from_reading_is_named() -> None:
    actual = opened(Trained(order="1..9,0"), class_names=tuple("0123456789"))

    assert "Given 0..1, bright ink on dark, upright, classes 1..9,0, it reads 80 of 80." in actual.notes[0]
    assert actual.class_names == tuple("0123456789")


def test_an_invalid_ink_is_refused() -> None:
    with pytest.raises(ConfigError, match="Must be one of auto, bright, dark"):
        opened(Trained(), ink="blue")


def test_bounds_of_quantized_inputs_name_their_range() -> None:
    found = [range_from_bounds(*ends) for ends in ((0, 1), (-1, 1), (-0.4242, 2.8215), (0, 255), (-3, 7))]

    assert found == ["0..1", "-1..1", "mnist", "0..255", None]


def test_the_orders_of_emnist() -> None:
    assert [len(ORDERS[name]) for name in ("emnist-letters", "0-9A-Z", "emnist-balanced", "emnist-byclass")] == [
        *(26, 36, 47, 62)
    ]
    assert ORDERS["emnist-balanced"][36:] == tuple("abdefghnqrt")


def wide(batch: Batch) -> Batch:
    """Give 47 outputs, of which the letters are always likelier than the digits."""
    digits = DEFAULT.inference.run(batch)
    return np.concatenate([digits / 2, np.full((len(batch), 37), 0.5 / 37, np.float32)], axis=1)


def test_many_outputs_are_named_in_the_message() -> None:
    with pytest.raises(ModelError, match=r"has 47 classes\. .*--classes emnist-balanced.*--only 0-9"):
        opened(wide)


def test_only_some_of_the_classes() -> None:
    actual = opened(wide, class_names=ORDERS["emnist-balanced"], only=parse_only("0-9"))

    assert actual.class_names == tuple("0123456789")
    np.testing.assert_allclose(DEFAULT.predict(IMAGES), actual.predict(IMAGES), atol=1e-5)


def test_only_an_unknown_class() -> None:
    with pytest.raises(ModelError, match="has no class 'ä', which --only names"):
        opened(Trained(), only=("1", "ä"))


def test_classes_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "labels.txt"
    file.write_text("0 zero\n1 one\n2 2,5\n")

    assert parse_classes(str(file)) == ("zero", "one", "2,5")


def test_classes_from_a_file_without_numbers(tmp_path: Path) -> None:
    file = tmp_path / "labels.txt"
    file.write_text("cat\n\ndog \n")

    assert parse_classes(str(file)) == ("cat", "dog")


def test_a_missing_file_of_classes() -> None:
    with pytest.raises(ConfigError, match="separated by commas"):
        parse_classes("nowhere.txt")


def test_own_digits_are_drawn_again_as_they_are() -> None:
    stored, drawn = (
        cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE) for data in (FILE.read_bytes(), picture())
    )

    assert stored.shape == drawn.shape
    # other builds of OpenCV may round an edge pixel differently
    assert np.abs(stored.astype(int) - drawn).mean() < 0.5


def test_each_run_of_ten_own_digits_holds_every_class() -> None:
    assert all(sorted(LABELS[i : i + 10]) == list(range(10)) for i in range(0, 200, 10))


def test_a_convention_in_words() -> None:
    values = {"input_range": "0..255", "ink": "bright", "orientation": "upright", "classes": "0..9"}
    found = {"input_range": "stated", "ink": "tested", "orientation": "undecided", "classes": "given"}

    assert FoundConvention(values, found, 39, 40).sentence == (
        "classes 0..9 (given); pixels 0..255 (stated by the file); bright ink (self-test); "
        "upright digits (self-test undecided); 39 of 40 own digits right"
    )
