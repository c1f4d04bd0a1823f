"""Decoding: formats, bit depths, colour kinds and transparency."""

import sys

import cv2
import numpy as np
import pytest
from image_files import HEIGHT, INK, WIDTH, drawing, file, png
from PIL import Image, ImageOps

from batch_eval.errors import UnreadableImageError
from batch_eval.imaging.decode import decode


def strokes(colour: tuple[int, int, int]) -> Image.Image:
    """An RGBA drawing of strokes in one colour on transparent paper."""
    alpha = Image.fromarray(255 - drawing(255, 0))
    return Image.merge("RGBA", (*Image.new("RGB", alpha.size, colour).split(), alpha))


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "PPM"])
def test_grey_files_stay_two_dimensional_and_exact(kind: str) -> None:
    decoded = decode(file(drawing(), kind))

    np.testing.assert_array_equal(drawing(), decoded)


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "PPM", "WEBP", "GIF"])
def test_colour_comes_as_bgr(kind: str) -> None:
    decoded = decode(file(Image.new("RGB", (5, 4), (255, 128, 0)), kind))

    assert decoded.shape == (4, 5, 3)
    assert decoded[2, 2].tolist() == [0, 128, 255]


@pytest.mark.parametrize("kind", ["JPEG", "AVIF", "HEIF"])
def test_lossy_colour_comes_as_bgr(kind: str) -> None:
    if kind == "HEIF":
        pytest.importorskip("pillow_heif").register_heif_opener()
    decoded = decode(file(Image.new("RGB", (64, 64), (250, 128, 5)), kind))

    np.testing.assert_allclose(decoded[32, 32], [5, 128, 250], atol=6)


def test_a_grey_jpeg_stays_two_dimensional() -> None:
    decoded = decode(file(drawing(), "JPEG"))

    assert decoded.shape == (HEIGHT, WIDTH)


def test_heic_without_its_extra_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)

    with pytest.raises(UnreadableImageError, match=r"HEIC needs pillow-heif: .*pip install .+\[heic\]"):
        decode(b"\0\0\0\x1cftypheic\0\0\0\0mif1heic" + bytes(100))


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "PPM"])
def test_one_bit_files_are_black_and_white(kind: str) -> None:
    decoded = decode(file(Image.fromarray(drawing(255, 0)).convert("1"), kind))

    np.testing.assert_array_equal(drawing(255, 0), decoded)


@pytest.mark.parametrize(("bits", "rows"), [(2, b"\0\x1b"), (4, b"\0\x05\xaf")])
def test_two_and_four_bits_of_grey_use_the_whole_range(bits: int, rows: bytes) -> None:
    decoded = decode(png(4, 1, bits, 0, rows))

    assert decoded.tolist() == [[0, 85, 170, 255]]


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
def test_sixteen_bit_containers_are_scaled_by_the_depth_that_they_hold(kind: str, bits: int) -> None:
    white = 2**bits - 1
    deep = np.where(drawing() == INK, 0, white).astype(np.uint16)

    decoded = decode(file(deep, kind))

    np.testing.assert_array_equal(np.where(drawing() == INK, 0, 255), decoded)


def test_sixteen_bit_colour_png() -> None:
    deep = np.full((4, 4, 3), (0, 128 * 257, 65535), np.uint16)

    decoded = decode(cv2.imencode(".png", deep)[1].tobytes())

    assert decoded[1, 1].tolist() == [0, 128, 255]


@pytest.mark.parametrize("scale", [1 / 255, 1.0])
def test_float_tiff_holds_zero_to_one_or_to_255(scale: float) -> None:
    decoded = decode(file((drawing() * scale).astype(np.float32), "TIFF"))

    np.testing.assert_array_equal(drawing(), decoded)


def test_float_tiff_of_another_range_is_stretched() -> None:
    values = np.where(drawing() == INK, -3.0, 5.0).astype(np.float32)
    values[0, 0] = np.nan

    decoded = decode(file(values, "TIFF"))

    assert (decoded[22, 19], decoded[0, 39]) == (0, 255)


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "GIF"])
def test_palettes_are_looked_up(kind: str) -> None:
    image = Image.new("P", (4, 4), 1)
    image.putpalette([9, 9, 9, 200, 100, 50])

    decoded = decode(file(image, kind))

    assert decoded[0, 0].tolist() == [50, 100, 200]


@pytest.mark.parametrize("adobe", [True, False])
def test_cmyk_jpeg_has_white_paper_with_and_without_adobes_inversion(adobe: bool) -> None:
    data = file(Image.new("CMYK", (32, 32), (0, 0, 0, 0)), "JPEG")
    if not adobe:  # Pillow writes inverted inks and an APP14 segment; the plain form is the complement without it
        data = file(Image.new("CMYK", (32, 32), (255, 255, 255, 255)), "JPEG").replace(b"\xff\xee", b"\xff\xed")

    assert decode(data).min() >= 250


