"""Which class a label means, however it is written."""

import doctest
import unicodedata

import pytest
from dataset_examples import WORDS
from hypothesis import given
from hypothesis import strategies as st

from batch_eval.dataset.labels import paths, spelling, words
from batch_eval.dataset.labels.spelling import Classes, spell

DIGITS = Classes()


def names(*texts: str, offset: int | None = None) -> list[str | None]:
    found = spell(texts, DIGITS, offset).names
    return [found[text] for text in texts]


@pytest.mark.parametrize("module", [spelling, words, paths])
def test_examples_hold(module: object) -> None:
    assert 0 == doctest.testmod(module).failed  # type: ignore[arg-type]


@pytest.mark.parametrize("language", WORDS)
@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize("case", [str.lower, str.upper, str.title])
def test_words_for_digits(language: str, form: str, case: object) -> None:
    spelled = [unicodedata.normalize(form, case(word)) for word in WORDS[language].split()]  # type: ignore[operator]

    assert [*"0123456789"] == names(*spelled)


def test_a_word_is_one_digit_in_every_language() -> None:
    for value, word in ((value, word) for line in WORDS.values() for value, word in enumerate(line.split())):
        if word != "null":
            assert [str(value)] == names(word), word


@pytest.mark.parametrize(
    "text",
    [
        *("7", "07", "007", " 7 ", "7.0", "7.", "7,0", "7.000000000000000000e+00", "7e0", "70e-1"),
        *('"7"', "'7'", '"""7"""', "’7’".replace("’", "'"), "“7”", "`7`", "[7]", "(7)", "[[7]]", "['7']", "b'7'"),
        *("tensor(7)", "tensor([7])", "tensor(7, device='cuda:0')", "np.int64(7)", "array([7], dtype=uint8)"),
        *("tf.Tensor(7, shape=(), dtype=int64)", "numpy.uint8(7)", "float32(7.0)"),
        *("7 - sete", "7_seven", "seven 7", "digit_7", "class-7", "Digit 7", "class7", "label=7", "no. 7", "숫자 7"),
    ],
)
def test_a_whole_number_in_any_notation(text: str) -> None:
    assert ["7"] == names(text)


@pytest.mark.parametrize("text", ["7.5", "7th", "7a", "7/8", "-7", "+", "1e999", "seven7eight", "IMG_7", "½", "x"])
def test_what_is_no_class_stays_itself(text: str) -> None:
    assert names(text)[0] not in DIGITS
    assert names(text)[0] is not None


@pytest.mark.parametrize(
    "text",
    ["", " ", "nan", "NaN", "NULL", "null", "None", "N/A", "n/a", "NA", "?", "-", "<NA>", "#N/A", "unknown", '""'],
)
def test_what_is_missing_is_no_label(text: str) -> None:
    assert [None, "7"] == names(text, "7")


def test_null_is_zero_among_german_words() -> None:
    assert ["0", "8"] == names("Null", "acht")
    assert [None, "8"] == names("NULL", "8")


@pytest.mark.parametrize("text", ["١٠", "10", "10.0", "12", "99"])
def test_a_number_without_a_class_is_written_in_digits(text: str) -> None:
    assert [str(int(float(text)))] == names(text)


def test_10_is_0_where_the_labels_are_1_to_10() -> None:
    spelled = spell([str(number) for number in range(1, 11)], DIGITS)

    assert "0" == spelled.names["10"]
    assert ("10 is read as the digit 0" in spelled.notes[0], "--label-offset -1" in spelled.notes[0]) == (True, True)


@pytest.mark.parametrize("texts", [["0", "10"], ["1", "10"], [str(number) for number in range(11)]])
def test_10_stays_10_elsewhere(texts: list[str]) -> None:
    assert "10" in names(*texts)


def test_an_offset_is_added_to_numbers() -> None:
    assert ["0", "9", "8", "x"] == names("1", "10", "neun", "x", offset=-1)
    assert ["0", "9"] == names("Sample001", "Sample010", offset=-1)
    assert ["1", "9"] == names("Sample001", "Sample009", offset=0)


def test_numbers_behind_an_unknown_word_are_offered_not_taken() -> None:
    spelled = spell(["writer1", "writer2"], DIGITS)

    assert {"writer1": "writer1", "writer2": "writer2"} == spelled.names
    assert "writer1 to writer2 differ by a number. If it is the label, say --label-offset 0" in spelled.offer


@pytest.mark.parametrize("name", ["n{}", "folder_{}", "reading {}", "{}_x{}y"])
def test_all_ten_digits_behind_any_word_are_the_labels(name: str) -> None:
    assert [*"0123456789"] == names(*(name.format(digit, "abcdefghij"[digit]) for digit in range(10)))


@pytest.mark.parametrize("name", ["writer{}", "page_{}", "fold {}"])
def test_numbers_of_writers_and_pages_are_no_labels(name: str) -> None:
    assert not any(label in DIGITS for label in names(*(name.format(digit) for digit in range(10))))


def test_words_that_differ_beside_the_number_are_no_labels() -> None:
    assert ["scan 1 anna", "scan 2 bob"] == names("scan 1 anna", "scan 2 bob")


@pytest.mark.parametrize(
    ("classes", "text", "name"),
    [
        ("zero one two", "2", "two"),
        ("zero one two", "ZWEI", "two"),
        ("영 일 이", unicodedata.normalize("NFD", "일"), "일"),
        ("00 01 02", "2", "02"),
        ("A B a", "a", "a"),
        ("cat dog", "DOG", "dog"),
        ("nan na", "nan", "nan"),
    ],
)
def test_the_class_of_a_model_is_found_by_its_name_or_number(classes: str, text: str, name: str) -> None:
    assert {text: name} == spell([text], Classes(classes.split())).names


@given(st.text(max_size=12))
def test_any_text_is_a_class_or_printable_text_or_nothing(text: str) -> None:
    (name,) = names(text)

    assert name is None or name in DIGITS or name.encode()


@given(st.integers(0, 9), st.sampled_from(["{}", "{}.0", " {} ", "0{}", "'{}'", "{:e}", "[{}]", "digit_{}"]))
def test_the_spelling_never_changes_the_digit(digit: int, form: str) -> None:
    assert [str(digit)] == names(form.format(digit))
