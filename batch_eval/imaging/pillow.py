"""Decode the rarer formats with Pillow."""

import io
import warnings

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from batch_eval.errors import UnreadableImageError
from batch_eval.imaging.exif import apply_orientation, orientation
from batch_eval.imaging.limits import check_size
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
            with _open(data) as image:
                check_size(*image.size)
                image.load()
                return apply_orientation(_flatten(image), _orientation(image))
    except UnreadableImageError:
        raise
    except Exception as error:  # on damaged files, Pillow's decoders raise nearly any exception
        raise UnreadableImageError(_reason(data, error)) from error


def _reason(data: bytes, error: Exception) -> str:
    """Return what Pillow found wrong, in plain words."""
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


def _open(data: bytes) -> Image.Image:
    """Open the image; most formats decode their pixels later."""
    if is_heic(data):
        return _open_heic(data)
    return Image.open(io.BytesIO(data), formats=_FORMATS)


def is_heic(data: bytes) -> bool:
    """Say whether the data is an HEIC or HEIF file. AVIF has the same container and another codec."""
    return data[4:8] == b"ftyp" and data[8:12] in _HEIC_BRANDS and b"avif" not in data[16:64]


def _open_heic(data: bytes) -> Image.Image:
    try:
        import pillow_heif
    except ImportError as error:
        raise UnreadableImageError(f"HEIC needs pillow-heif: {install_command('heic')}") from error
    heif = pillow_heif.open_heif(io.BytesIO(data))
    check_size(*heif.size)
    image: Image.Image = heif.to_pillow()
    return image


def _orientation(image: Image.Image) -> int:
    """Return the orientation that is still to be applied."""
    # Pillow has turned a TIFF and libheif a HEIC; both then remove the tag
    exif: bytes = image.info.get("exif") or b""
    return orientation(exif.removeprefix(b"Exif\0\0"))


def _flatten(image: Image.Image) -> NDArray[np.uint8]:
    """Return 8-bit pixels without alpha, palette or colour space."""
    if image.mode[0] in "IF":
        return to_uint8(np.asarray(image))
    grey = image.mode in ("1", "L", "LA", "La")
    if image.has_transparency_data:
        pixels = np.asarray(image.convert("LA" if grey else "RGBA"))
        colour = pixels[..., 0] if grey else np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGBA2BGR))
        return composite(np.ascontiguousarray(colour, dtype=np.uint8), pixels[..., -1])
    if grey or image.mode == "LAB":  # Pillow cannot convert L*a*b*; its lightness is a grey image
        return np.array(image.getchannel("L") if image.mode == "LAB" else image.convert("L"))
    return np.asarray(cv2.cvtColor(np.asarray(image.convert("RGB")), cv2.COLOR_RGB2BGR), dtype=np.uint8)
