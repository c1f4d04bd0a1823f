"""Decode the rarer formats with Pillow, and HEIC with libheif."""

from __future__ import annotations

import ctypes
import io
import struct
import warnings
from contextlib import suppress
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import (  # each registers its format
    AvifImagePlugin,  # noqa: F401
    BmpImagePlugin,  # noqa: F401
    GifImagePlugin,  # noqa: F401
    Image,
    ImageFile,
    JpegImagePlugin,  # noqa: F401
    PngImagePlugin,  # noqa: F401
    PpmImagePlugin,  # noqa: F401
    TiffImagePlugin,
    WebPImagePlugin,  # noqa: F401
    _imaging,
)

from batch_eval.errors import UnreadableImageError
from batch_eval.imaging import raw
from batch_eval.imaging.exif import ORIENTATION_TAG, apply_orientation, orientation
from batch_eval.imaging.guard import OUT_OF_MEMORY, ran_out_of_memory
from batch_eval.imaging.heif import check_container, check_heif_memory
from batch_eval.imaging.limits import bands, check_memory, check_size
from batch_eval.imaging.pixels import composite, to_uint8
from batch_eval.installation import install_command

# an allowlist: Pillow would start a program for EPS, and each further format is code that reads untrusted data
_FORMATS = ("AVIF", "BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
_SIGNATURES = {
    b"BM": "BMP",
    b"GIF8": "GIF",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"RIFF": "WebP",
    b"\x89PNG": "PNG",
    b"\xff\xd8\xff": "JPEG",
}
_HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
_STORED_BYTES = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16B": 2, "I;16L": 2, "I;16N": 2}  # a pixel in Pillow, else 4
_BITS, _SAMPLES, _STRIP_ROWS, _TILE_WIDTH, _TILE_HEIGHT = 258, 277, 278, 322, 323  # tags of TIFF


def decode_other(data: bytes) -> NDArray[np.uint8]:
    """Decode a file's first image, turn it upright and composite it.

    Args:
        data: The file's bytes.

    Returns:
        uint8, (H, W) or (H, W, 3) BGR.

    Raises:
        UnreadableImageError: The message is the reason.

    """
    try:
        with warnings.catch_warnings():
            # a warning is about a single tag, or is followed by an error
            warnings.simplefilter("ignore")
            if is_heic(data):
                return _decode_heic(data)
            with _open(data) as image:
                return _decode(image, data)
    except UnreadableImageError:
        raise
    except Exception as error:  # on damaged files, Pillow's decoders raise nearly any exception
        raise UnreadableImageError(_reason(data, error)) from error


def _decode(image: ImageFile.ImageFile, data: bytes) -> NDArray[np.uint8]:
    check_size(*image.size)
    if image.format == "AVIF":
        check_heif_memory(data, *image.size, kind="AVIF")
        check_container(data, "AVIF")
    if image.format == "TIFF":
        _silence_libtiff()
    stored = raw.pixels(image, data)
    if stored is not None:
        tags = image.tag_v2 if isinstance(image, TiffImagePlugin.TiffImageFile) else {}
        return apply_orientation(stored, tags.get(ORIENTATION_TAG, 1))
    check_memory(*image.size, _bytes_a_pixel(image), data)
    image.load()
    return apply_orientation(_flatten(image), _orientation(image))


@cache
def _silence_libtiff() -> None:
    """Keep libtiff from printing what is wrong with a file: a line for each strip. Pillow has no option for it."""
    with suppress(AttributeError, OSError):  # where libtiff is part of Pillow's own library, as on Windows
        ctypes.CDLL(_imaging.__file__).TIFFSetErrorHandler(None)


def _bytes_a_pixel(image: ImageFile.ImageFile) -> float:
    """Return the bytes a pixel that Pillow's image and the result take together."""
    stored = _STORED_BYTES.get(image.mode, 4)
    result = 1 if image.mode[0] in "1LIF" else 3
    own = _tiff_buffer(image) if isinstance(image, TiffImagePlugin.TiffImageFile) else 0
    return max(stored + own, stored + result + image.has_transparency_data)


def _tiff_buffer(image: TiffImagePlugin.TiffImageFile) -> float:
    """Return the bytes a pixel of the image that libtiff takes to unpack one strip or tile."""
    tags = image.tag_v2
    width, height = image.size
    if _TILE_WIDTH in tags and _TILE_HEIGHT in tags:
        part = int(tags[_TILE_WIDTH]) * int(tags[_TILE_HEIGHT])
    else:
        part = width * min(height, int(tags.get(_STRIP_ROWS, height)))
    bits = tags.get(_BITS, (8,))
    sample = max(bits if isinstance(bits, tuple) else (bits,)) / 8
    return float(max(4, sample * int(tags.get(_SAMPLES, 1))) * part / (width * height))


def _reason(data: bytes, error: Exception) -> str:
    """Return what Pillow found wrong, in plain words."""
    name = format_name(data)
    if ran_out_of_memory(error):
        return OUT_OF_MEMORY
    text = str(error) or type(error).__name__
    if "truncated" in text.lower():
        return f"{name or 'image'} data ends early"
    return f"{name or 'image'} data is damaged: {text}"


def format_name(data: bytes) -> str | None:
    """Return the name of a file's format by its first bytes, or None for PGM, PPM and what is no image."""
    if data[4:8] == b"ftyp":
        return "HEIC" if is_heic(data) else "AVIF"
    return next((name for signature, name in _SIGNATURES.items() if data.startswith(signature)), None)


def _open(data: bytes) -> ImageFile.ImageFile:
    """Open the image by its first bytes; most formats decode their pixels later."""
    # as Image.open does, but for its own limit of pixels, which is the whole process's and lower than ours
    for name in _FORMATS:
        factory, accepts = Image.OPEN[name]
        if accepts is None or accepts(data[:16]) is True:
            try:
                return factory(io.BytesIO(data), "")
            except (SyntaxError, IndexError, TypeError, struct.error) as error:
                raise _unidentified(data) from error
    raise _unidentified(data)


def _unidentified(data: bytes) -> UnreadableImageError:
    name = format_name(data)
    if name is None:
        return UnreadableImageError(f"not an image of a supported kind: the file begins with {data[:8]!r}")
    return UnreadableImageError(f"{name} header is damaged, ends early, or is of an unsupported kind")


def is_heic(data: bytes) -> bool:
    """Say whether the data is an HEIC or HEIF file. AVIF has the same container and another codec."""
    return data[4:8] == b"ftyp" and data[8:12] in _HEIC_BRANDS and b"avif" not in data[16:64]


def _decode_heic(data: bytes) -> NDArray[np.uint8]:
    try:
        import pillow_heif
    except ImportError as error:
        raise UnreadableImageError(f"HEIC needs pillow-heif: {install_command('heic')}") from error
    check_container(data, "HEIC")
    heif = pillow_heif.open_heif(data, bgr_mode=True)
    check_heif_memory(data, *heif.size, kind="HEIC")
    # libheif turns the image upright
    pixels = np.asarray(heif[heif.primary_index])
    if pixels.ndim == 3 and pixels.shape[2] == 4:
        colour, alpha = cv2.cvtColor(pixels, cv2.COLOR_BGRA2BGR), cv2.extractChannel(pixels, 3)
        return composite(np.asarray(colour, np.uint8), np.asarray(alpha, np.uint8))
    return to_uint8(pixels if pixels.ndim == 2 or pixels.shape[2] == 3 else pixels[..., 0])


def _orientation(image: Image.Image) -> int:
    """Return the orientation that is still to be applied."""
    # Pillow has turned a TIFF and then removed the tag
    exif: bytes = image.info.get("exif") or b""
    return orientation(exif.removeprefix(b"Exif\0\0"))


def _flatten(image: Image.Image) -> NDArray[np.uint8]:
    """Return 8-bit pixels without alpha, palette or colour space."""
    if image.mode[0] in "IF":
        return to_uint8(np.asarray(image))
    grey = image.mode in ("1", "L", "LA", "La", "LAB")
    transparent = image.has_transparency_data
    shape = image.height, image.width
    colour = np.empty(shape if grey else (*shape, 3), np.uint8)
    alpha = np.empty(shape, np.uint8) if transparent else None
    for rows in bands(*shape):
        band = image if len(range(*rows.indices(image.height))) == image.height else _rows(image, rows)
        if alpha is not None:
            pixels = np.asarray(band.convert("LA" if grey else "RGBA"))
            colour[rows] = pixels[..., 0] if grey else cv2.cvtColor(pixels, cv2.COLOR_RGBA2BGR)
            alpha[rows] = pixels[..., -1]
        elif grey:  # Pillow cannot convert L*a*b*; its lightness is a grey image
            colour[rows] = np.asarray(band.getchannel("L") if image.mode == "LAB" else band.convert("L"))
        else:
            colour[rows] = cv2.cvtColor(np.asarray(band.convert("RGB")), cv2.COLOR_RGB2BGR)
    return colour if alpha is None else composite(colour, alpha)


def _rows(image: Image.Image, rows: slice) -> Image.Image:
    return image.crop((0, rows.start, image.width, rows.stop))
