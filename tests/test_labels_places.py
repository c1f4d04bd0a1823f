"""Labels from the names of folders and files."""

import re
from pathlib import Path

import pytest
from dataset_examples import folder_of, truths
from hypothesis import given
from hypothesis import strategies as st

from batch_eval.dataset import LabelOptions, load_dataset
from batch_eval.dataset.labels.patterns import label_by_pattern
from batch_eval.dataset.labels.places import label_by_places
from batch_eval.dataset.labels.reading import Reading
from batch_eval.dataset.labels.spelling import Classes
from batch_eval.errors import ConfigError, DatasetError

DIGITS = Classes()


def folder_readings(*images: str) -> tuple[Reading, ...]:
    return label_by_places(images, DIGITS, None).folders


def folder_truths(*images: str) -> list[str | None] | None:
    """The labels of the folders where there is one reading, None where there is none."""
    found = folder_readings(*images)
    assert len(found) < 2, found
    return list(found[0].truths) if found else None


def name_readings(*images: str) -> tuple[Reading, ...]:
    return label_by_places(images, DIGITS, None).names


def name_truths(*images: str) -> list[str | None] | None:
    found = name_readings(*images)
    assert len(found) < 2, found
    return list(found[0].truths) if found else None


def test_the_class_is_the_folders_name() -> None:
    assert folder_truths("0/a.png", "7/a.png", "7/b.png") == ["0", "7", "7"]


@given(st.sets(st.sampled_from("0123456789"), min_size=1))
def test_a_missing_class_shifts_nothing(present: set[str]) -> None:
    images = [f"{digit}/img.png" for digit in sorted(present)]

    assert folder_truths(*images) == sorted(present)


@pytest.mark.parametrize(
    ("image", "truth"),
    [("test/7/x.png", "7"), ("7/writer-a/x.png", "7"), ("set/7/deep/er/x.png", "7"), ("7/2024/x.png", "7")],
)
def test_the_digit_is_found_among_the_folders_above(image: str, truth: str) -> None:
    assert folder_truths(image) == [truth]


def test_two_levels_of_digits_are_two_readings() -> None:
    first, second = folder_readings("3/set/7/x.png", "3/set/8/x.png")

    assert (["3", "3"], ["7", "8"]) == (list(first.truths), list(second.truths))
    assert ("--label-pattern '^(?P<label>[^/]+)/'", "--label-pattern '^[^/]+/[^/]+/(?P<label>[^/]+)/'") == (
        first.option,
        second.option,
    )


def test_levels_that_agree_are_one_reading() -> None:
    assert folder_truths("7/a.png", "train/8/b.png", "9/set/c.png", "7/seven/d.png") == ["7", "8", "9", "7"]


def test_images_outside_of_class_folders_have_no_label() -> None:
    assert folder_truths("cover.png", "7/a.png", "7/p01/b.png") == [None, "7", "7"]


def test_a_folder_beside_class_folders_is_a_label_out_of_range() -> None:
    assert folder_truths("unsure/a.png", "7/a.png", "10/a.png", "8/x/a.png") == ["unsure", "7", "10", "8"]


@pytest.mark.parametrize(
    "images",
    [
        ("zero/a.png", "one/a.png"),
        ("train/zero/a.png", "test/one/a.png"),
        ("7/a.png", "seven/a.png"),
        ("digit_7/a.png", "digit_1/a.png"),
        ("Class 3/a.png", "Class 04/a.png"),
        ("3 - três/a.png", "7 - sete/a.png"),
        ("0003/a.png", "0007/a.png"),
        ("٣/a.png", "７/a.png"),
        ("칠/a.png", "NEUN/a.png"),
    ],
)
def test_folders_are_named_after_classes_in_many_ways(images: tuple[str, ...]) -> None:
    truths = folder_truths(*images)

    assert truths is not None
    assert all(truth in DIGITS for truth in truths)


def test_words_of_another_model_are_its_classes() -> None:
    words = Classes(["zero", "one", "two"])

    assert ["one", "two"] == list(label_by_places(["1/a.png", "Two/a.png"], words, None).folders[0].truths)


def test_folders_1_to_10_are_digits_as_svhn_has_them() -> None:
    (found,) = folder_readings(*(f"{folder}/a.png" for folder in range(1, 11)))

    assert [*"1234567890"] == list(found.truths)
    assert "10 is read as the digit 0, as in SVHN" in found.notes[0]


def test_numbers_behind_another_word_are_offered() -> None:
    images = [f"Sample{folder:03d}/a.png" for folder in range(1, 11)]
    places = label_by_places(images, DIGITS, None)
    shifted = label_by_places(images, DIGITS, -1).folders

    assert not any(truth in DIGITS for reading in places.folders for truth in reading.truths)
    assert "Sample001 to Sample010 differ by a number" in places.offers[0]
    assert [*"0123456789"] == list(shifted[0].truths)


@pytest.mark.parametrize(
    "images",
    [
        ("a.png",),
        ("holiday/a.png",),
        ("cat/a.png", "dog/deeper/a.png"),
        ("cat/a.png", "a.png"),
        ("train/a.png", "test/a.png"),
        ("images/a.png", "cat/a.png"),
    ],
)
def test_other_folders_are_no_classes(images: tuple[str, ...]) -> None:
    assert folder_truths(*images) is None


