"""Limits of decoding count bytes and work: what a small file may ask for, and which files are read at all."""

import os
import struct
import zlib

import numpy as np
import pytest
from image_files import chunk, drawing, file, noise, png
from PIL import Image

from batch_eval.errors import UnreadableImageError
from batch_eval.files import read, read_whole
from batch_eval.imaging import jpeg, limits, webp
from batch_eval.imaging import png as png_module
from batch_eval.imaging.decode import decode
from batch_eval.imaging.guard import DEFECT, OUT_OF_MEMORY, one_image
from batch_eval.imaging.heif import pictures


def reason(data: bytes) -> str:
    with pytest.raises(UnreadableImageError) as caught:
        decode(data)
    return str(caught.value)


def heif(image: np.ndarray) -> bytes:
    pytest.importorskip("pillow_heif").register_heif_opener()
    return file(image, "HEIF")


def test_bytes_are_counted_before_they_are_allocated() -> None:
    """16 bits of four channels: 196 megapixels are within the limit of pixels, and would fill 3 GB."""
    data = png(14_000, 14_000, 16, 6, bytes(1000))

    assert reason(data) == "image of 14,000 x 14,000 pixels needs 3,136 MB to decode, and the limit is 1,420 MB"


@pytest.mark.parametrize(("kind", "depth"), [(0, 8), (2, 8), (0, 16)])
def test_200_megapixels_of_8_bit_colour_or_16_bit_grey_are_within_the_limit(kind: int, depth: int) -> None:
    assert "needs" not in reason(png(16_000, 12_500, depth, kind, bytes(1000)))


def test_the_scans_of_a_jpeg_are_counted() -> None:
    data = file(noise(40, 40), "JPEG", progressive=True)
    scan = data.rindex(b"\xff\xda")
    many = data[:scan] + data[scan:-2] * 400 + data[-2:]

    assert reason(many) == f"JPEG data has {many.count(jpeg._SCAN)} scans, and the limit is 64"


def test_a_progressive_jpeg_needs_memory_for_its_coefficients() -> None:
    data = file(noise(40, 40), "JPEG", progressive=True, subsampling=0)
    frame = data.index(b"\xff\xc2") + 5
    large = data[:frame] + struct.pack(">HH", 12_500, 16_000) + data[frame + 4 :]

    assert "needs 1,800 MB" in reason(large)


@pytest.mark.parametrize("marker", [b"\xff\xd0", b"\xff\x01"])
def test_a_marker_without_a_segment_before_the_tables_does_no_harm(marker: bytes) -> None:
    data = file(noise(40, 40), "JPEG")

    np.testing.assert_array_equal(decode(data), decode(data[:2] + marker + data[2:]))


def test_texts_and_animations_in_a_png_are_not_unpacked() -> None:
    """2,000 packed texts of a megabyte each took a minute."""
    plain = file(noise(30, 30), "PNG")
    text = chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(1 << 20)))

    np.testing.assert_array_equal(decode(plain), decode(plain[:33] + 2000 * text + plain[33:]))


def test_the_chunks_of_a_png_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(png_module, "MAX_CHUNKS", 10)
    plain = file(noise(30, 30), "PNG")

    assert "more than 10 chunks" in reason(plain[:33] + 8 * chunk(b"IDAT", b"") + plain[33:])


def test_a_colour_profile_changes_no_pixel() -> None:
    pixels = noise(30, 30)

    np.testing.assert_array_equal(decode(file(pixels, "PNG")), decode(file(pixels, "PNG", icc_profile=b"x" * 200)))


def test_names_from_a_file_are_printable() -> None:
    data = bytearray(file(noise(30, 30), "PNG"))
    data[37:41] = b"I\x1b[2"

    assert "wrong checksum in its I\\x1b[2 chunk" in reason(bytes(data))


@pytest.mark.parametrize("stated", [65, 4000, 13_000])
def test_an_avif_whose_header_lies_about_its_size_is_damaged(stated: int) -> None:
    data = file(noise(64, 64), "AVIF")
    size = data.index(b"ispe") + 8
    lying = data[:size] + struct.pack(">II", stated, stated) + data[size + 8 :]

    assert "limit" in reason(lying) or f"{stated:,} x {stated:,} pixels, its picture has 64 x 64" in reason(lying)


def test_a_heic_whose_header_lies_about_its_size_is_damaged() -> None:
    data = heif(noise(64, 64))
    size = data.index(b"ispe") + 8

    assert "size" in reason(data[:size] + struct.pack(">II", 4000, 4000) + data[size + 8 :])


def test_a_webp_whose_header_lies_about_its_size_is_damaged() -> None:
    data = file(noise(64, 64), "WEBP", exif=b"Exif\0\0II*\0\x08\0\0\0\0\0\0\0\0\0")
    width = data.index(b"VP8X") + 12

    assert "differ" in reason(data[:width] + (99).to_bytes(3, "little") + data[width + 3 :])


@pytest.mark.parametrize("size", [(64, 64), (123, 77), (1, 1)])
def test_the_size_of_an_avif_is_found(size: tuple[int, int]) -> None:
    (found,) = pictures(file(noise(*size), "AVIF"))

    assert (found.height, found.width) == size
    assert found.planes == 1.5


@pytest.mark.parametrize("kind", ["WEBP", "AVIF", "HEIF"])
@pytest.mark.parametrize("part", [0.3, 0.5, 0.9])
def test_zeros_in_place_of_the_rest_are_a_copy_that_was_cut_short(kind: str, part: float) -> None:
    pixels = noise(160, 120) // 16 + drawing_of(160, 120)
    options = {} if kind == "HEIF" else {"lossless": False, "quality": 80}
    data = heif(pixels) if kind == "HEIF" else file(pixels, kind, **options)
    kept = int(part * len(data))

    assert "zeros, the copy was cut short" in reason(data[:kept] + bytes(len(data) - kept))


