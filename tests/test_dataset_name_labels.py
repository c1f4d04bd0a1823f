"""Labels from the names of folders and files."""

from pathlib import Path

import pytest
from dataset_examples import folder_of, truths
from hypothesis import given
from hypothesis import strategies as st

from batch_eval.dataset import LabelOptions, load_dataset
from batch_eval.dataset.filename_labels import label_by_name, label_by_pattern
from batch_eval.dataset.folder_labels import label_by_folder
from batch_eval.errors import ConfigError, DatasetError


def folder_truths(*images: str) -> list[str | None] | None:
    labelling = label_by_folder(images)
    return list(labelling.truths) if labelling else None


def name_truths(*images: str) -> list[str | None] | None:
    labelling = label_by_name(images)
    return list(labelling.truths) if labelling else None


def test_the_class_is_the_folders_name() -> None:
    assert folder_truths("0/a.png", "7/a.png", "7/b.png") == ["0", "7", "7"]


@given(st.sets(st.sampled_from("0123456789"), min_size=1))
def test_a_missing_class_shifts_nothing(present: set[str]) -> None:
    images = [f"{digit}/img.png" for digit in sorted(present)]

    assert folder_truths(*images) == sorted(present)


@pytest.mark.parametrize(
    ("image", "truth"),
    [("test/7/x.png", "7"), ("7/writer-a/x.png", "7"), ("3/set/7/deep/er/x.png", "7"), ("7/2024/x.png", "7")],
)
def test_the_nearest_digit_folder_counts(image: str, truth: str) -> None:
    assert folder_truths(image) == [truth]


def test_images_outside_of_digit_folders_have_no_label() -> None:
    assert folder_truths("cover.png", "extra/a.png", "7/a.png") == [None, None, "7"]


@pytest.mark.parametrize(
    "images",
    [
        ("zero/a.png", "one/a.png"),
        ("train/zero/a.png", "test/one/a.png"),
        ("7/a.png", "seven/a.png"),
        ("1/a.png", "12/a.png"),
    ],
)
def test_folders_of_one_level_are_classes(images: tuple[str, ...]) -> None:
    assert folder_truths(*images) == [image.split("/")[-2] for image in images]


@pytest.mark.parametrize(
    "images",
    [
        ("a.png",),
        ("holiday/a.png",),
        ("zero/a.png", "one/deeper/a.png"),
        ("zero/a.png", "a.png"),
        ("train/a.png", "test/a.png"),
        ("images/a.png", "zero/a.png"),
    ],
)
def test_other_folders_are_no_classes(images: tuple[str, ...]) -> None:
    assert folder_truths(*images) is None


@pytest.mark.parametrize(
    ("images", "source"),
    [
        ([f"{digit}/a.png" for digit in range(10)], "class folders (10 classes)"),
        (["7/a.png"], "class folders (1 class: 7)"),
        (["7/a.png", "10/a.png", "9/a.png"], "class folders (3 classes: 7, 9, 10)"),
    ],
)
def test_the_source_counts_the_classes(images: list[str], source: str) -> None:
    labelling = label_by_folder(images)

    assert labelling is not None
    assert labelling.source == source


@pytest.mark.parametrize(
    ("image", "truth"),
    [
        ("7_anything.png", "7"),
        ("7-3.png", "7"),
        ("7.png", "7"),
        ("7 (2).png", "7"),
        ("digit7-3.jpg", "7"),
        ("Digit_7.jpg", "7"),
        ("00012-label=7.png", "7"),
        ("3_digit7.png", "7"),
        ("batch/sub/7_a.png", "7"),
    ],
)
def test_a_digit_at_the_start_or_after_a_word_is_the_label(image: str, truth: str) -> None:
    assert name_truths(image) == [truth]


@pytest.mark.parametrize(
    "image",
    [
        "IMG_2041.jpg",
        "20240101_123.jpg",
        "2024-01-01 7.jpg",
        "img_7.png",
        "photo7.png",
        "7th.png",
        "7a.png",
        "07_a.png",
        "digit7b.png",
        "digit1_label2.png",
        "midigit7.png",
        "٧_a.png",
    ],
)
def test_other_digits_are_no_labels(image: str) -> None:
    assert name_truths(image) is None


@pytest.mark.parametrize("start", ["", "digit_"])
def test_numbers_that_count_the_images_are_no_labels(start: str) -> None:
    assert name_truths(*(f"{start}{number}.png" for number in range(1, 13))) is None


def test_camera_names_among_labelled_ones_have_no_label() -> None:
    assert name_truths("7_a.png", "20240101_123.jpg", "IMG_2041.jpg") == ["7", None, None]


@given(st.sampled_from("0123456789"), st.from_regex(r"[_\- .(][a-z0-9_]{0,8}", fullmatch=True))
def test_any_rest_may_follow_the_digit(digit: str, rest: str) -> None:
    assert name_truths(f"{digit}{rest}.png") == [digit]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        (r"_(?P<label>\d)\.", ["7", None]),
        (r"^(?P<label>[a-z]+)_", ["scan", "img"]),
        (r"(?P<label>[^/]+)/[^/]+$", ["x", "y"]),
        (r"_(?P<label>\d+)", ["7", "2041"]),
        (r"scan(?P<label>q?)|(?P<other>img)_(?=2)", None),
    ],
)
def test_a_pattern_is_searched_in_the_name_or_with_a_slash_in_the_path(
    pattern: str, expected: list[str | None] | None
) -> None:
    images = ["x/scan_7.png", "y/img_2041.png"]

    if expected is None:
        with pytest.raises(DatasetError, match=r"finds no label in any of the 2 names, for example scan_7\.png"):
            label_by_pattern(images, pattern)
    else:
        assert list(label_by_pattern(images, pattern).truths) == expected


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("(", "is no regular expression: missing \\)"),
        (r"(\d)", "has no group named label"),
        ("(?P<digit>.)", "named label"),
    ],
)
def test_a_pattern_that_cannot_work_is_refused_with_an_example(pattern: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as refused:
        label_by_pattern(["a.png"], pattern)

    assert "(?P<label>" in str(refused.value)


def test_folders_and_names_that_could_both_be_labels_are_refused(tmp_path: Path) -> None:
    folder_of(tmp_path, "anna/7_a.png", "bob/3_a.png")

    with pytest.raises(DatasetError, match=r"is anna/7_a\.png anna or 7\? Say --label-pattern"):
        load_dataset(tmp_path)


@pytest.mark.parametrize(
    ("pattern", "expected"), [("(?P<label>[^/]+)/[^/]+$", ["anna", "bob"]), ("(?P<label>[0-9])", ["7", "3"])]
)
def test_the_patterns_of_that_refusal_work(tmp_path: Path, pattern: str, expected: list[str]) -> None:
    folder_of(tmp_path, "anna/7_a.png", "bob/3_a.png")

    assert list(truths(load_dataset(tmp_path, LabelOptions(pattern=pattern))).values()) == expected


def test_digit_folders_win_over_digits_in_names(tmp_path: Path) -> None:
    folder_of(tmp_path, "7/0_a.png", "7/1_a.png", "8/0_a.png")

    assert list(truths(load_dataset(tmp_path)).values()) == ["7", "7", "8"]