@pytest.mark.parametrize(
    ("images", "source"),
    [
        ([f"{digit}/a.png" for digit in range(10)], "class folders (10 classes)"),
        (["7/a.png"], "class folders (1 class: 7)"),
        (["7/a.png", "12/a.png", "9/a.png"], "class folders (3 classes: 7, 9, 12)"),
    ],
)
def test_the_source_counts_the_classes(images: list[str], source: str) -> None:
    assert [source] == [reading.source for reading in folder_readings(*images)]


def test_folders_that_are_no_classes_are_returned_to_be_named() -> None:
    assert folder_truths("cat/a.png", "dog/a.png") == ["cat", "dog"]


@pytest.mark.parametrize(
    ("image", "truth"),
    [
        ("7_anything.png", "7"),
        ("7.png", "7"),
        ("7 - Copy.png", "7"),
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


@pytest.mark.parametrize("start", ["", "digit_", "digit"])
@pytest.mark.parametrize("last", [8, 9, 12])
@pytest.mark.parametrize("first", [0, 1])
def test_numbers_that_count_the_images_are_no_labels(first: int, last: int, start: str) -> None:
    if (first, last) != (0, 9):
        assert name_truths(*(f"{start}{number}.png" for number in range(first, last + 1))) is None


def test_numbers_that_count_the_images_of_each_folder_are_no_labels() -> None:
    assert name_truths("a/1.png", "a/2.png", "b/1.png", "b/2.png", "b/3.png") is None


def test_the_ten_digits_each_once_are_taken_where_nothing_else_is_there() -> None:
    (found,) = name_readings(*(f"{digit}.png" for digit in range(10)))

    assert [*"0123456789"] == list(found.truths)
    assert found.weak
    assert "each once, and are taken for the labels" in found.notes[0]


def test_a_digit_that_is_there_twice_counts_nothing() -> None:
    assert name_truths("1_a.png", "1_b.png", "2_a.png") == ["1", "1", "2"]


def test_a_word_for_a_class_at_the_start_is_the_label() -> None:
    assert name_truths("seven_1.png", "One 2.png", "nine.png") == ["7", "1", "9"]
    assert name_truths("seven_1.png", "photo_2.png") is None


def test_a_second_digit_that_counts_is_no_other_reading() -> None:
    assert name_truths(*(f"{digit}_{copy}.png" for digit in range(10) for copy in range(5))) is not None


@pytest.mark.parametrize("between", ["-", "_", " (", "_scan_"])
def test_a_second_digit_of_every_name_is_another_reading(between: str) -> None:
    first, second = name_readings(*(f"{w}{between}{digit}.png" for w in range(1, 6) for digit in range(10)))

    assert [*"0123456789"] * 5 == list(second.truths)
    assert "1" == first.truths[0]


@pytest.mark.parametrize("names", [("3-7.png", "4-9.png"), ("3_a_7.png", "1_b_1.png")])
def test_the_pattern_of_the_second_digit_works(names: tuple[str, ...]) -> None:
    _, second = name_readings(*names)
    pattern = second.option.removeprefix("--label-pattern ").strip("'")

    assert list(second.truths) == list(label_by_pattern(names, pattern, DIGITS).truths)


def test_camera_names_among_labelled_ones_have_no_label() -> None:
    assert name_truths("7_a.png", "20240101_123.jpg", "IMG_2041.jpg") == ["7", None, None]


@given(st.sampled_from("0123456789"), st.from_regex(r"[_\- .(][a-z_]{0,8}", fullmatch=True))
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
            label_by_pattern(images, pattern, DIGITS)
    else:
        assert list(label_by_pattern(images, pattern, DIGITS).truths) == expected


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
        label_by_pattern(["a.png"], pattern, DIGITS)

    assert "(?P<label>" in str(refused.value)


def test_the_patterns_of_a_refusal_work(tmp_path: Path) -> None:
    folder_of(tmp_path, *(f"{writer}/{digit}.png" for writer in range(1, 6) for digit in range(10)))

    with pytest.raises(DatasetError) as refused:
        load_dataset(tmp_path)
    patterns = re.findall(r"--label-pattern '(.*?)' for the", str(refused.value))
    first, second = (list(truths(load_dataset(tmp_path, LabelOptions(pattern=p))).values()) for p in patterns)

    assert [*"1" * 10] == first[:10]
    assert [*"0123456789"] == second[:10]
    assert "is 1/0.png 1, by class folders (5 classes: 1, 2, 3, 4, 5), or 0, by file names" in str(refused.value)


def test_digit_folders_win_over_digits_in_names_that_count(tmp_path: Path) -> None:
    folder_of(tmp_path, "7/0_a.png", "7/1_a.png", "8/0_a.png")

    assert list(truths(load_dataset(tmp_path)).values()) == ["7", "7", "8"]


def test_names_are_labels_where_folders_are_no_classes(tmp_path: Path) -> None:
    folder_of(tmp_path, "anna/7_a.png", "bob/3_a.png")

    assert list(truths(load_dataset(tmp_path)).values()) == ["7", "3"]


def test_digits_at_unusual_places_are_offered(tmp_path: Path) -> None:
    images = [f"img_{digit}_{writer}.png" for digit in range(10) for writer in range(2)]
    folder_of(tmp_path, *images)

    said = load_dataset(tmp_path).unlabelled
    pattern = re.search(r"If the 0 in img_0_1 is the label, say --label-pattern '(.*?)'", said)

    assert pattern
    assert [image[4] for image in images] == list(label_by_pattern(images, pattern[1], DIGITS).truths)
