"""Damaged files and decompression bombs are unreadable with a reason; whole files never are."""

import re
import struct
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from image_files import chunk, file, noise, png

from batch_eval.errors import UnreadableImageError
from batch_eval.imaging.decode import decode

jpegs = st.builds(
    lambda height, width, channels, seed, options: file(noise(height, width, channels, seed), "JPEG", **options),
    height=st.integers(1, 60),
    width=st.integers(1, 60),
    channels=st.sampled_from([1, 3]),
    seed=st.integers(0, 9),
    options=st.fixed_dictionaries(
        {
            "quality": st.integers(5, 100),
            "subsampling": st.sampled_from([0, 1, 2]),
            "progressive": st.booleans(),
            "optimize": st.booleans(),
            "restart_marker_blocks": st.sampled_from([0, 1, 3]),
        }
    ),
)


def reason(data: bytes) -> str:
    with pytest.raises(UnreadableImageError) as caught:
        decode(data)
    return str(caught.value)


def decoded_or_none(data: bytes) -> np.ndarray | None:
    try:
        return decode(data)
    except UnreadableImageError:
        return None


@settings(max_examples=150, deadline=None)
@given(data=jpegs, cut=st.floats(0, 1, exclude_max=True))
def test_a_cut_jpeg_is_unreadable_unless_no_pixel_is_lost(data: bytes, cut: float) -> None:
    decoded = decoded_or_none(data[: int(cut * len(data))])

    assert decoded is None or np.array_equal(decoded, decode(data))


@settings(max_examples=50, deadline=None)
@given(data=jpegs, tail=st.binary(max_size=50))
def test_a_whole_jpeg_with_anything_behind_it_is_readable(data: bytes, tail: bytes) -> None:
    np.testing.assert_array_equal(decode(data), decode(data + tail))


@settings(max_examples=50, deadline=None)
@given(data=jpegs, part=st.floats(0.5, 1, exclude_max=True))
def test_a_jpeg_whose_tail_was_never_written_is_unreadable(data: bytes, part: float) -> None:
    """What an interrupted download leaves in a file that was made at full size: zeros."""
    kept = data[: int(part * len(data))]
    zeroed = kept + bytes(len(data) - len(kept))
    decoded = decoded_or_none(zeroed)

    assert decoded is None or np.array_equal(decoded, decode(data))


def test_zeros_in_place_of_a_scan_are_no_pixel() -> None:
    """Of an image of one pixel even zeros are a whole scan; only the missing end mark tells."""
    data = file(noise(1, 1, 1, 0), "JPEG", quality=5, optimize=True)

    assert reason(data[:-5] + bytes(5))


@pytest.mark.parametrize("kind", ["PNG", "BMP", "GIF", "TIFF", "WEBP", "AVIF", "PPM"])
@pytest.mark.parametrize("part", [0.02, 0.3, 0.6, 0.9, 0.99])
def test_other_formats_cut_anywhere_are_unreadable(kind: str, part: float) -> None:
    data = file(noise(48, 40), kind)

    assert reason(data[: int(part * len(data))])