def drawing_of(height: int, width: int) -> np.ndarray:
    grey = np.asarray(Image.fromarray(drawing()).resize((width, height)))
    return np.repeat(grey[..., np.newaxis] // 2, 3, axis=2)


@pytest.mark.parametrize("options", [{"lossless": True, "quality": 50, "method": 0}, {"quality": 1, "method": 0}])
def test_a_whole_webp_may_end_in_zeros(options: dict[str, object]) -> None:
    """The lower three quarters are flat: their packed pixels are zeros indeed."""
    pixels = np.zeros((400, 300, 3), np.uint8)
    pixels[:100] = noise(100, 300)
    data = file(pixels, "WEBP", **{"lossless": False, **options})

    assert data.endswith(bytes(webp.MIN_ZEROS))
    assert decode(data).shape == pixels.shape


PADDED = Image.fromarray(noise(7, 5))  # rows of BMP are padded to 4 bytes
RAW = {
    "BMP": file(PADDED, "BMP"),
    "BMP of 32 bits": file(PADDED.convert("RGBA"), "BMP"),
    "grey BMP": file(PADDED.convert("L"), "BMP"),
    "PPM": file(PADDED, "PPM"),
    "PGM": file(PADDED.convert("L"), "PPM"),
    "TIFF": file(PADDED, "TIFF"),
    "grey TIFF": file(PADDED.convert("L"), "TIFF"),
    "turned TIFF": file(PADDED, "TIFF", tiffinfo={274: 6}),
}


@pytest.mark.parametrize("kind", RAW)
def test_pixels_that_lie_in_the_file_are_those_of_pillow(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from batch_eval.imaging import raw

    taken = decode(RAW[kind])
    monkeypatch.setattr(raw, "pixels", lambda image, data: None)

    np.testing.assert_array_equal(decode(RAW[kind]), taken)


def alpha(pixels: np.ndarray) -> Image.Image:
    image = Image.fromarray(pixels)
    image.putalpha(Image.fromarray(noise(*pixels.shape[:2], channels=1, seed=3)))
    return image


BANDED = {
    "colour": file(noise(33, 20), "TIFF", compression="tiff_lzw"),
    "grey in colour": file(np.repeat(noise(33, 20, 1)[..., None], 3, axis=2), "PNG"),
    "alpha": file(alpha(noise(33, 20)), "PNG"),
    "grey with alpha": file(alpha(noise(33, 20)).convert("LA"), "PNG"),
    "alpha in Pillow": file(alpha(noise(33, 20)), "TIFF", compression="tiff_lzw"),
    "palette": file(Image.fromarray(noise(33, 20)).convert("P"), "PNG", transparency=3),
    "inks": file(Image.fromarray(noise(33, 20)).convert("CMYK"), "JPEG"),
    "16 bits": png(20, 33, 16, 6, b"".join(b"\0" + noise(1, 160, 1, row).tobytes() for row in range(33))),
    "floats": file(Image.fromarray(noise(33, 20, 1).astype(np.float32) - 9), "TIFF"),
    "raw": file(noise(33, 20), "BMP"),
}


@pytest.mark.parametrize("kind", BANDED)
def test_converting_in_bands_changes_no_pixel(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = decode(BANDED[kind])
    monkeypatch.setattr(limits, "BAND_PIXELS", 50)

    np.testing.assert_array_equal(whole, decode(BANDED[kind]))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no FIFOs")
def test_what_is_no_file_is_not_waited_for(tmp_path) -> None:
    os.mkfifo(tmp_path / "fifo.png")
    (tmp_path / "folder.png").mkdir()
    found = {}
    for path in (str(tmp_path / "fifo.png"), str(tmp_path / "folder.png"), "/dev/zero", str(tmp_path / "absent.png")):
        try:
            found[path.rpartition("/")[2]] = read(path)
        except UnreadableImageError as error:
            found[path.rpartition("/")[2]] = str(error)

    assert found == {
        "fifo.png": b"",
        "folder.png": "the file cannot be read: Is a directory",
        "zero": "the file cannot be read: it is no file but a device",
        "absent.png": "the file cannot be read: No such file or directory",
    }


def test_a_sparse_file_is_refused_before_it_is_read(tmp_path) -> None:
    with open(tmp_path / "sparse.png", "wb") as target:
        target.truncate(40 << 30)

    with pytest.raises(UnreadableImageError, match="it has 42,949 MB, and the limit is 1,000 MB"):
        read(str(tmp_path / "sparse.png"))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no FIFOs")
def test_a_pipe_is_read_up_to_the_limit() -> None:
    ends = os.pipe()
    os.write(ends[1], b"content")
    os.close(ends[1])

    assert read_whole(f"/dev/fd/{ends[0]}", 1) == b"content"


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (MemoryError(), OUT_OF_MEMORY),
        (IndexError("index out of range"), f"{DEFECT}: IndexError: index out of range"),
        (ValueError("\x1b[2J" + "x" * 5000), f"{DEFECT}: ValueError: \\x1b[2J"),
        (UnreadableImageError("a\x07b"), "a\\x07b"),
    ],
)
def test_whatever_an_image_causes_is_its_reason(error: Exception, expected: str) -> None:
    def work() -> None:
        raise error

    with pytest.raises(UnreadableImageError) as caught:
        one_image(work)

    assert str(caught.value).startswith(expected)
    assert len(str(caught.value)) <= 1000
