"""`reduce_to` decodes large JPEGs small, and never smaller than asked."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from image_files import drawing, file

from batch_eval.imaging.decode import decode
from batch_eval.imaging.jpeg import reduction


@pytest.mark.parametrize(
    ("reduce_to", "expected"),
    [(None, (96, 80)), (97, (96, 80)), (49, (96, 80)), (48, (48, 40)), (24, (24, 20)), (12, (12, 10)), (1, (12, 10))],
)
def test_the_largest_factor_that_keeps_the_longest_side(reduce_to: int | None, expected: tuple[int, int]) -> None:
    data = file(cv2.resize(drawing(), None, fx=2, fy=2), "JPEG")

    assert decode(data, reduce_to=reduce_to).shape == expected


@given(longest=st.integers(1, 100_000), reduce_to=st.integers(1, 5_000))
def test_the_longest_side_stays_at_reduce_to_or_is_the_whole(longest: int, reduce_to: int) -> None:
    factor = reduction(longest, reduce_to)

    assert factor == 1 or longest / factor >= reduce_to


@pytest.mark.parametrize(("height", "width"), [(97, 83), (1, 640), (640, 3)])
def test_odd_sizes_are_rounded_up(height: int, width: int) -> None:
    data = file(np.full((height, width), 200, np.uint8), "JPEG")

    assert decode(data, reduce_to=max(height, width) // 8).shape == (-(-height // 8), -(-width // 8))


def test_colour_is_kept() -> None:
    data = file(np.full((64, 64, 3), (250, 120, 10), np.uint8), "JPEG")

    np.testing.assert_allclose(decode(data, reduce_to=8)[4, 4], (10, 120, 250), atol=4)


@pytest.mark.parametrize("factor", [2, 4, 8])
def test_the_small_image_is_the_shrunken_large_one(factor: int) -> None:
    image = cv2.GaussianBlur(cv2.resize(drawing(), None, fx=8, fy=8), (0, 0), 5)
    data = file(image, "JPEG")
    small = cv2.resize(decode(data), None, fx=1 / factor, fy=1 / factor, interpolation=cv2.INTER_AREA)

    np.testing.assert_allclose(decode(data, reduce_to=384 // factor), small, atol=6)


def test_other_formats_stay_at_full_size() -> None:
    assert decode(file(drawing(), "PNG"), reduce_to=4).shape == drawing().shape


def test_a_cut_jpeg_is_unreadable_at_a_reduced_size_too() -> None:
    data = file(np.random.default_rng(0).integers(0, 256, (256, 256), dtype=np.uint8), "JPEG")

    with pytest.raises(Exception, match="of the rows are missing"):
        decode(data[: len(data) // 2], reduce_to=32)