def test_the_reason_says_how_much_of_a_jpeg_is_missing() -> None:
    data = file(noise(800, 80), "JPEG")

    assert reason(data[: len(data) // 2]) in {
        f"JPEG data ends early: {percent}% of the rows are missing" for percent in range(46, 54)
    }


def test_a_jpeg_that_lacks_only_its_end_mark_is_readable() -> None:
    data = file(noise(50, 40), "JPEG")

    np.testing.assert_array_equal(decode(data), decode(data[:-2]))


def test_a_progressive_jpeg_cut_between_two_scans_is_unreadable() -> None:
    data = file(noise(50, 40), "JPEG", progressive=True)
    last_scan = data.rindex(b"\xff\xda")

    assert reason(data[:last_scan]) == "JPEG data ends early"


def test_a_cut_jpeg_is_unreadable_though_its_thumbnail_is_whole() -> None:
    thumbnail = file(noise(16, 16), "JPEG")
    data = file(noise(64, 64), "JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0\0\0\0\0\0\0" + thumbnail)
    assert decode(data).shape == (64, 64, 3)

    assert "JPEG" in reason(data[: data.index(thumbnail) + len(thumbnail)])
    assert "rows are missing" in reason(data[: len(data) * 3 // 4])


def test_the_first_picture_of_several_in_one_jpeg_counts_though_the_second_is_cut() -> None:
    first, second = file(noise(48, 48, seed=1), "JPEG"), file(noise(48, 48, seed=2), "JPEG")

    np.testing.assert_array_equal(decode(first), decode(first + second[:300]))


def test_a_jpeg_overwritten_in_the_middle_is_unreadable() -> None:
    data = file(noise(64, 64), "JPEG")
    middle = len(data) // 2

    assert reason(data[:middle] + bytes(200) + data[middle + 200 :]).startswith("JPEG data")


def test_a_lost_piece_between_restart_marks_is_unreadable() -> None:
    data = file(noise(64, 64), "JPEG", restart_marker_rows=1)
    start, end = data.index(b"\xff\xd1"), data.index(b"\xff\xd2")

    assert reason(data[:start] + data[end:]).startswith("JPEG data is damaged")


@pytest.mark.parametrize("parameters", [b"\0\0\0", b"\0\x3f\x01"])
def test_a_jpeg_with_sloppy_scan_parameters_is_readable(parameters: bytes) -> None:
    """Some cameras and editors fill in what a sequential scan does not use; libjpeg warns, every viewer shows it."""
    data = file(noise(40, 40), "JPEG")
    scan = data.index(b"\xff\xda")
    end = scan + 2 + int.from_bytes(data[scan + 2 : scan + 4])
    sloppy = data[: end - 3] + parameters + data[end:]

    np.testing.assert_array_equal(decode(data), decode(sloppy))
    assert "missing" in reason(sloppy[: len(sloppy) * 3 // 4])


def test_a_jpeg_of_an_unknown_jfif_revision_is_readable() -> None:
    data = file(noise(40, 40), "JPEG")
    strange = data.replace(b"JFIF\0\x01", b"JFIF\0\x07", 1)

    np.testing.assert_array_equal(decode(data), decode(strange))


def test_a_png_with_a_wrong_checksum_is_unreadable() -> None:
    data = bytearray(file(noise(30, 30), "PNG"))
    data[data.index(b"IDAT") + 100] ^= 1

    assert reason(bytes(data)) == "PNG data is damaged: wrong checksum in its IDAT chunk"


def test_a_wrong_checksum_of_a_comment_does_no_harm() -> None:
    plain = file(noise(30, 30), "PNG")
    comment = chunk(b"tEXt", b"Comment\0hello")[:-1] + b"\0"

    np.testing.assert_array_equal(decode(plain), decode(plain[:33] + comment + plain[33:]))


@pytest.mark.parametrize("kind", ["PNG", "GIF", "BMP", "TIFF", "WEBP", "AVIF"])
def test_bytes_behind_a_whole_image_do_no_harm(kind: str) -> None:
    data = file(noise(30, 30), kind)

    np.testing.assert_array_equal(decode(data), decode(data + b"\0trailing"))


@settings(max_examples=150, deadline=None)
@given(
    kind=st.sampled_from(["PNG", "BMP", "GIF", "TIFF", "WEBP", "AVIF", "PPM", "JPEG"]),
    place=st.floats(0, 1, exclude_max=True),
    junk=st.binary(min_size=1, max_size=8),
)
def test_junk_anywhere_gives_an_image_or_a_reason(kind: str, place: float, junk: bytes) -> None:
    data = bytearray(file(noise(20, 20), kind))
    start = int(place * len(data))
    data[start : start + len(junk)] = junk
    decoded = decoded_or_none(bytes(data))

    assert decoded is None or decoded.dtype == np.uint8


def jpeg_header(width: int, height: int) -> bytes:
    data = file(noise(8, 8), "JPEG")
    start = data.index(b"\xff\xc0") + 5
    return data[:start] + struct.pack(">HH", height, width) + data[start + 4 :]


def tiff_header(width: int, height: int) -> bytes:
    return (
        file(noise(8, 8), "TIFF")
        .replace(struct.pack("<HHII", 256, 4, 1, 8), struct.pack("<HHII", 256, 4, 1, width))
        .replace(struct.pack("<HHII", 257, 4, 1, 8), struct.pack("<HHII", 257, 4, 1, height))
    )


BOMBS = {
    "PNG": png(60_000, 60_000, 8, 0, bytes(1000)),
    "palette PNG": png(60_000, 60_000, 8, 3, bytes(1000)),
    "JPEG": jpeg_header(60_000, 60_000),
    "GIF": b"GIF89a" + struct.pack("<HH", 60_000, 60_000) + file(noise(8, 8), "GIF")[10:],
    "BMP": b"BM" + struct.pack("<IIIIiiHHIIiiII", 99, 0, 54, 40, 60_000, 60_000, 1, 24, 0, 0, 0, 0, 0, 0) + bytes(99),
    "PPM": b"P5 60000 60000 255\n" + bytes(100),
    "TIFF": tiff_header(60_000, 60_000),
}


@pytest.mark.parametrize("kind", BOMBS)
def test_a_bomb_is_unreadable_by_its_header(kind: str) -> None:
    assert re.search(r"exceeds the limit of \d+ megapixels$", reason(BOMBS[kind]))


def test_the_reason_names_a_bombs_size() -> None:
    assert reason(BOMBS["JPEG"]) == "image of 60,000 x 60,000 pixels exceeds the limit of 200 megapixels"


def test_damaged_files_leave_stderr_alone(capfd: pytest.CaptureFixture[str]) -> None:
    """The C libraries would print there, a line a file, between the progress bar and the summary."""
    kinds = ({"kind": kind} for kind in ("PNG", "JPEG", "GIF", "BMP", "WEBP", "AVIF", "TIFF"))
    packed = ({"kind": "TIFF", "compression": name} for name in ("tiff_lzw", "jpeg", "tiff_adobe_deflate"))
    for options in (*kinds, *packed):
        data = file(noise(48, 40), **options)
        decoded_or_none(data[: len(data) // 2])
        decoded_or_none(data[: len(data) // 2] + bytes(50) + data[len(data) // 2 + 50 :])
    decode(file(noise(8, 8, 1), "PNG", icc_profile=b"x" * 200))

    assert capfd.readouterr() == ("", "")


def test_plain_files_need_no_pillow() -> None:
    check = "import sys, batch_eval.imaging.decode; print('PIL' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)

    assert result.stdout == "False\n"
