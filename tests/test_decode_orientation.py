"""EXIF orientation is applied exactly once, whatever the format."""

import struct

import numpy as np
import pytest
from image_files import chunk, file
from PIL import Image

from batch_eval.imaging.decode import decode
from batch_eval.imaging.exif import orientation

UPRIGHT = np.kron(np.array([[0, 60, 120], [180, 210, 250]], np.uint8), np.ones((16, 16), np.uint8))
AS_STORED = {
    1: UPRIGHT,
    2: UPRIGHT[:, ::-1],
    3: UPRIGHT[::-1, ::-1],
    4: UPRIGHT[::-1],
    5: UPRIGHT.T,
    6: np.rot90(UPRIGHT, 1),
    7: UPRIGHT[::-1, ::-1].T,
    8: np.rot90(UPRIGHT, -1),
}


def exif(value: int, order: str = "<", kind: int = 3) -> bytes:
    """A TIFF-style block that holds nothing but the orientation, as BYTE (1), SHORT (3) or LONG (4)."""
    packed = struct.pack(order + {1: "B", 3: "H", 4: "I"}[kind], value).ljust(4, b"\0")
    return struct.pack(f"{order}2sHIHHHI4sI", b"II" if order == "<" else b"MM", 42, 8, 1, 274, kind, 1, packed, 0)


def stored(value: int, kind: str) -> bytes:
    pixels = np.ascontiguousarray(AS_STORED.get(value, UPRIGHT))
    if kind == "TIFF":
        return file(pixels, kind, tiffinfo={274: value})
    return file(pixels, kind, exif=b"Exif\0\0" + exif(value))


def grey(decoded: np.ndarray) -> np.ndarray:
    return decoded if decoded.ndim == 2 else decoded[..., 0]


@pytest.mark.parametrize("value", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_every_orientation_comes_out_upright(kind: str, value: int) -> None:
    decoded = decode(stored(value, kind))

    np.testing.assert_allclose(grey(decoded), UPRIGHT, atol=6)


@pytest.mark.parametrize("value", range(1, 9))
def test_heic_comes_out_upright(value: int) -> None:
    """pillow-heif writes the orientation as a transformation of the file, and libheif applies that itself."""
    pytest.importorskip("pillow_heif").register_heif_opener()
    pixels = np.kron(AS_STORED[value], np.ones((4, 4), np.uint8))
    data = file(Image.fromarray(pixels).convert("RGB"), "HEIF", exif=b"Exif\0\0" + exif(value), quality=95)

    np.testing.assert_allclose(grey(decode(data))[8::16, 8::16], UPRIGHT[2::4, 2::4], atol=12)


@pytest.mark.parametrize("value", range(1, 9))
def test_colour_jpegs_come_out_upright(value: int) -> None:
    data = file(Image.fromarray(AS_STORED[value]).convert("RGB"), "JPEG", exif=b"Exif\0\0" + exif(value))

    decoded = decode(data)

    assert decoded.shape == (*UPRIGHT.shape, 3)
    np.testing.assert_allclose(decoded[..., 1], UPRIGHT, atol=6)


@pytest.mark.parametrize("value", range(1, 9))
def test_reduced_jpegs_come_out_upright(value: int) -> None:
    decoded = decode(stored(value, "JPEG"), reduce_to=12)

    np.testing.assert_allclose(decoded, UPRIGHT[::4, ::4], atol=6)


@pytest.mark.parametrize("value", [0, 9, 90, 65535])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_an_invalid_orientation_is_ignored(kind: str, value: int) -> None:
    decoded = decode(stored(value, kind))

    np.testing.assert_allclose(grey(decoded), UPRIGHT, atol=6)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", [1, 3, 4])
def test_both_byte_orders_and_every_integer_type_are_read(order: str, kind: int) -> None:
    assert orientation(exif(6, order, kind)) == 6


@pytest.mark.parametrize("length", range(27))
def test_a_cut_exif_block_means_upright(length: int) -> None:
    assert orientation(exif(6)[: min(length, 18)]) == 1


def test_a_directory_beyond_the_block_means_upright() -> None:
    assert orientation(b"II*\0\xff\xff\xff\xff") == 1


def test_an_exif_chunk_behind_the_pixels_counts_too() -> None:
    plain = file(AS_STORED[6], "PNG")
    data = plain[:-12] + chunk(b"eXIf", exif(6)) + plain[-12:]

    np.testing.assert_array_equal(UPRIGHT, decode(data))


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
def test_junk_in_place_of_exif_does_no_harm(kind: str) -> None:
    decoded = decode(file(UPRIGHT, kind, exif=b"Exif\0\0junk"))

    np.testing.assert_allclose(grey(decoded), UPRIGHT, atol=6)
