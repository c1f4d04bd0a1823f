"""The formats that are rare among digit photos, read with Pillow, which knows their odd corners."""

import io
import warnings

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from batch_eval.errors import UnreadableImageError
from batch_eval.imaging.exif import orientation, upright
from batch_eval.imaging.limits import check_size
from batch_eval.imaging.pixels import over_paper, to_uint8

# named, so that no program is started (EPS) and no format is opened that nobody asked for
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


def decode_other(data: bytes) -> NDArray[np.uint8]:
    """Return the upright, composited first image of the file, (H, W) or (H, W, 3) BGR.

    Raises UnreadableImageError with the reason.
    """
    try:
        with warnings.catch_warnings():
            # what Pillow warns of is tag by tag trivia, or an error afterwards
            warnings.simplefilter("ignore")
            with _opened(data) as image:
                check_size(*image.size)
                image.load()
                return upright(_flat(image), _orientation(image))
    except UnreadableImageError:
        raise
    except Exception as error:  # on damaged files Pillow's decoders raise nearly anything
        raise UnreadableImageError(_reason(data, error)) from error


def _reason(data: bytes, error: Exception) -> str:
    """Return in a person's words what Pillow found wrong."""
    name = _format_name(data)
    if isinstance(error, UnidentifiedImageError):
        if name is None:
            return f"not an image of a supported kind: the file begins with {data[:8]!r}"
        return f"{name} header is damaged, ends early, or is of an unsupported kind"
    if isinstance(error, Image.DecompressionBombError) and Image.MAX_IMAGE_PIXELS:
        return f"{name or 'image'} exceeds the limit of {2 * Image.MAX_IMAGE_PIXELS // 1_000_000} megapixels"
    text = str(error) or type(error).__name__
    if "truncated" in text.lower():
        return f"{name or 'image'} data ends early"
    return f"{name or 'image'} data is damaged: {text}"


def _format_name(data: bytes) -> str | None:
    if data[4:8] == b"ftyp":
        return "HEIC" if is_heic(data) else "AVIF"
    return next((name for signature, name in _SIGNATURES.items() if data.startswith(signature)), None)


def _opened(data: bytes) -> Image.Image:
    """Return the image with its pixels not decoded yet, if the format allows."""
    if is_heic(data):
        return _opened_heic(data)
    return Image.open(io.BytesIO(data), formats=_FORMATS)


def is_heic(data: bytes) -> bool:
    """Whether the data is an HEIC or HEIF file; AVIF shares the container, but not the codec."""
    return data[4:8] == b"ftyp" and data[8:12] in _HEIC_BRANDS and b"avif" not in data[16:64]


def _opened_heic(data: bytes) -> Image.Image:
    try:
        import pillow_heif
    except ImportError as error:
        raise UnreadableImageError("HEIC needs the extra: pip install 'batch_eval[heic]'") from error
    heif = pillow_heif.open_heif(io.BytesIO(data))
    check_size(*heif.size)
    image: Image.Image = heif.to_pillow()
    return image


def _orientation(image: Image.Image) -> int:
    """Return what is left to turn: Pillow turns TIFF itself, libheif HEIC, and both then state no orientation."""
    exif: bytes = image.info.get("exif") or b""
    return orientation(exif.removeprefix(b"Exif\0\0"))


def _flat(image: Image.Image) -> NDArray[np.uint8]:
    """Return 8-bit pixels without alpha, palette or colour space."""
    if image.mode[0] in "IF":
        return to_uint8(np.asarray(image))
    grey = image.mode in ("1", "L", "LA", "La")
    if image.has_transparency_data:
        pixels = np.asarray(image.convert("LA" if grey else "RGBA"))
        colour = pixels[..., 0] if grey else np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGBA2BGR))
        return over_paper(np.ascontiguousarray(colour, dtype=np.uint8), pixels[..., -1])
    if grey or image.mode == "LAB":  # Pillow converts L*a*b* to nothing, and its lightness is the grey image
        return np.array(image.getchannel("L") if image.mode == "LAB" else image.convert("L"))
    return np.asarray(cv2.cvtColor(np.asarray(image.convert("RGB")), cv2.COLOR_RGB2BGR), dtype=np.uint8)
