"""Pages of several digits: counted, flagged, and said with the reason; a digit in two pieces is one."""

import cv2
import numpy as np
import pytest
from drawn_digits import ink, on_paper

from batch_eval.imaging import preprocessor
from batch_eval.imaging.page import count_digits


def page(rows: int, columns: int):
    digit = cv2.resize(on_paper(ink(3)), (96, 96), interpolation=cv2.INTER_AREA)
    return np.tile(digit, (rows, columns))


@pytest.mark.parametrize(("rows", "columns"), [(3, 4), (1, 3)])
def test_a_page_of_digits_is_counted_and_flagged(rows: int, columns: int):
    prepared = preprocessor("photo")(page(rows, columns))

    assert prepared.digits == rows * columns
    assert prepared.reason == f"{rows * columns} separate digits; cut it first"
    assert "several_digits" in prepared.flags


def test_one_digit_is_no_page():
    prepared = preprocessor("photo")(on_paper(ink(3)))

    assert (prepared.digits, prepared.reason) == (1, "")


def test_pieces_of_a_stroke_are_one_digit():
    broken = np.zeros((100, 60), np.uint8)
    broken[5:45, 28:33] = broken[48:95, 28:33] = 255

    assert count_digits(broken) == 1


def test_dirt_does_not_count():
    dirty = np.zeros((100, 100), np.uint8)
    dirty[10:90, 20:30] = dirty[10:16, 60:66] = dirty[80:84, 80:84] = 255

    assert count_digits(dirty) == 1


def test_empty_paper_holds_no_digit():
    assert count_digits(np.zeros((50, 50), np.uint8)) == 0