def test_cmyk_tiff() -> None:
    decoded = decode(file(Image.new("CMYK", (4, 4), (0, 255, 255, 0)), "TIFF"))

    assert decoded[0, 0].tolist() == [0, 0, 255]


def test_lab_tiff_gives_its_lightness() -> None:
    decoded = decode(file(Image.new("LAB", (4, 4), (77, 0, 0)), "TIFF"))

    np.testing.assert_array_equal(np.full((4, 4), 77), decoded)


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP", "AVIF"])
@pytest.mark.parametrize(
    ("ink", "paper"),
    [((0, 0, 0), 255), ((255, 255, 255), 0), ((200, 0, 0), 255), ((0, 0, 255), 255), ((255, 255, 0), 0)],
)
def test_strokes_on_transparent_lie_on_the_contrasting_paper(kind: str, ink: tuple[int, int, int], paper: int) -> None:
    decoded = decode(file(strokes(ink), kind))

    np.testing.assert_allclose(decoded[0, 0], [paper] * 3, atol=2)
    np.testing.assert_allclose(decoded[22, 19], ink[::-1], atol=4)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_grey_with_alpha_stays_grey(kind: str) -> None:
    alpha = Image.fromarray(255 - drawing(255, 0))
    image = Image.merge("LA", (Image.new("L", alpha.size, 0), alpha))

    np.testing.assert_array_equal(drawing(255, 0), decode(file(image, kind)))


def test_a_transparent_palette_entry_becomes_paper() -> None:
    image = Image.fromarray(drawing(255, 0)).quantize(2)
    paper = image.getpixel((0, 0))

    decoded = decode(file(image, "PNG", transparency=paper))

    np.testing.assert_array_equal(drawing(255, 0), decoded[..., 0])


def test_a_transparent_grey_becomes_paper() -> None:
    decoded = decode(file(drawing(100, 0), "PNG", transparency=100))

    np.testing.assert_array_equal(drawing(255, 0), decoded)


def test_a_transparent_gif() -> None:
    image = Image.fromarray(drawing(255, 0)).quantize(2)

    decoded = decode(file(image, "GIF", transparency=image.getpixel((0, 0))))

    np.testing.assert_array_equal(drawing(255, 0), decoded[..., 0])


def test_sixteen_bit_alpha() -> None:
    deep = np.zeros((HEIGHT, WIDTH, 4), np.uint16)
    deep[..., 3] = np.where(drawing() == INK, 65535, 0)

    decoded = decode(cv2.imencode(".png", deep)[1].tobytes())

    np.testing.assert_array_equal(np.where(drawing() == INK, 0, 255), decoded[..., 0])


def test_fully_transparent_is_blank_white() -> None:
    decoded = decode(file(Image.new("RGBA", (6, 5), (10, 20, 30, 0)), "PNG"))

    np.testing.assert_array_equal(np.full((5, 6, 3), 255), decoded)


def test_half_opacity_blends_with_the_paper() -> None:
    image = Image.new("RGBA", (6, 5), (0, 0, 0, 0))
    image.putpixel((2, 2), (0, 0, 0, 51))

    assert decode(file(image, "PNG"))[2, 2].tolist() == [204, 204, 204]


def test_transparent_corners_of_a_photo_continue_its_paper() -> None:
    image = ImageOps.colorize(Image.fromarray(drawing()), "black", "white").convert("RGBA")
    image.paste((0, 0, 0, 0), (0, 0, 4, 4))

    corner, paper = decode(file(image, "PNG"))[[0, 0], [0, 39]].tolist()

    assert paper == corner


def test_a_tight_transparent_stroke_contrasts_though_it_covers_most() -> None:
    image = Image.new("RGBA", (8, 8), (0, 0, 0, 255))
    image.paste((0, 0, 0, 0), (0, 0, 2, 8))

    assert decode(file(image, "PNG"))[0, 0, 0] == 255


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "TIFF"])
def test_the_first_frame_counts(kind: str) -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ((255, 0, 0), (0, 255, 0))]

    decoded = decode(file(frames[0], kind, save_all=True, append_images=frames[1:]))

    assert decoded[4, 4].tolist() == [0, 0, 255]


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "LA"])
def test_the_result_is_contiguous_and_writable_memory(mode: str) -> None:
    for kind in ("PNG", "TIFF"):
        flags = decode(file(Image.fromarray(drawing()).convert(mode), kind)).flags

        assert (flags.c_contiguous, flags.writeable) == (True, True)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "not an image: the file is empty"),
        (b"filename,label\n", "not an image of a supported kind: the file begins with b'filename'"),
        (b"\x89PNG\r\n\x1a\n", "PNG data ends early"),
        (b"GIF89a", "GIF header is damaged, ends early, or is of an unsupported kind"),
        (b"%!PS-Adobe-3.0 EPSF-3.0", "not an image of a supported kind: the file begins with b'%!PS-Ado'"),
    ],
)
def test_what_is_no_image_is_unreadable_with_a_reason(data: bytes, reason: str) -> None:
    with pytest.raises(UnreadableImageError) as caught:
        decode(data)

    assert reason == str(caught.value)
